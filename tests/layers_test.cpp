#include "checked_figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::Checked;
using tests::wave;

namespace {

const auto two_inputs = [](auto& layer, const auto& x) { return layer(x[0], x[1]); };

template <class L>
L with_statistics(L layer, bool training = false) {
    layer.running_mean = wave({3}, 7);
    layer.running_var = wave({3}, 8, 1, 2);
    layer.training = training;
    return layer;
}

template <class B, class I>
void check_batch_and_instance(Checked& check, const std::string& n, const Shape& shape) {
    check("BatchNorm" + n, B(3), wave(shape));
    check("BatchNorm" + n + " eval", with_statistics(B(3)), wave(shape));
    check("InstanceNorm" + n, I(3), wave(shape));
    const nn::InstanceNormOptions running{.momentum = 0.3, .affine = true, .track_running_stats = true};
    check("InstanceNorm" + n + " running", with_statistics(I(3, running), true), wave(shape));
    check("InstanceNorm" + n + " eval", with_statistics(I(3, {.affine = true, .track_running_stats = true})),
          wave(shape));
    check("InstanceNorm" + n + " without batch", I(3, {.eps = 0.1}), wave(Shape(shape.begin() + 1, shape.rank() - 1)));
}

template <class L>
nn::SpectralNorm<L> spectral(L layer, const nn::SpectralNormOptions& options = {}) {
    nn::SpectralNorm wrapped(std::move(layer), options);
    const auto direction = [](const Tensor& like, double seed) {
        const Tensor v = wave(like.shape(), seed);
        return v / norm(v);
    };
    wrapped.weight_u = direction(wrapped.weight_u, 30);
    wrapped.weight_v = direction(wrapped.weight_v, 31);
    return wrapped;
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("layers: linear, embedding and normalising ones have PyTorch's output, gradients and buffers") {
    Checked check("layers");
    check("Linear", nn::Linear(4, 3), wave({2, 5, 4}));
    check("Linear without bias", nn::Linear(4, 3, false), wave({2, 4}));
    check("Bilinear", nn::Bilinear(3, 2, 4), {wave({2, 2, 3}), wave({2, 2, 2}, 1)}, two_inputs);
    check("Bilinear without bias", nn::Bilinear(3, 2, 4, {.bias = false}), {wave({3}), wave({2}, 1)}, two_inputs);

    const Tensor indices = tensor<std::int64_t>({{0, 4, 2}, {2, 2, 1}});
    check("Embedding", nn::Embedding(5, 3), indices);
    check("Embedding padding_idx", nn::Embedding(5, 3, {.padding_idx = -3}), indices);
    const auto check_renormalised = [&](const std::string& name, const nn::EmbeddingOptions& options) {
        nn::Embedding layer(5, 3, options);
        check(name, layer, indices);
        nn::to(layer, DType::f64);
        tests::fill(layer);
        layer(indices);
        check.figures.check(name + ": afterwards", "weight", layer.weight);
        check.names.insert(name + ": afterwards");
    };
    check_renormalised("Embedding max_norm", {.max_norm = 0.5});
    check_renormalised("Embedding max_norm 1", {.max_norm = 0.6, .norm_type = 1});
    check_renormalised("Embedding max_norm inf", {.max_norm = 0.3, .norm_type = INFINITY});
    check_renormalised("Embedding max_norm 3", {.max_norm = 0.45, .norm_type = 3});

    const Tensor vector = tensor<std::int64_t>({0, 4, 2, 2, 2, 1, 3}), offsets = tensor<std::int64_t>({0, 2, 2, 5});
    for (const auto& [name, mode] : {std::pair{"sum", BagMode::sum}, {"mean", BagMode::mean}, {"max", BagMode::max}}) {
        const std::string bag = std::string("EmbeddingBag ") + name;
        check(bag, nn::EmbeddingBag(5, 3, {.mode = mode}), indices);
        check(bag + " offsets", nn::EmbeddingBag(5, 3, {.mode = mode}), {vector, offsets}, two_inputs);
        check(bag + " padding_idx", nn::EmbeddingBag(5, 3, {.mode = mode, .padding_idx = 2}),
              {vector, offsets.to(DType::i32)}, two_inputs);
        check(bag + " last offset", nn::EmbeddingBag(5, 3, {.mode = mode, .include_last_offset = true}),
              {vector, tensor<std::int64_t>({0, 3, 3, 7})}, two_inputs);
    }
    check("EmbeddingBag weighted", nn::EmbeddingBag(5, 3, {.mode = BagMode::sum}), {indices, wave({2, 3}, 4)},
          [](auto& layer, const auto& x) { return layer(x[0], {}, x[1]); });
    check("EmbeddingBag weighted offsets", nn::EmbeddingBag(5, 3, {.mode = BagMode::sum, .padding_idx = -1}),
          {vector, wave({7}, 4)}, [&](auto& layer, const auto& x) { return layer(x[0], offsets, x[1]); });
    check("EmbeddingBag max_norm", nn::EmbeddingBag(5, 3, {.max_norm = 0.5}), indices);

    check_batch_and_instance<nn::BatchNorm1d, nn::InstanceNorm1d>(check, "1d", {2, 3, 4});
    check_batch_and_instance<nn::BatchNorm2d, nn::InstanceNorm2d>(check, "2d", {2, 3, 2, 2});
    check_batch_and_instance<nn::BatchNorm3d, nn::InstanceNorm3d>(check, "3d", {2, 3, 1, 2, 2});
    check("BatchNorm1d matrix", nn::BatchNorm1d(3, {.eps = 0.01, .momentum = 0.4}), wave({5, 3}));
    nn::BatchNorm1d plain(3, {.affine = false, .track_running_stats = false});
    nn::eval(plain);
    check("BatchNorm1d plain", plain, wave({5, 3}));
    check("BatchNorm1d cumulative", nn::BatchNorm1d(3, {.momentum = std::nullopt}), {wave({5, 3})},
          [](auto& layer, const auto& x) { return std::vector{layer(x[0]), layer(3 * x[0] + 1), layer(x[0] - 2)}; });

    check("LayerNorm", nn::LayerNorm(4), wave({2, 3, 4}));
    check("LayerNorm two axes", nn::LayerNorm({3, 4}, {.eps = 0.1}), wave({2, 3, 4}));
    check("LayerNorm plain", nn::LayerNorm(4, {.elementwise_affine = false}), wave({3, 4}));
    check("GroupNorm", nn::GroupNorm(2, 4), wave({2, 4, 3}));
    check("GroupNorm plain", nn::GroupNorm(4, 4, {.eps = 0.1, .affine = false}), wave({2, 4, 3}));
    check("LocalResponseNorm", nn::LocalResponseNorm(2), wave({2, 3, 4}));
    check("LocalResponseNorm options", nn::LocalResponseNorm(3, {.alpha = 0.5, .beta = 0.6, .k = 1.5}),
          wave({2, 4, 2, 2}, 0, 3));
    check("RMSNorm", nn::RMSNorm(4, {.eps = 1e-6}), wave({2, 3, 4}));
    check("RMSNorm two axes", nn::RMSNorm({3, 4}, {.eps = 0.1, .elementwise_affine = false}), wave({2, 3, 4}));

    const nn::AdaptiveLogSoftmaxWithLoss adaptive(8, 9, {2, 5}, {.div_value = 2, .head_bias = true});
    check("AdaptiveLogSoftmaxWithLoss", adaptive, {wave({5, 8}), tensor<std::int64_t>({0, 3, 8, 1, 4})},
          [](auto& layer, const auto& x) {
              const auto [output, loss] = layer(x[0], x[1]);
              return std::vector{output, loss};
          });
    check("AdaptiveLogSoftmaxWithLoss log_prob", adaptive, {wave({2, 8})},
          [](auto& layer, const auto& x) { return layer.log_prob(x[0]); });

    check("WeightNorm", nn::WeightNorm(nn::Linear(4, 3)), wave({2, 4}));
    check("WeightNorm dim 1", nn::WeightNorm(nn::Linear(4, 3), -1), wave({2, 4}));
    check("WeightNorm whole", nn::WeightNorm(nn::Linear(4, 3), std::nullopt), wave({2, 4}));
    check("WeightNorm Conv2d", nn::WeightNorm(nn::Conv2d(2, 3, 2)), wave({1, 2, 3, 3}));
    check("SpectralNorm", spectral(nn::Linear(4, 3)), wave({2, 4}));
    check("SpectralNorm options", spectral(nn::Linear(4, 3), {.n_power_iterations = 3, .eps = 1e-6, .dim = 1}),
          wave({2, 4}));
    auto used = spectral(nn::Linear(4, 3));
    nn::eval(used);
    check("SpectralNorm eval", used, wave({2, 4}));
    check("SpectralNorm ConvTranspose2d", spectral(nn::ConvTranspose2d(2, 3, 2)), wave({1, 2, 2, 2}));
    check.all();
}

TEST_CASE("layers: convolutions have PyTorch's output and gradients") {
    Checked check("convolutions");
    check("Conv1d", nn::Conv1d(2, 3, 3), wave({2, 2, 5}));
    check("Conv1d options", nn::Conv1d(4, 2, 2, {.stride = 2, .padding = 1, .dilation = 2, .groups = 2, .bias = false}),
          wave({1, 4, 7}));
    check("Conv1d same", nn::Conv1d(2, 2, 4, {.padding = "same"}), wave({2, 2, 5}));
    check("Conv1d valid", nn::Conv1d(1, 1, 2, {.padding = "valid"}), wave({1, 1, 4}));
    check("Conv1d reflect", nn::Conv1d(1, 2, 3, {.padding = 2, .padding_mode = PadMode::reflect}), wave({1, 1, 4}));
    check("Conv1d without batch", nn::Conv1d(2, 1, 2, {.padding = 1, .padding_mode = PadMode::reflect}), wave({2, 4}));
    check("Conv2d", nn::Conv2d(2, 3, 2), wave({2, 2, 3, 4}));
    check("Conv2d options",
          nn::Conv2d(2, 4, {3, 2}, {.stride = {1, 2}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2}),
          wave({1, 2, 3, 4}));
    check("Conv2d same", nn::Conv2d(1, 2, {2, 3}, {.padding = "same", .dilation = {1, 2}}), wave({1, 1, 3, 5}));
    for (const auto& [name, mode] :
         {std::pair{"reflect", PadMode::reflect}, {"replicate", PadMode::replicate}, {"circular", PadMode::circular}})
        check(std::string("Conv2d ") + name, nn::Conv2d(1, 1, 3, {.padding = {1, 2}, .padding_mode = mode}),
              wave({1, 1, 3, 4}));
    check("Conv2d same circular", nn::Conv2d(1, 1, 2, {.padding = "same", .padding_mode = PadMode::circular}),
          wave({1, 1, 3, 3}));
    check("Conv2d without batch", nn::Conv2d(2, 2, 3, {.padding = 1}), wave({2, 2, 3}));
    check("Conv3d", nn::Conv3d(1, 2, 2), wave({1, 1, 2, 3, 3}));
    check("Conv3d options",
          nn::Conv3d(2, 2, {1, 2, 3},
                     {.stride = {1, 2, 1}, .padding = {0, 1, 1}, .groups = 2, .padding_mode = PadMode::replicate}),
          wave({1, 2, 2, 3, 2}));
    check("ConvTranspose1d", nn::ConvTranspose1d(2, 3, 3), wave({2, 2, 3}));
    check("ConvTranspose1d options",
          nn::ConvTranspose1d(
              4, 2, 3, {.stride = 3, .padding = 1, .output_padding = 2, .groups = 2, .bias = false, .dilation = 2}),
          wave({1, 4, 3}));
    check("ConvTranspose2d", nn::ConvTranspose2d(2, 1, 2), wave({2, 2, 2, 3}));
    check(
        "ConvTranspose2d options",
        nn::ConvTranspose2d(2, 2, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .output_padding = {1, 0}, .groups = 2}),
        wave({1, 2, 2, 3}));
    check("ConvTranspose2d output_size", nn::ConvTranspose2d(1, 1, 2, {.stride = {3, 2}}), {wave({1, 1, 2, 2})},
          [](auto& layer, const auto& x) { return layer(x[0], {7, 4}); });
    check("ConvTranspose3d", nn::ConvTranspose3d(1, 2, 2), wave({1, 1, 1, 2, 2}));
    check("ConvTranspose3d options",
          nn::ConvTranspose3d(2, 2, {1, 2, 2},
                              {.stride = {1, 2, 1}, .output_padding = {0, 1, 0}, .groups = 2, .dilation = {1, 2, 1}}),
          wave({1, 2, 1, 2, 2}));
    check.all();
}

TEST_SUITE_END();
