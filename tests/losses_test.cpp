#include <functional>
#include <set>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;
using tests::wave;

namespace {

using R = Reduction;
using In = const std::vector<Tensor>&;

/// Checks functions against losses.txt and remembers which cases were.
class Losses {
public:
    void plain(const std::string& name, const std::vector<Tensor>& inputs, const std::function<Tensor(In)>& f) {
        figures_.check_layer(name, nn::Identity(), inputs, [&](auto&, In x) { return f(x); });
        checked_.insert(name);
    }
    void operator()(const std::string& name, const std::vector<Tensor>& inputs, const std::function<Tensor(In, R)>& f) {
        for (const auto& [word, reduction] : {std::pair{"none", R::none}, {"mean", R::mean}, {"sum", R::sum}})
            plain(name + " " + word, inputs, [&, r = reduction](In x) { return f(x, r); });
    }
    void kl(const std::string& name, const std::vector<Tensor>& inputs,
            const std::function<Tensor(In, nn::KlReduction)>& f) {
        using K = nn::KlReduction;
        for (const auto& [word, reduction] :
             {std::pair{"none", K::none}, {"mean", K::mean}, {"sum", K::sum}, {"batchmean", K::batchmean}})
            plain(name + " " + word, inputs, [&, r = reduction](In x) { return f(x, r); });
    }
    const tests::Figures& figures() const { return figures_; }
    /// That of those on record whose names start so none was left out.
    void check_all(const std::function<bool(const std::string&)>& mine) const {
        for (const std::string& name : figures_.cases())
            if (mine(name)) CHECK_MESSAGE(checked_.count(name) == 1, name);
    }

private:
    tests::Figures figures_{"losses"};
    std::set<std::string> checked_;
};

bool starts_with_any(const std::string& name, std::initializer_list<const char*> starts) {
    for (const char* start : starts)
        if (name.starts_with(start)) return true;
    return false;
}

// The inputs of figures/losses.py.
const std::int64_t none_of_them = -100;
Tensor x() { return wave({3, 4}, 1, 2); }
Tensor y() { return wave({3, 4}, 2); }
Tensor p() { return sigmoid(wave({3, 4}, 1)); }
Tensor q() { return sigmoid(wave({3, 4}, 2, 2)); }
Tensor w(const Tensor& like) { return wave({3, 4}, 3, 1, 1.5, like.dtype()); }
Tensor signs(const Shape& shape) { return sign(wave(shape, 3)).to(DType::i64); }
Tensor labels() { return tensor<std::int64_t>({2, 0, 1, 2}); }
Tensor labels3() { return tensor<std::int64_t>({{0, 1}, {2, 2}}); }
Tensor ignoring() { return tensor<std::int64_t>({2, none_of_them, 1, none_of_them}); }
Tensor classes(const Tensor& like) { return wave({3}, 4, 1, 1.5, like.dtype()); }
Tensor scores() { return wave({4, 3}, 1); }
Tensor scores3() { return wave({2, 3, 2}, 1); }

}  // namespace

TEST_SUITE_BEGIN("losses");

TEST_CASE("losses: of numbers, with their gradients, are PyTorch's") {
    Losses check;
    check("mse_loss", {x(), y()}, [](In a, R r) { return nn::mse_loss(a[0], a[1], {r}); });
    check("l1_loss", {x(), y()}, [](In a, R r) { return nn::l1_loss(a[0], a[1], {r}); });
    check("smooth_l1_loss", {x(), y()}, [](In a, R r) { return nn::smooth_l1_loss(a[0], a[1], {r}); });
    check("smooth_l1_loss beta", {x(), y()}, [](In a, R r) { return nn::smooth_l1_loss(a[0], a[1], {r, 0.4}); });
    check("smooth_l1_loss beta 0", {x(), y()}, [](In a, R r) { return nn::smooth_l1_loss(a[0], a[1], {r, 0}); });
    check("huber_loss", {x(), y()}, [](In a, R r) { return nn::huber_loss(a[0], a[1], {r}); });
    check("huber_loss delta", {x(), y()},
          [](In a, R r) { return nn::huber_loss(a[0], a[1], {.reduction = r, .delta = 0.4}); });
    const Tensor counts = tensor({{0.0, 1.0, 2.0, 3.0}, {5.0, 0.0, 1.0, 7.0}, {1.5, 2.5, 0.5, 4.0}});
    check("poisson_nll_loss", {x(), counts},
          [](In a, R r) { return nn::poisson_nll_loss(a[0], a[1], {.reduction = r}); });
    check("poisson_nll_loss full", {q()}, [&](In a, R r) {
        return nn::poisson_nll_loss(a[0], counts.to(a[0].dtype()),
                                    {.log_input = false, .full = true, .eps = 1e-3, .reduction = r});
    });
    check("gaussian_nll_loss", {x(), y(), p()},
          [](In a, R r) { return nn::gaussian_nll_loss(a[0], a[1], a[2], {.reduction = r}); });
    check("gaussian_nll_loss full", {x(), y(), slice(p(), 1, 0, 1)}, [](In a, R r) {
        return nn::gaussian_nll_loss(a[0], a[1], a[2], {.full = true, .eps = 0.5, .reduction = r});
    });
    check("gaussian_nll_loss row", {x(), y(), select(p(), 1, 0)},
          [](In a, R r) { return nn::gaussian_nll_loss(a[0], a[1], a[2], {.reduction = r}); });
    check.check_all([](const std::string& name) {
        return starts_with_any(name, {"mse", "l1_loss", "smooth", "huber", "poisson", "gaussian"});
    });
}

TEST_CASE("losses: of probabilities, with their gradients, are PyTorch's") {
    Losses check;
    check("binary_cross_entropy", {p(), q()},
          [](In a, R r) { return nn::binary_cross_entropy(a[0], a[1], {.reduction = r}); });
    check("binary_cross_entropy weight", {p(), q()},
          [](In a, R r) { return nn::binary_cross_entropy(a[0], a[1], {.weight = w(a[0]), .reduction = r}); });
    check("binary_cross_entropy edge", {tensor({0.0, 1.0, 0.0, 1.0, 0.5}), tensor<std::int64_t>({0, 1, 1, 0, 1})},
          [](In a, R r) { return nn::binary_cross_entropy(a[0], a[1], {.reduction = r}); });
    const auto logits = [](In a, R r) { return nn::binary_cross_entropy_with_logits(a[0], a[1], {.reduction = r}); };
    check("binary_cross_entropy_with_logits", {x(), q()}, logits);
    check("binary_cross_entropy_with_logits weights", {x(), q()}, [](In a, R r) {
        return nn::binary_cross_entropy_with_logits(
            a[0], a[1], {.weight = slice(w(a[0]), 1, 0, 1), .reduction = r, .pos_weight = select(w(a[0]), 0, 0)});
    });
    check("binary_cross_entropy_with_logits huge", {1e4 * x(), q()}, logits);
    for (const bool logarithms : {true, false}) {
        const std::string name = logarithms ? "nll_loss" : "cross_entropy";
        const auto loss = [=](In a, const nn::CrossEntropyOptions& o) {
            return logarithms ? nn::nll_loss(a[0], a[1], {o.weight, o.ignore_index, o.reduction})
                              : nn::cross_entropy(a[0], a[1], o);
        };
        for (const DType index : {DType::i64, DType::i32}) {
            check(name, {scores(), labels().to(index)}, [&](In a, R r) { return loss(a, {.reduction = r}); });
            check(name + " 3 axes", {scores3(), labels3().to(index)},
                  [&](In a, R r) { return loss(a, {.reduction = r}); });
            check(name + " ignore", {scores(), ignoring().to(index)},
                  [&](In a, R r) { return loss(a, {.reduction = r}); });
        }
        check(name + " 1 axis", {wave({3}, 1), scalar(std::int64_t{1})},
              [&](In a, R r) { return loss(a, {.reduction = r}); });
        check(name + " weight", {scores(), labels()},
              [&](In a, R r) { return loss(a, {.weight = classes(a[0]), .reduction = r}); });
        check(name + " weight and ignore", {scores3(), labels3()},
              [&](In a, R r) { return loss(a, {.weight = classes(a[0]), .ignore_index = 2, .reduction = r}); });
    }
    const auto smoothed = [](In a, R r) {
        return nn::cross_entropy(a[0], a[1], {.reduction = r, .label_smoothing = 0.3});
    };
    check("cross_entropy huge", {1e4 * scores(), labels()},
          [](In a, R r) { return nn::cross_entropy(a[0], a[1], {.reduction = r}); });
    check("cross_entropy smoothing", {scores(), labels()},
          [](In a, R r) { return nn::cross_entropy(a[0], a[1], {.reduction = r, .label_smoothing = 0.2}); });
    check("cross_entropy smoothing and ignore", {scores(), ignoring()}, smoothed);
    check("cross_entropy everything", {scores3(), labels3()}, [](In a, R r) {
        return nn::cross_entropy(a[0], a[1],
                                 {.weight = classes(a[0]), .ignore_index = 1, .reduction = r, .label_smoothing = 0.3});
    });
    const auto plain = [](In a, R r) { return nn::cross_entropy(a[0], a[1], {.reduction = r}); };
    check("cross_entropy probabilities", {scores(), softmax(wave({4, 3}, 5), 1)}, plain);
    check("cross_entropy probabilities 1 axis", {wave({3}, 1), softmax(wave({3}, 5), 0)}, plain);
    check("cross_entropy probabilities 3 axes", {scores3(), softmax(wave({2, 3, 2}, 5), 1)}, [](In a, R r) {
        return nn::cross_entropy(a[0], a[1], {.weight = classes(a[0]), .reduction = r, .label_smoothing = 0.2});
    });
    const Tensor log_p = log_softmax(wave({3, 4}, 1), 1), log_q = log_softmax(wave({3, 4}, 2), 1);
    check.kl("kl_div", {log_p, exp(log_q)}, [](In a, nn::KlReduction r) { return nn::kl_div(a[0], a[1], {r}); });
    const Tensor certain = one_hot(tensor<std::int64_t>({1, 1, 1}), 4, DType::f64).to(DType::i64);
    check.kl("kl_div zeros", {log_p, certain},
             [](In a, nn::KlReduction r) { return nn::kl_div(a[0], a[1].to(a[0].dtype()), {r}); });
    check.kl("kl_div log_target", {log_p, log_q},
             [](In a, nn::KlReduction r) { return nn::kl_div(a[0], a[1], {.reduction = r, .log_target = true}); });
    const Tensor spelled = tensor<std::int64_t>({{1, 2}, {2, 1}});
    check("ctc_loss", {wave({5, 2, 3}, 1), spelled}, [](In a, R r) {
        return nn::ctc_loss(log_softmax(a[0], 2), a[1], tensor<std::int64_t>({5, 4}), tensor<std::int64_t>({2, 1}),
                            {.reduction = r});
    });
    check.check_all(
        [](const std::string& name) { return starts_with_any(name, {"binary", "nll", "cross", "kl_div", "ctc"}); });
}

TEST_CASE("losses: with margins, and of embeddings, with their gradients, are PyTorch's") {
    Losses check;
    const Tensor t = signs({3, 4}), x0 = select(x(), 0, 0), y0 = select(y(), 0, 0);
    check("hinge_embedding_loss", {x(), t},
          [](In a, R r) { return nn::hinge_embedding_loss(a[0], a[1], {.reduction = r}); });
    check("hinge_embedding_loss margin", {x(), t},
          [](In a, R r) { return nn::hinge_embedding_loss(a[0], a[1], {0.3, r}); });
    check("margin_ranking_loss", {x0, y0, signs({4})},
          [](In a, R r) { return nn::margin_ranking_loss(a[0], a[1], a[2], {.reduction = r}); });
    check("margin_ranking_loss margin", {x(), y(), t},
          [](In a, R r) { return nn::margin_ranking_loss(a[0], a[1], a[2], {0.7, r}); });
    check("margin_ranking_loss tie", {x0, x0, signs({4})},
          [](In a, R r) { return nn::margin_ranking_loss(a[0], a[1], a[2], {.reduction = r}); });
    check("soft_margin_loss", {x(), t}, [](In a, R r) { return nn::soft_margin_loss(a[0], a[1], {r}); });
    check("multi_margin_loss", {scores(), labels()},
          [](In a, R r) { return nn::multi_margin_loss(a[0], a[1], {.reduction = r}); });
    check("multi_margin_loss options", {scores(), labels()},
          [](In a, R r) { return nn::multi_margin_loss(a[0], a[1], {2, 0.7, classes(a[0]), r}); });
    check("multi_margin_loss 1 axis", {wave({3}, 1), scalar(std::int64_t{1})},
          [](In a, R r) { return nn::multi_margin_loss(a[0], a[1], {.reduction = r}); });
    const Tensor several = tensor<std::int64_t>({{3, 0, -1, 1}, {1, -1, -1, -1}, {0, 1, 2, 3}});
    check("multilabel_margin_loss", {x(), several},
          [](In a, R r) { return nn::multilabel_margin_loss(a[0], a[1], {r}); });
    check("multilabel_margin_loss 1 axis", {x0, select(several, 0, 0)},
          [](In a, R r) { return nn::multilabel_margin_loss(a[0], a[1], {r}); });
    const Tensor bits = greater(wave({3, 4}, 3), 0).to(DType::i64);
    check("multilabel_soft_margin_loss", {x(), bits},
          [](In a, R r) { return nn::multilabel_soft_margin_loss(a[0], a[1], {.reduction = r}); });
    check("multilabel_soft_margin_loss weight", {x(), bits},
          [](In a, R r) { return nn::multilabel_soft_margin_loss(a[0], a[1], {select(w(a[0]), 0, 0), r}); });
    check("cosine_embedding_loss", {x(), y(), signs({3})},
          [](In a, R r) { return nn::cosine_embedding_loss(a[0], a[1], a[2], {.reduction = r}); });
    check("cosine_embedding_loss margin", {x(), y(), -signs({3})},
          [](In a, R r) { return nn::cosine_embedding_loss(a[0], a[1], a[2], {-0.5, r}); });
    check("cosine_embedding_loss 1 axis", {x0, y0, scalar(std::int64_t{-1})},
          [](In a, R r) { return nn::cosine_embedding_loss(a[0], a[1], a[2], {.reduction = r}); });
    const Tensor z = wave({3, 4}, 6);
    check("triplet_margin_loss", {x(), y(), z},
          [](In a, R r) { return nn::triplet_margin_loss(a[0], a[1], a[2], {.reduction = r}); });
    check("triplet_margin_loss options", {x(), y(), z},
          [](In a, R r) { return nn::triplet_margin_loss(a[0], a[1], a[2], {2, 1.5, 1e-3, true, r}); });
    check("info_nce", {x(), y()}, [](In a, R r) { return nn::info_nce(a[0], a[1], {.reduction = r}); });
    const auto given = [](In a, R r) { return nn::info_nce(a[0], a[1], a[2], {0.5, r}); };
    check("info_nce negatives", {x(), y(), wave({2, 4}, 7)}, given);
    check("info_nce own negatives", {x(), y(), wave({3, 2, 4}, 7)}, given);
    check.check_all([](const std::string& name) {
        return starts_with_any(name, {"hinge", "margin", "soft", "multi", "cosine", "triplet", "info"});
    });
}

TEST_CASE("losses: entropies, divergences and penalties are PyTorch's") {
    Losses check;
    const Tensor r = softmax(wave({3, 4}, 1), 1), s = softmax(wave({3, 4}, 2), 1);
    check.plain("categorical_entropy", {r}, [](In a) { return nn::categorical_entropy(a[0]); });
    check.plain("categorical_entropy_with_logits", {x()},
                [](In a) { return nn::categorical_entropy_with_logits(a[0]); });
    check.plain("categorical_kl", {r, s}, [](In a) { return nn::categorical_kl(a[0], a[1]); });
    check.plain("categorical_kl_with_logits", {x(), y()},
                [](In a) { return nn::categorical_kl_with_logits(a[0], a[1]); });
    check.plain("normal_entropy", {p()}, [](In a) { return nn::normal_entropy(a[0]); });
    check.plain("normal_kl", {x(), p(), y(), q()}, [](In a) { return nn::normal_kl(a[0], a[1], a[2], a[3]); });
    check.plain("normal_kl standard", {x(), p()}, [](In a) { return nn::normal_kl(a[0], a[1]); });
    check.check_all([](const std::string& name) { return starts_with_any(name, {"categorical", "normal"}); });
    const nn::Linear net(3, 2);
    check.figures().check_layer("l1_penalty", net, {},
                                [](auto& model, In) { return nn::l1_penalty(model, "*weight"); });
    check.figures().check_layer("l2_penalty", net, {}, [](auto& model, In) { return nn::l2_penalty(model); });
    CHECK(error_of<ValueError>([&] { nn::l2_penalty(net, "other.*"); }) ==
          "penalty: no parameter's name matches \"other.*\"" + here());

    CHECK(values(nn::categorical_entropy(tensor({0.5, 0.5, 0.0})))[0] == doctest::Approx(std::log(2)));
    CHECK(values(nn::categorical_entropy_with_logits(tensor({1e5, -1e5, 0.0})))[0] == 0);
    const Tensor impossible = tensor({0.0, 0.0, -double{INFINITY}});
    CHECK(values(nn::categorical_entropy_with_logits(impossible))[0] == doctest::Approx(std::log(2)));
    CHECK(values(nn::categorical_kl(tensor({0.0, 1.0}), tensor({0.5, 0.5})))[0] == doctest::Approx(std::log(2)));
    CHECK(std::isinf(values(nn::categorical_kl(tensor({0.5, 0.5}), tensor({0.0, 1.0})))[0]));
    CHECK_THROWS_AS(nn::normal_entropy(scalar(1.0)), ShapeError);
}

TEST_CASE("losses: second derivatives are right") {
    const Tensor target = softmax(wave({3, 4}, 2), 1);
    const auto all = [&](const Tensor& a) {
        return nn::cross_entropy(a, target) + nn::huber_loss(a, target, {.delta = 0.4}) +
               nn::multi_margin_loss(a, tensor({0, 1, 2}), {.p = 2}) + nn::binary_cross_entropy_with_logits(a, target) +
               nn::binary_cross_entropy(sigmoid(a), target) + nn::info_nce(a, target) +
               nn::gaussian_nll_loss(a, target, sigmoid(a)) + nn::kl_div(log_softmax(a, 1), target);
    };
    const auto report = gradcheck(all, {wave({3, 4}, 1)}, {.order = 2});
    CHECK_MESSAGE(report.ok, report.message);
}

TEST_CASE("losses: a plain reduction is enough for those that have more options") {
    const nn::LossOptions sum{.reduction = R::sum};
    CHECK(close(nn::cross_entropy(scores(), labels(), sum),
                nn::cross_entropy(scores(), labels(), {.reduction = R::sum}), 0));
    CHECK(close(nn::nll_loss(scores(), labels(), sum), nn::nll_loss(scores(), labels(), {.reduction = R::sum}), 0));
    // Nothing but ignored samples: 0 / 0, as PyTorch.
    CHECK(std::isnan(nn::cross_entropy(scores(), full({4}, -100, DType::i64)).item()));
    CHECK(nn::cross_entropy(scores(), full({4}, -100, DType::i64), sum).item() == 0);
}

TEST_CASE("losses: say what does not fit") {
    const Tensor scores = zeros({2, 3}), half = full({2, 3}, 0.5);
    // clang-format off
    CHECK(error_of<ShapeError>([] { nn::mse_loss(zeros({2}), zeros({2, 1})); }) == "mse_loss: input and target must have one shape, got (2,) and (2, 1)" + here());
    CHECK(error_of<DTypeError>([] { nn::l1_loss(tensor({1}), tensor({1})); }) == "l1_loss: the input must be f32 or f64, got i32" + here());
    const auto two_dtypes = [](const auto& loss) { return error_of<DTypeError>([&] { loss(full({2, 3}, 0.5), full({2, 3}, 0.5, DType::f64)); }); };
    CHECK(two_dtypes([](const Tensor& x, const Tensor& y) { nn::kl_div(x, y); }) == "kl_div: input and target must have one dtype, got f32 and f64 (convert one with .to())" + here());
    CHECK(two_dtypes([](const Tensor& x, const Tensor& y) { nn::poisson_nll_loss(x, y); }) == "poisson_nll_loss: input and target must have one dtype, got f32 and f64 (convert one with .to())" + here());
    CHECK(error_of<IndexError>([&] { nn::cross_entropy(scores, tensor({0, 3})); }) == "cross_entropy: class must be in [0, 3), got 3" + here());
    CHECK(error_of<IndexError>([&] { nn::nll_loss(scores, tensor({0, -1})); }) == "nll_loss: class must be in [0, 3), got -1" + here());
    CHECK(error_of<DTypeError>([&] { nn::cross_entropy(scores, tensor({0.0, 1.0})); }) == "cross_entropy: classes must be i32 or i64, got f64" + here());
    CHECK(error_of<ShapeError>([&] { nn::cross_entropy(scores, tensor({0, 1, 2})); }) == "cross_entropy: target must have input's shape without the classes, got (2, 3) and (3,)" + here());
    CHECK(error_of<ShapeError>([&] { nn::cross_entropy(scalar(1.0), scalar(0)); }) == "cross_entropy: input needs an axis of classes, got a scalar" + here());
    CHECK(error_of<ShapeError>([&] { nn::cross_entropy(scores, tensor({0, 1}), {.weight = ones({2})}); }) == "cross_entropy: weight must have one number for each of 3 classes, got (2,)" + here());
    CHECK(error_of<DTypeError>([&] { nn::cross_entropy(scores, tensor({0, 1}), {.weight = ones({3}, DType::f64)}); }) == "cross_entropy: weight must have input's dtype, got f64 and f32" + here());
    CHECK(error_of<ValueError>([&] { nn::cross_entropy(scores, tensor({0, 1}), {.label_smoothing = 2}); }) == "cross_entropy: label_smoothing must be in [0, 1], got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::smooth_l1_loss(scores, half, {.beta = -1}); }) == "smooth_l1_loss: beta must not be negative, got -1" + here());
    CHECK(error_of<ValueError>([&] { nn::huber_loss(scores, half, {.delta = 0}); }) == "huber_loss: delta must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::gaussian_nll_loss(scores, half, -half); }) == "gaussian_nll_loss: var must not be negative, got one that is" + here());
    CHECK(error_of<ShapeError>([&] { nn::gaussian_nll_loss(scores, half, zeros({3})); }) == "gaussian_nll_loss: var must have input's shape, the last size 1 or missing, got (3,) for (2, 3)" + here());
    CHECK(error_of<ValueError>([&] { nn::binary_cross_entropy(scores + 2, half); }) == "binary_cross_entropy: inputs must be in [0, 1], got some from 2 to 2" + here());
    CHECK(error_of<ValueError>([&] { nn::multi_margin_loss(scores, tensor({0, 1}), {.p = 3}); }) == "multi_margin_loss: p must be 1 or 2, got 3" + here());
    CHECK(error_of<IndexError>([&] { nn::multilabel_margin_loss(scores, full({2, 3}, 3, DType::i64)); }) == "multilabel_margin_loss: class must be in [0, 3), got 3" + here());
    CHECK(error_of<DTypeError>([&] { nn::multilabel_margin_loss(scores, half); }) == "multilabel_margin_loss: classes must be i32 or i64, got f32" + here());
    CHECK(error_of<ShapeError>([&] { nn::cosine_embedding_loss(scores, half, ones({3})); }) == "cosine_embedding_loss: inputs must be (N, D) with targets (N,), or (D,) with a scalar, got (2, 3) and (3,)" + here());
    CHECK(error_of<ShapeError>([&] { nn::info_nce(scores, half, zeros({2, 2})); }) == "info_nce: negatives must be (M, D) or (N, M, D), got (2, 2) for queries (2, 3)" + here());
    CHECK(error_of<ValueError>([&] { nn::info_nce(scores, half, {.temperature = 0}); }) == "info_nce: the temperature must be positive, got 0" + here());
    // clang-format on
}

TEST_SUITE_END();
