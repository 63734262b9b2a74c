#include "figures.hpp"
#include "support.hpp"

#include <set>

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::wave;

namespace {

const Tensor lengths = tensor({2, 4, 1});
const Tensor x = wave({4, 3, 3});

Tensors parts(const RnnResult& y) { return {y.output, y.h}; }
Tensors parts(const LstmResult& y) { return {y.output, y.h, y.c}; }

/// Calls with the states that follow the sequence in `inputs`.
template <class Layer>
Tensors call_with(const Layer& layer, const Tensors& inputs, const Tensor& counts = {}) {
    if constexpr (std::is_same_v<Layer, nn::LSTM>) {
        const bool has_state = inputs.size() > 1;
        return parts(
            layer(inputs[0],
                  {.h = has_state ? inputs[1] : Tensor(), .c = has_state ? inputs[2] : Tensor(), .lengths = counts}));
    } else {
        return parts(layer(inputs[0], {.h = inputs.size() > 1 ? inputs[1] : Tensor(), .lengths = counts}));
    }
}

template <class Layer, class Options>
void check_kind(const tests::Figures& figures, const std::string& kind, Options options) {
    const auto check_one = [&](const std::string& name, const Options& o, const Tensors& inputs,
                               const Tensor& counts = {}) {
        figures.check_layer(kind + name, Layer(3, 2, o), inputs,
                            [&](const Layer& layer, const Tensors& in) { return call_with(layer, in, counts); });
    };
    const auto from = [&](const Tensor& sequence, const Shape& state) {
        Tensors inputs{sequence, wave(state, 7)};
        if (std::is_same_v<Layer, nn::LSTM>) inputs.push_back(wave(state, 8));
        return inputs;
    };
    check_one("", options, {x});
    Options o = options;
    o.bias = false;
    check_one(" without bias", o, {x});
    o = options;
    o.num_layers = 2, o.bidirectional = true, o.batch_first = true;
    check_one(" deep, both ways, batch first, from a state", o, from(x, {4, 4, 2}));
    o = options;
    o.num_layers = 2;
    check_one(" deep, one sample, from a state", o, from(select(x, 1, 0), {2, 2}));
    o = options;
    o.bidirectional = true;
    check_one(" one sample, both ways", o, {select(x, 1, 1)});
    o.num_layers = 2;
    check_one(" deep, both ways, lengths, from a state", o, from(x, {4, 3, 2}), lengths);
    o = options;
    o.batch_first = true;
    check_one(" batch first, lengths", o, {swapaxes(x, 0, 1)}, lengths);
    o = options;
    o.num_layers = 2, o.dropout = 1;
    check_one(" that drops everything between layers", o, {x});
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("recurrent layers: outputs, states and gradients are PyTorch's") {
    const tests::Figures figures("sequence");
    check_kind<nn::RNN>(figures, "RNN", nn::RNNOptions{});
    check_kind<nn::LSTM>(figures, "LSTM", nn::LSTMOptions{});
    check_kind<nn::GRU>(figures, "GRU", nn::GRUOptions{});
    figures.check_layer("RNN relu",
                        nn::RNN(3, 2, {.num_layers = 2, .nonlinearity = Nonlinearity::relu, .bidirectional = true}),
                        {x}, [](const nn::RNN& rnn, const Tensors& in) { return call_with(rnn, in); });
    figures.check_layer("LSTM projected", nn::LSTM(3, 4, {.proj_size = 2}), {x},
                        [](const nn::LSTM& lstm, const Tensors& in) { return call_with(lstm, in); });
    figures.check_layer("LSTM projected, deep, both ways, batch first, from a state",
                        nn::LSTM(3, 3, {.num_layers = 2, .batch_first = true, .bidirectional = true, .proj_size = 2}),
                        {x, wave({4, 4, 2}, 7), wave({4, 4, 3}, 8)},
                        [](const nn::LSTM& lstm, const Tensors& in) { return call_with(lstm, in); });
    figures.check_layer("LSTM projected, without bias, lengths",
                        nn::LSTM(3, 3, {.bias = false, .bidirectional = true, .proj_size = 1}), {x},
                        [](const nn::LSTM& lstm, const Tensors& in) { return call_with(lstm, in, lengths); });
}

TEST_CASE("cells: states and gradients are PyTorch's") {
    const tests::Figures figures("sequence");
    const Tensor batch = select(x, 0, 0), one = select(batch, 0, 0), h = wave({3, 2}, 7), c = wave({3, 2}, 8);
    const auto with_state = [](const auto& cell, const Tensors& in) { return cell(in[0], in[1]); };
    figures.check_layer("RNNCell", nn::RNNCell(3, 2), {batch, h}, with_state);
    figures.check_layer("RNNCell relu, one sample", nn::RNNCell(3, 2, {.nonlinearity = Nonlinearity::relu}),
                        {one, wave({2}, 7)}, with_state);
    figures.check_layer("RNNCell without bias and state", nn::RNNCell(3, 2, {.bias = false}), batch);
    figures.check_layer("LSTMCell", nn::LSTMCell(3, 2), {batch, h, c}, [](const nn::LSTMCell& cell, const Tensors& in) {
        const auto [h1, c1] = cell(in[0], {in[1], in[2]});
        return Tensors{h1, c1};
    });
    figures.check_layer("LSTMCell without bias and state, one sample", nn::LSTMCell(3, 2, {.bias = false}), {one},
                        [](const nn::LSTMCell& cell, const Tensors& in) {
                            const auto [h1, c1] = cell(in[0]);
                            return Tensors{h1, c1};
                        });
    figures.check_layer("GRUCell", nn::GRUCell(3, 2), {batch, h}, with_state);
    figures.check_layer("GRUCell without bias and state, one sample", nn::GRUCell(3, 2, {.bias = false}), one);
    for (const std::string& name : figures.cases())
        CHECK_MESSAGE((name.starts_with("RNN") || name.starts_with("LSTM") || name.starts_with("GRU")), name);
    CHECK(figures.cases().size() == 3 * 8 + 4 + 7);
}

TEST_CASE("a recurrent layer's parameters have PyTorch's names, shapes and order") {
    const nn::LSTM lstm(3, 4, {.num_layers = 2, .bidirectional = true, .proj_size = 2});
    std::vector<std::string> names;
    for (const auto& [name, p] : nn::named_parameters(lstm)) names.push_back(name + " " + to_string(p.shape()));
    const std::vector<std::string> first = {"weight_ih_l0 (16, 3)", "weight_hh_l0 (16, 2)",
                                            "bias_ih_l0 (16,)",     "bias_hh_l0 (16,)",
                                            "weight_hr_l0 (2, 4)",  "weight_ih_l0_reverse (16, 3)"};
    REQUIRE(names.size() == 20);
    CHECK(std::vector(names.begin(), names.begin() + 6) == first);
    CHECK(names.back() == "weight_hr_l1_reverse (2, 4)");
    CHECK(names[10] == "weight_ih_l1 (16, 4)");
    CHECK(lstm.parameter("weight_hr_l1").shape() == Shape{2, 4});
    for (const Parameter& p : nn::parameters(lstm)) {
        CHECK(max(abs(p)).item() <= 0.5);
        CHECK(max(abs(p)).item() > 0.2);
    }
    struct Tagger {
        nn::GRU gru{2, 3};
        nn::Linear out{3, 5};
        XGRAD_FIELDS(gru, out)
    } tagger;
    CHECK(nn::named_parameters(tagger)[1].first == "gru.weight_hh_l0");
    nn::LSTM copy = lstm;
    copy.parameter("bias_hh_l1") = zeros({16});
    CHECK(max(abs(lstm.parameter("bias_hh_l1"))).item() > 0);
}

TEST_CASE("dropout between layers is drawn from the layer's own stream, in training only") {
    nn::manual_seed(3);
    nn::GRU gru(3, 8, {.num_layers = 3, .dropout = 0.5, .dtype = DType::f64});
    nn::GRU copy = gru;
    const Tensor first = gru(x).output, second = gru(x).output;
    CHECK_FALSE(close(first, second));
    CHECK(close(copy(x).output, first));
    nn::eval(gru);
    CHECK(close(gru(x).output, gru(x).output));
}

TEST_CASE("recurrent layers say what does not fit") {
    const nn::LSTM lstm(3, 2, {.num_layers = 2, .bidirectional = true, .dtype = DType::f64});
    CHECK(error_of<ShapeError>([&] { lstm(wave({4, 3, 2})); }) ==
          "LSTM: the input must be (steps, samples, 3) or (steps, 3), got (4, 3, 2)" + here());
    CHECK(error_of<ShapeError>([&] { lstm(x, {.h = wave({4, 2, 2})}); }) ==
          "LSTM: h must be (4, 3, 2), got (4, 2, 2)" + here());
    CHECK(error_of<ShapeError>([&] { lstm(select(x, 1, 0), {.c = wave({4, 3})}); }) ==
          "LSTM: c must be (4, 2), got (4, 3)" + here());
    CHECK(error_of<ValueError>([&] { lstm(x, {.lengths = tensor({2, 5, 1})}); }) ==
          "lstm: lengths must be in [0, 4], got 5" + here());
    CHECK(error_of<IndexError>([&] { nn::RNN(1, 1).parameter("weight"); }) ==
          "RNN: parameters are weight_ih_l0,weight_hh_l0,bias_ih_l0,bias_hh_l0, got \"weight\"" + tests::nearby());
    CHECK(error_of<ValueError>([&] { nn::GRU(3, 0); }) == "GRU: sizes must be positive, got 3 and 0" + here());
    CHECK(error_of<ValueError>([&] { nn::GRU(3, 2, {.num_layers = 0}); }) ==
          "GRU: num_layers must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::RNN(3, 2, {.dropout = 2}); }) ==
          "RNN: dropout must be in [0, 1], got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::LSTM(3, 2, {.proj_size = 2}); }) ==
          "LSTM: proj_size must be in [0, hidden_size), got 2" + here());
    const nn::LSTMCell cell(3, 2);
    CHECK(error_of<ShapeError>([&] { cell(zeros({4, 2})); }) ==
          "LSTMCell: the input must be (samples, 3) or (3,), got (4, 2)" + here());
    CHECK(error_of<ShapeError>([&] { cell(zeros({4, 3}), {zeros({4, 2}), zeros({4, 1})}); }) ==
          "LSTMCell: c must be (4, 2), got (4, 1)" + here());
    const auto h = zeros({1, 2}), c = zeros({1, 2}), ih = zeros({8, 3}), hh = zeros({8, 2});
    CHECK(error_of<ShapeError>([&] {
              xgrad::lstm(zeros({1, 1, 3}), h, c, ih, hh, Tensor(), Tensor(), {.weight_hr = zeros({1, 2})});
          }) == "lstm: weight_hr must be (2, 2), got (1, 2)" + tests::nearby());
}

TEST_SUITE_END();
