#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cmath>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

// clang-format off
TEST_SUITE("recurrent layers") {
    Tensor filled(const Shape& shape, double step) {
        std::vector<double> values(static_cast<std::size_t>(shape.size()));
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(step * static_cast<double>(i + 1));
        return tensor(values, shape);
    }

    const Tensor x = filled({3, 2, 4}, 0.7), h0 = filled({2, 3}, 0.3), c0 = filled({2, 3}, 0.9);
    Tensor ih(int gates) { return filled({3 * gates, 4}, 0.37); }
    Tensor hh(int gates) { return filled({3 * gates, 3}, 0.53); }
    Tensor bias(int gates) { return filled({3 * gates}, 0.11); }

    // Figures of PyTorch 1.13, in double precision.
    TEST_CASE("the last states are PyTorch's") {
        const auto l = lstm(x, h0, c0, ih(4), hh(4), bias(4), bias(4));
        CHECK(close(l.h, tensor({{-0.13576644434318233, 0.2605611672452758, 0.5037590654315874}, {0.3437016755883503, 0.6325692993755757, 0.6897848286752669}}), 1e-14));
        CHECK(close(l.c, tensor({{-0.14748202816003428, 0.4139546335255143, 0.8445216747583602}, {0.4289852187843839, 0.8631870592380286, 1.0109755990912856}}), 1e-14));
        CHECK(close(gru(x, h0, ih(3), hh(3), bias(3), bias(3)).h, tensor({{-0.6408610290954925, 0.5118877059880041, 0.8352379853194637}, {0.45731075944732746, 0.9496887246945509, 0.9280915127517453}}), 1e-14));
        CHECK(close(rnn(x, h0, ih(1), hh(1), bias(1), bias(1)).h, tensor({{0.9662824041737095, 0.9415195970835603, -0.8408483939971113}, {0.09044367488649126, 0.3678285317963402, 0.7312383226701329}}), 1e-14));
        CHECK(close(rnn(x, h0, ih(1), hh(1), bias(1), bias(1), {.nonlinearity = Nonlinearity::relu}).h, tensor({{10.329685153965578, 9.018391781736652, 0.0}, {1.6177101999999466, 1.0862095616574672, 0.0}}), 1e-14));
    }

    TEST_CASE("a reversed layer is a layer on the reversed sequence") {
        const auto back = gru(x, h0, ih(3), hh(3), bias(3), bias(3), {.reverse = true}), forth = gru(flip(x, 0), h0, ih(3), hh(3), bias(3), bias(3));
        CHECK(close(back.output, flip(forth.output, 0)));
        CHECK(close(back.h, forth.h));
        CHECK(close(back.h, select(back.output, 0, 0)));
    }

    TEST_CASE("a sample ends where its length says, in both directions") {
        const Tensor lengths = tensor({3, 1}), second = slice(slice(x, 1, 1), 0, 0, 1);
        for (const bool reverse : {false, true}) {
            const auto both = lstm(x, h0, c0, ih(4), hh(4), bias(4), bias(4), {.reverse = reverse, .lengths = lengths});
            const auto alone = lstm(second, slice(h0, 0, 1), slice(c0, 0, 1), ih(4), hh(4), bias(4), bias(4), {.reverse = reverse});
            CHECK(close(slice(both.h, 0, 1), alone.h));
            CHECK(close(slice(both.c, 0, 1), alone.c));
            CHECK(close(slice(both.output, {{0, 1}, {1, 2}}), alone.output));
            CHECK(close(slice(both.output, {{1, 3}, {1, 2}}), zeros({2, 1, 3}, DType::f64)));
        }
    }

    TEST_CASE("what lies behind a sample's length is never looked at") {
        const Tensor beyond = tensor({std::nan(""), 1.0, 1.0, std::nan("")}), lengths = tensor({1, 1});
        Tape tape;
        const Tensor w = tape.watch(ih(4));
        const auto y = lstm(concat({slice(x, 0, 0, 1), broadcast_to(beyond, {2, 2, 4})}), h0, c0, w, hh(4), bias(4), bias(4), {.lengths = lengths});
        CHECK(all(isfinite(y.output)).item<bool>());
        CHECK(all(isfinite(tape.gradient(sum(y.output) + sum(y.c), w))).item<bool>());
    }

    TEST_CASE("threads change nothing but the time") {
        const Tensor many = filled({4, 96, 64}, 0.01), h = zeros({96, 128}, DType::f64), wi = filled({512, 64}, 0.013) * 0.1, wh = filled({512, 128}, 0.017) * 0.1;
        const auto whole = lstm(many, h, h, wi, wh);
        const auto part = lstm(slice(many, 1, 40, 50), slice(h, 0, 40, 50), slice(h, 0, 40, 50), wi, wh);
        CHECK(close(slice(whole.output, 1, 40, 50), part.output));
    }

    TEST_CASE("arguments that do not fit") {
        const Tensor w = ih(4), u = hh(4), b = bias(4);
        CHECK(error_of<ShapeError>([&] { lstm(h0, h0, c0, w, u); }) == "lstm: the input must be (steps, samples, inputs), got shape (2, 3)" + here());
        CHECK(error_of<ShapeError>([&] { lstm(x, b, c0, w, u); }) == "lstm: h0 must be (samples, hidden), got shape (12,)" + here());
        CHECK(error_of<ShapeError>([&] { lstm(x, h0, slice(c0, 0, 1), w, u); }) == "lstm: c0 must be (2, 3), got (1, 3)" + here());
        CHECK(error_of<ShapeError>([&] { lstm(x, h0, c0, u, u); }) == "lstm: weight_ih must be (12, 4), got (12, 3)" + here());
        CHECK(error_of<ShapeError>([&] { gru(x, h0, ih(3), u); }) == "gru: weight_hh must be (9, 3), got (12, 3)" + here());
        CHECK(error_of<ShapeError>([&] { rnn(x, h0, ih(1), hh(1), b, b); }) == "rnn: bias_ih must be (3,), got (12,)" + here());
        CHECK(error_of<ValueError>([&] { lstm(x, h0, c0, w, u, b); }) == "lstm: there must be both biases or neither, got one" + here());
        CHECK(error_of<DTypeError>([&] { lstm(x, h0, c0, w.to(DType::f32), u); }) == "lstm: dtypes must agree, got f64 and f32 for weight_ih (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([&] { rnn(tensor({{{1}}}), h0, w, u); }) == "rnn: must be f32 or f64, got i32" + here());
        CHECK(error_of<ShapeError>([&] { gru(x, h0, ih(3), hh(3), Tensor(), Tensor(), {.lengths = tensor({1})}); }) == "gru: there must be a length for each of 2 samples, got shape (1,)" + here());
        CHECK(error_of<ValueError>([&] { gru(x, h0, ih(3), hh(3), Tensor(), Tensor(), {.lengths = tensor({1, 4})}); }) == "gru: lengths must be in [0, 3], got 4" + here());
    }
}

TEST_SUITE("ctc_loss") {
    Tensor uniform(std::int64_t steps, std::int64_t samples, std::int64_t classes) { return full({steps, samples, classes}, -std::log(static_cast<double>(classes)), DType::f64); }

    TEST_CASE("counts the ways to spell a target") {
        const Tensor one = tensor({{1}}), twice = tensor({{1, 1}});
        // Of the 8 sequences of three steps and two classes, 6 have one run of the class; 1 has two.
        CHECK(close(ctc_loss(uniform(3, 1, 2), one, tensor({3}), tensor({1})), scalar(-std::log(6.0 / 8))));
        CHECK(close(ctc_loss(uniform(3, 1, 2), twice, tensor({3}), tensor({2}), {.reduction = Reduction::sum}), scalar(-std::log(1.0 / 8))));
        CHECK(close(ctc_loss(uniform(3, 1, 2), twice, tensor({3}), tensor({2})), scalar(-std::log(1.0 / 8) / 2)));
        CHECK(close(ctc_loss(uniform(3, 1, 2), 1 - one, tensor({3}), tensor({1}), {.blank = 1}), scalar(-std::log(6.0 / 8))));
    }

    TEST_CASE("targets may be padded, or one behind the other") {
        const Tensor x = log_softmax(reshape(sin(arange(0, 24, 1, DType::f64)), {4, 2, 3})), steps = tensor({4, 3}), counts = tensor({1, 2});
        const Tensor padded = ctc_loss(x, tensor({{2, -5}, {1, 2}}), steps, counts, {.reduction = Reduction::none});
        CHECK(padded.shape() == Shape{2});
        CHECK(close(padded, ctc_loss(x, tensor({2, 1, 2}), steps, counts, {.reduction = Reduction::none})));
        CHECK(close(select(padded, 0, 1), ctc_loss(select(x, 1, 1), tensor({1, 2}), tensor({3}), scalar(2), {.reduction = Reduction::none})));
    }

    TEST_CASE("a long sequence does not underflow") {
        const Tensor x = uniform(3000, 1, 50).to(DType::f32), y = ctc_loss(x, full({1, 200}, 7, DType::i64), tensor({3000}), tensor({200}));
        CHECK(isfinite(y).item<bool>());
        CHECK(y.item() > 40);
    }

    TEST_CASE("arguments that do not fit") {
        const Tensor x = uniform(3, 2, 4), targets = tensor({{1, 2}, {3, 1}}), three = tensor({3, 3}), two = tensor({2, 2});
        CHECK(error_of<ShapeError>([&] { ctc_loss(zeros({3}), targets, three, two); }) == "ctc_loss: log_probs must be (T, N, C) or (T, C), got shape (3,)" + here());
        CHECK(error_of<IndexError>([&] { ctc_loss(x, targets, three, two, {.blank = 4}); }) == "ctc_loss: blank must be in [0, 4), got 4" + here());
        CHECK(error_of<IndexError>([&] { ctc_loss(x, targets + 2, three, two); }) == "ctc_loss: targets must be in [0, 4), got 4" + here());
        CHECK(error_of<ShapeError>([&] { ctc_loss(x, slice(targets, 0, 1), three, two); }) == "ctc_loss: targets must be a vector or (2, ...), got shape (1, 2)" + here());
        CHECK(error_of<ShapeError>([&] { ctc_loss(x, tensor({1, 2, 3}), three, two); }) == "ctc_loss: the targets' lengths must not add up to more than there are, got 4 and 3" + here());
        CHECK(error_of<ShapeError>([&] { ctc_loss(x, targets, tensor({3}), two); }) == "ctc_loss: input_lengths must have one element for each of 2 samples, got shape (1,)" + here());
        CHECK(error_of<ValueError>([&] { ctc_loss(x, targets, three + 1, two); }) == "ctc_loss: input_lengths must be in [0, 3], got 4" + here());
        CHECK(error_of<ValueError>([&] { ctc_loss(x, targets, three, two + 1); }) == "ctc_loss: target_lengths must be in [0, 2], got 3" + here());
        CHECK(error_of<DTypeError>([&] { ctc_loss(x, zeros({2, 2}), three, two); }) == "ctc_loss: indices must be i32 or i64, got f32" + here());
    }
}
// clang-format on
