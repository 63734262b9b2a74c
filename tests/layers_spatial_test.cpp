#include "checked_figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::Checked;
using tests::wave;

namespace {

template <class Max, class Avg, class AdaptiveAvg, class AdaptiveMax, class Unpool, class F>
void check_pooling(Checked& check, const std::string& n, const Tensor& x, const F& with_indices) {
    check("MaxPool" + n, Max(2), x);
    check("MaxPool" + n + " options", Max(2, {.stride = 1, .padding = 1, .dilation = 2, .ceil_mode = true}), x);
    check("AvgPool" + n, Avg(2), x);
    check("AvgPool" + n + " options",
          Avg(3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}), x);
    check("AdaptiveAvgPool" + n, AdaptiveAvg(2), x);
    check("AdaptiveMaxPool" + n, AdaptiveMax(3), x);
    const MaxPoolResult pooled = with_indices(x, 2, {});
    check("MaxUnpool" + n, Unpool(2), {pooled.values, pooled.indices},
          [](auto& layer, const auto& in) { return layer(in[0], in[1]); });
    const std::vector<std::int64_t> sizes(x.shape().begin() + 2, x.shape().end());
    check("MaxUnpool" + n + " output_size", Unpool(2), {pooled.values},
          [&](auto& layer, const auto& in) { return layer(in[0], pooled.indices, sizes); });
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("layers: pooling, padding and resizing have PyTorch's output and gradients") {
    Checked check("spatial");
    const Tensor line = wave({2, 2, 7}), image = wave({1, 2, 4, 5}), volume = wave({1, 1, 3, 4, 3});
    check_pooling<nn::MaxPool1d, nn::AvgPool1d, nn::AdaptiveAvgPool1d, nn::AdaptiveMaxPool1d, nn::MaxUnpool1d>(
        check, "1d", line, max_pool1d_with_indices);
    check_pooling<nn::MaxPool2d, nn::AvgPool2d, nn::AdaptiveAvgPool2d, nn::AdaptiveMaxPool2d, nn::MaxUnpool2d>(
        check, "2d", image, max_pool2d_with_indices);
    check_pooling<nn::MaxPool3d, nn::AvgPool3d, nn::AdaptiveAvgPool3d, nn::AdaptiveMaxPool3d, nn::MaxUnpool3d>(
        check, "3d", volume, max_pool3d_with_indices);
    check("AvgPool2d divisor_override", nn::AvgPool2d({2, 3}, {.divisor_override = 5}), image);
    check("LPPool1d", nn::LPPool1d(2, 3, {.stride = 2}), line);
    check("LPPool2d", nn::LPPool2d(2, {2, 3}), image);
    check("LPPool2d p 3", nn::LPPool2d(3, 2, {.stride = 1}), image + 2);
    check("LPPool3d", nn::LPPool3d(2, 2), volume);
    check("AdaptiveAvgPool2d sizes", nn::AdaptiveAvgPool2d({3, 2}), image);
    check("MaxPool2d without batch", nn::MaxPool2d({1, 2}, {.stride = {2, 1}}), wave({2, 3, 4}));

    const Tensor lines = wave({1, 2, 4}), images = wave({1, 2, 3, 3}), volumes = wave({1, 1, 2, 3, 2});
    check("ConstantPad1d", nn::ConstantPad1d({1, 2}, 1.5), lines);
    check("ConstantPad2d", nn::ConstantPad2d({1, 0, 2, 1}, -0.5), images);
    check("ConstantPad3d", nn::ConstantPad3d({1, 0, 0, 1, 1, 0}, 2.5), volumes);
    check("ZeroPad1d", nn::ZeroPad1d({1, 2}), lines);
    check("ZeroPad2d", nn::ZeroPad2d({0, 1, 2, 0}), images);
    check("ZeroPad2d one number", nn::ZeroPad2d(1), wave({2, 2, 2}));
    check("ZeroPad3d", nn::ZeroPad3d({1, 0, 0, 1, 1, 0}), volumes);
    check("ReflectionPad1d", nn::ReflectionPad1d({3, 1}), lines);
    check("ReflectionPad2d", nn::ReflectionPad2d({1, 2, 0, 1}), images);
    check("ReflectionPad3d", nn::ReflectionPad3d({1, 0, 2, 1, 0, 1}), volumes);
    check("ReplicationPad1d", nn::ReplicationPad1d({3, 1}), lines);
    check("ReplicationPad2d", nn::ReplicationPad2d({1, 2, 0, 1}), images);
    check("ReplicationPad3d", nn::ReplicationPad3d({1, 0, 2, 1, 0, 1}), volumes);
    check("CircularPad1d", nn::CircularPad1d({3, 1}), lines);
    check("CircularPad2d", nn::CircularPad2d({1, 2, 0, 1}), images);
    check("CircularPad3d", nn::CircularPad3d({1, 0, 2, 1, 0, 1}), volumes);

    check("Upsample nearest", nn::Upsample({.scale_factor = {2}}), lines);
    check("Upsample linear", nn::Upsample({.size = {6}, .mode = Interpolation::linear}), lines);
    check("Upsample bilinear", nn::Upsample({.scale_factor = {2, 1.5}, .mode = Interpolation::bilinear}), images);
    check("Upsample bilinear align_corners",
          nn::Upsample({.size = {4, 5}, .mode = Interpolation::bilinear, .align_corners = true}), images);
    check("Upsample bicubic", nn::Upsample({.size = {4, 5}, .mode = Interpolation::bicubic}), images);
    check("Upsample trilinear",
          nn::Upsample({.size = {3, 4, 3}, .mode = Interpolation::trilinear, .align_corners = true}), volumes);
    check("PixelShuffle", nn::PixelShuffle{2}, wave({2, 4, 2, 3}));
    check("PixelUnshuffle", nn::PixelUnshuffle{2}, wave({2, 1, 4, 2}));
    check("ChannelShuffle", nn::ChannelShuffle{3}, wave({1, 6, 2}));
    check("Unflatten", nn::Unflatten{1, {2, -1}}, wave({2, 6, 2}));
    check("Flatten", nn::Flatten(), wave({2, 2, 3}));
    check("Flatten axes", nn::Flatten{0, 1}, wave({2, 2, 3}));
    check.all();
}

TEST_CASE("layers: activations have PyTorch's output and gradients, at kinks as well") {
    Checked check("activations");
    const Tensor x =
        concat({wave({2, 6}, 0, 4), tensor({{-30.0, -6.0, -3.0, -1.0, -0.5, -0.25}, {0.0, 0.5, 1.0, 3.0, 6.0, 30.0}})});
    check("ReLU", nn::ReLU(), x);
    check("ReLU6", nn::ReLU6(), x);
    check("LeakyReLU", nn::LeakyReLU(), x);
    check("LeakyReLU 0.3", nn::LeakyReLU{0.3}, x);
    check("PReLU", nn::PReLU(), x);
    check("PReLU channels", nn::PReLU({.num_parameters = 3}), wave({2, 3, 2}));
    nn::RReLU used;
    nn::eval(used);
    check("RReLU eval", used, x);
    check("RReLU training", nn::RReLU(0.2, 0.2), x);
    check("ELU", nn::ELU(), x);
    check("ELU 0.7", nn::ELU{0.7}, x);
    check("SELU", nn::SELU(), x);
    check("CELU", nn::CELU(), x);
    check("CELU 0.5", nn::CELU{0.5}, x);
    check("GELU", nn::GELU(), x);
    check("GELU tanh", nn::GELU{Gelu::tanh}, x);
    check("SiLU", nn::SiLU(), x);
    check("Mish", nn::Mish(), x);
    check("Softplus", nn::Softplus(), x);
    check("Softplus 2.5", nn::Softplus{2.5}, x);
    check("Sigmoid", nn::Sigmoid(), x);
    check("LogSigmoid", nn::LogSigmoid(), x);
    check("Tanh", nn::Tanh(), x);
    check("Softsign", nn::Softsign(), x);
    check("Hardtanh", nn::Hardtanh(), x);
    check("Hardtanh limits", nn::Hardtanh{-0.5, 3}, x);
    check("Hardsigmoid", nn::Hardsigmoid(), x);
    check("Hardswish", nn::Hardswish(), wave({3, 6}, 0, 4));
    check("Hardshrink", nn::Hardshrink(), x);
    check("Hardshrink 1", nn::Hardshrink{1}, x);
    check("Softshrink", nn::Softshrink(), x);
    check("Softshrink 1", nn::Softshrink{1}, x);
    check("Tanhshrink", nn::Tanhshrink(), x);
    check("Threshold", nn::Threshold{0.5, -2}, x);
    check("GLU", nn::GLU(), x);
    check("GLU axis 0", nn::GLU{0}, x);
    check("Softmax", nn::Softmax(), x);
    check("Softmax axis 1", nn::Softmax{1}, wave({2, 3, 2}));
    check("Softmin", nn::Softmin(), x);
    check("Softmin axis 0", nn::Softmin{0}, wave({3, 2}));
    check("LogSoftmax", nn::LogSoftmax(), x);
    check("LogSoftmax axis 1", nn::LogSoftmax{1}, wave({2, 3, 2}));
    check("Softmax2d", nn::Softmax2d(), wave({2, 3, 2, 2}));
    check("Softmax2d without batch", nn::Softmax2d(), wave({3, 2, 2}));
    check.all();
}

TEST_SUITE_END();
