#include "../op_table.hpp"

// clang-format off
namespace tests {

using xgrad::Nonlinearity;
using xgrad::Reduction;

namespace {

/// Input shapes of a layer: x, h0, (c0,) weight_ih, weight_hh and the biases.
std::vector<Shape> layer(I steps, I batch, I inputs, I hidden, I gates, bool biases = true) {
    std::vector<Shape> shapes{{steps, batch, inputs}, {batch, hidden}};
    if (gates == 4) shapes.push_back({batch, hidden});
    shapes.insert(shapes.end(), {{gates * hidden, inputs}, {gates * hidden, hidden}});
    if (biases) shapes.insert(shapes.end(), {{gates * hidden}, {gates * hidden}});
    return shapes;
}
Cases layers(I gates) {
    return {layer(3, 2, 2, 3, gates), layer(2, 1, 3, 5, gates), layer(1, 3, 1, 1, gates), layer(0, 2, 2, 3, gates), layer(2, 0, 2, 2, gates), layer(2, 2, 0, 2, gates)};
}

/// All results in one vector.
Tensor together(const Tensors& parts) {
    Tensors flat;
    for (const Tensor& part : parts) flat.push_back(ravel(part));
    return concat(flat);
}

}  // namespace

static std::vector<Row> recurrent_rows() {
    const auto one_lstm = [](In x, const xgrad::LSTMFuncOptions& options = {}) { const auto y = x.size() > 5 ? lstm(x[0], x[1], x[2], x[3], x[4], x[5], x[6], options) : lstm(x[0], x[1], x[2], x[3], x[4], Tensor(), Tensor(), options); return together({y.output, y.h, y.c}); };
    const auto one_gru = [](In x, const xgrad::RecurrentOptions& options = {}) { const auto y = x.size() > 4 ? gru(x[0], x[1], x[2], x[3], x[4], x[5], options) : gru(x[0], x[1], x[2], x[3], Tensor(), Tensor(), options); return together({y.output, y.h}); };
    const auto one_rnn = [](In x, const xgrad::RNNFuncOptions& options = {}) { const auto y = x.size() > 4 ? rnn(x[0], x[1], x[2], x[3], x[4], x[5], options) : rnn(x[0], x[1], x[2], x[3], Tensor(), Tensor(), options); return together({y.output, y.h}); };
    const Tensor lengths = tensor({I{1}, I{3}, I{0}, I{2}});
    const Tensor pair = tensor({{{1.0}}, {{1.0}}}), zero = tensor({{0.0}});
    const Tensor targets = tensor({{I{1}, I{1}}, {I{2}, I{-7}}}), row = tensor({I{1}, I{1}, I{2}}), steps = tensor({I{4}, I{3}}), counts = tensor({I{2}, I{1}});
    const Tensor half = tensor({{{-0.693147180559945309, -0.693147180559945309}}}), impossible = tensor({{{-inf, 0.0}}});
    const Tensor none = tensor(std::vector<I>{}, Shape{1, 0});
    return {
        {"ctc_loss", [=](In x) { return ctc_loss(x[0], targets, steps, counts, {.reduction = Reduction::none}); }, {{{4, 2, 3}}, {{5, 2, 4}}}, {all_signs}, {}, third},
        {"ctc_loss(mean)", [=](In x) { return ctc_loss(x[0], row, steps, counts); }, {{{4, 2, 3}}}, {all_signs}},
        {"ctc_loss(sum, last is blank)", [=](In x) { return ctc_loss(x[0], row - 1, steps, counts, {.blank = 2, .reduction = Reduction::sum}); }, {{{5, 2, 3}}}, {all_signs}},
        {"ctc_loss(one sample)", [=](In x) { return ctc_loss(x[0], tensor({I{1}, I{2}, I{1}}), scalar(I{5}), scalar(I{3}), {.reduction = Reduction::none}); }, {{{5, 3}}, {{6, 4}}}, {all_signs}},
        {"ctc_loss(of a step)", [](In x) { return ctc_loss(x[0], tensor({{I{1}}}), tensor({I{1}}), tensor({I{1}})); }, {{{1, 1, 2}}}, {all_signs}, {{{half}, 0.693147180559945309, {tensor({{{0.0, -1.0}}})}}, {{impossible}, 0, {tensor({{{0.0, -1.0}}})}}, {{tensor({{{0.0, -inf}}})}, inf, {tensor({{{0.0, 0.0}}})}}, {{tensor({{{0.0, -1e30}}})}, 1e30, {tensor({{{0.0, -1.0}}})}}}},
        {"ctc_loss(empty target)", [=](In x) { return ctc_loss(x[0], none, tensor({I{1}}), tensor({I{0}})); }, {{{1, 1, 2}}, {{3, 1, 2}}}, {all_signs}, {{{half}, 0.693147180559945309, {tensor({{{-1.0, 0.0}}})}}}},
        {"ctc_loss(too short)", [=](In x) { return ctc_loss(x[0], tensor({{I{1}, I{1}}}), tensor({I{2}}), tensor({I{2}})); }, {}, {all_signs}, {{{tensor({{{-1.0, -1.0}}, {{-1.0, -1.0}}})}, inf, {tensor({{{0.0, 0.0}}, {{0.0, 0.0}}})}}}},
        {"ctc_loss(zero_infinity)", [=](In x) { return ctc_loss(x[0], targets, tensor({I{2}, I{2}}), counts, {.zero_infinity = true}); }, {{{2, 2, 3}}}, {all_signs}},
        {"bernoulli_cross_entropy", [](In x) { return bernoulli_cross_entropy(x[0], x[1]); }, two, {{0.2, 0.8}, {0.1, 0.9}}, {{{0.5, 1}, 0.693147180559945309, {-2, 0}}, {{0, 1}, 100, {-1.0 / 1e-12f, inf}}, {{1, 1}, 0, {0, -inf}}, {{1, 0}, 100, {1.0 / 1e-12f, -inf}}}},
        {"rnn", [=](In x) { return one_rnn(x); }, layers(1), {all_signs}, {{{pair, tensor({{3.0}}), tensor({{0.0}}), tensor({{0.0}}), {0}, {0}}, {0, 0, 0}, {tensor({{{0.0}}, {{0.0}}}), tensor({{0.0}}), tensor({{3.0}}), tensor({{3.0}}), {3}, {3}}}}, third},
        {"rnn(relu, reverse)", [=](In x) { return one_rnn(x, {.nonlinearity = Nonlinearity::relu, .reverse = true}); }, layers(1), {all_signs}, {{{pair, zero, tensor({{1.0}}), tensor({{2.0}}), {0}, {0}}, {3, 1, 3}}, {{pair, zero, tensor({{0.0}}), tensor({{0.0}}), {0}, {0}}, {0, 0, 0}, {tensor({{{0.0}}, {{0.0}}}), tensor({{0.0}}), tensor({{0.0}}), tensor({{0.0}}), {0}, {0}}}, {{pair, zero, tensor({{nan}}), tensor({{1.0}}), {0}, {0}}, {nan, nan, nan}}}},
        {"rnn(no biases)", [=](In x) { return one_rnn(x); }, {layer(3, 2, 2, 3, 1, false)}, {all_signs}},
        {"rnn(lengths)", [=](In x) { return one_rnn(x, {.lengths = lengths}); }, {layer(3, 4, 2, 3, 1)}, {all_signs}},
        {"lstm", [=](In x) { return one_lstm(x); }, layers(4), {all_signs}, {{{tensor({{{0.0}}}), zero, tensor({{2.0}}), xgrad::zeros({4, 1}, DType::f64), xgrad::zeros({4, 1}, DType::f64), {0, 0, 0, 0}, {0, 0, 0, 0}}, {0.38079707797788243, 0.38079707797788243, 1}, {tensor({{{0.0}}}), zero, tensor({{0.70998717080701303}}), xgrad::zeros({4, 1}, DType::f64), xgrad::zeros({4, 1}, DType::f64), {0, 0.70998717080701303, 0.70998717080701303, 0.38079707797788243}, {0, 0.70998717080701303, 0.70998717080701303, 0.38079707797788243}}}}},
        {"lstm(reverse)", [=](In x) { return one_lstm(x, {.reverse = true}); }, {layer(3, 2, 2, 3, 4)}, {all_signs}},
        {"lstm(no biases)", [=](In x) { return one_lstm(x); }, {layer(2, 2, 1, 2, 4, false)}, {all_signs}, {}, third},
        {"lstm(lengths)", [=](In x) { return one_lstm(x, {.lengths = lengths}); }, {layer(3, 4, 2, 2, 4)}, {all_signs}},
        {"lstm(lengths, reverse)", [=](In x) { return one_lstm(x, {.reverse = true, .lengths = lengths}); }, {layer(3, 4, 1, 2, 4)}, {all_signs}},
        {"lstm(output alone)", [](In x) { return lstm(x[0], x[1], x[2], x[3], x[4]).output; }, {layer(2, 2, 2, 2, 4, false)}, {all_signs}},
        {"lstm(cell alone)", [](In x) { return lstm(x[0], x[1], x[2], x[3], x[4]).c; }, {layer(2, 2, 2, 2, 4, false)}, {all_signs}},
        {"lstm(projection)", [](In x) { const auto y = lstm(x[0], x[1], x[2], x[3], x[4], x[5], x[6], {.weight_hr = x[7]}); return together({y.output, y.h, y.c}); }, {{{3, 2, 2}, {2, 2}, {2, 3}, {12, 2}, {12, 2}, {12}, {12}, {2, 3}}, {{0, 2, 2}, {2, 1}, {2, 2}, {8, 2}, {8, 1}, {8}, {8}, {1, 2}}}, {all_signs}},
        {"lstm(projection, lengths, reverse)", [=](In x) { const auto y = lstm(x[0], x[1], x[2], x[3], x[4], Tensor(), Tensor(), {.reverse = true, .lengths = lengths, .weight_hr = x[5]}); return together({y.output, y.h, y.c}); }, {{{3, 4, 2}, {4, 1}, {4, 2}, {8, 2}, {8, 1}, {1, 2}}}, {all_signs}},
        {"gru", [=](In x) { return one_gru(x); }, layers(3), {all_signs}, {{{tensor({{{0.0}}}), tensor({{2.0}}), xgrad::zeros({3, 1}, DType::f64), xgrad::zeros({3, 1}, DType::f64), {0, 0, 0}, {0, 0, 0}}, {1, 1}, {tensor({{{0.0}}}), tensor({{1.0}}), xgrad::zeros({3, 1}, DType::f64), tensor({{0.0}, {2.0}, {1.0}}), {0, 1, 1}, {0, 1, 0.5}}}}},
        {"gru(reverse)", [=](In x) { return one_gru(x, {.reverse = true}); }, {layer(3, 2, 2, 3, 3)}, {all_signs}},
        {"gru(no biases)", [=](In x) { return one_gru(x); }, {layer(2, 2, 1, 2, 3, false)}, {all_signs}, {}, third},
        {"gru(lengths)", [=](In x) { return one_gru(x, {.lengths = lengths}); }, {layer(3, 4, 2, 2, 3)}, {all_signs}},
        {"gru(lengths, reverse)", [=](In x) { return one_gru(x, {.reverse = true, .lengths = lengths}); }, {layer(3, 4, 1, 2, 3)}, {all_signs}},
    };
}
static const Family recurrent_family(recurrent_rows);

}  // namespace tests
