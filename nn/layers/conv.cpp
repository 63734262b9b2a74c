#include "conv.hpp"

#include <cmath>
#include <string>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

bool ConvPadding::is_same(std::string_view word, Location where) {
    check<ValueError>(word == "same" || word == "valid", where, [&] {
        return "padding: it must be numbers, \"same\" or \"valid\", got \"" + std::string(word) + "\"";
    });
    return word == "same";
}

namespace detail {

namespace {

std::string layer(const char* name, int axes) { return name + std::to_string(axes) + "d"; }

void check_sizes(const std::string& name, int axes, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                 std::int64_t groups, Location where) {
    check<ValueError>(in > 0 && out > 0, where, [&] {
        return name + ": channels must be positive, got " + std::to_string(in) + " and " + std::to_string(out);
    });
    check<ValueError>(groups > 0 && in % groups == 0 && out % groups == 0, where, [&] {
        return name + ": groups must divide in_channels and out_channels, got " + std::to_string(groups) + " for " +
               std::to_string(in) + " and " + std::to_string(out);
    });
    check<ValueError>(kernel.count() == 1 || kernel.count() == axes, where, [&] {
        return name + ": kernel_size must be one number or " + std::to_string(axes) + ", got " +
               std::to_string(kernel.count());
    });
    for (int k = 0; k < axes; ++k)
        check<ValueError>(kernel[k] > 0, where,
                          [&] { return name + ": kernel_size must be positive, got " + std::to_string(kernel[k]); });
}

/// Weight (first, second, kernel…) and bias, drawn with PyTorch's distribution.
void start(Parameter& weight, Parameter& bias, int axes, std::int64_t first, std::int64_t second, const PerAxis& kernel,
           std::int64_t outputs, bool with_bias, DType dtype) {
    Shape shape{first, second};
    for (int k = 0; k < axes; ++k) shape.push_back(kernel[k]);
    const double bound = 1 / std::sqrt(static_cast<double>(shape.size() / first));
    weight = zeros(shape, dtype);
    init::uniform(weight, -bound, bound);
    if (!with_bias) return;
    bias = zeros({outputs}, dtype);
    init::uniform(bias, -bound, bound);
}

PerAxis per_axis(int axes, std::int64_t (&numbers)[3]) {
    return axes == 1   ? PerAxis{numbers[0]}
           : axes == 2 ? PerAxis{numbers[0], numbers[1]}
                       : PerAxis{numbers[0], numbers[1], numbers[2]};
}

}  // namespace

Conv::Conv(int axes, std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
           const ConvOptions& options, Location where)
    : axes_(axes), options_(options) {
    const std::string name = layer("Conv", axes);
    check_sizes(name, axes, in_channels, out_channels, kernel_size, options.groups, where);
    start(weight, bias, axes, out_channels, in_channels / options.groups, kernel_size, out_channels, options.bias,
          options.dtype);
    before_ = after_ = options.padding.numbers();
    bool even = true;
    if (options.padding.same()) {
        std::int64_t before[3] = {}, after[3] = {};
        for (int k = 0; k < axes; ++k) {
            check<ValueError>(options.stride[k] == 1, where, [&] {
                return name + ": \"same\" padding needs stride 1, got " + std::to_string(options.stride[k]);
            });
            const std::int64_t both = options.dilation[k] * (kernel_size[k] - 1);
            before[k] = both / 2;
            after[k] = both - before[k];
            even = even && before[k] == after[k];
        }
        before_ = per_axis(axes, before);
        after_ = per_axis(axes, after);
    }
    pads_itself_ = options.padding_mode != PadMode::constant || !even;
}

Tensor Conv::padded(const Tensor& x, Location where) const {
    check<ShapeError>(x.ndim() == axes_ + 1 || x.ndim() == axes_ + 2, where, [&] {
        return layer("Conv", axes_) + ": the input must have " + std::to_string(axes_ + 2) +
               " axes (batch, channels, sizes), or " + std::to_string(axes_ + 1) + " without batch, got shape " +
               to_string(x.shape());
    });
    std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(x.ndim() - axes_), {0, 0});
    for (int k = 0; k < axes_; ++k) widths.emplace_back(before_[k], after_[k]);
    return pad(Operand(x, where), widths, {.mode = options_.padding_mode});
}

Tensor Conv::with_weight(const Tensor& x, const Tensor& other, Location where) const {
    const xgrad::ConvFuncOptions options{.stride = options_.stride,
                                         .padding = pads_itself_ ? PerAxis(0) : before_,
                                         .dilation = options_.dilation,
                                         .groups = options_.groups};
    const Tensor input = pads_itself_ ? padded(x, where) : x;
    const auto conv = axes_ == 1 ? conv1d : axes_ == 2 ? conv2d : conv3d;
    return conv(Operand(input, where), other, bias, options);
}

ConvTranspose::ConvTranspose(int axes, std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
                             const ConvTransposeOptions& options, Location where)
    : axes_(axes), options_(options) {
    check_sizes(layer("ConvTranspose", axes), axes, in_channels, out_channels, kernel_size, options.groups, where);
    start(weight, bias, axes, in_channels, out_channels / options.groups, kernel_size, out_channels, options.bias,
          options.dtype);
}

Tensor ConvTranspose::operator()(const Tensor& x, const std::vector<std::int64_t>& output_size, Location where) const {
    const std::string name = layer("ConvTranspose", axes_);
    check<ShapeError>(output_size.size() == static_cast<std::size_t>(axes_) && x.ndim() > axes_, where, [&] {
        return name + ": output_size must have " + std::to_string(axes_) + " sizes, got " +
               std::to_string(output_size.size()) + " for an input of shape " + to_string(x.shape());
    });
    const ConvTransposeOptions& o = options_;
    std::int64_t padding[3] = {};
    for (int k = 0; k < axes_; ++k) {
        const std::int64_t size = x.shape(k - axes_), wanted = output_size[static_cast<std::size_t>(k)];
        const std::int64_t least =
            (size - 1) * o.stride[k] - 2 * o.padding[k] + o.dilation[k] * (weight.shape(k - axes_) - 1) + 1;
        check<ValueError>(wanted >= least && wanted < least + o.stride[k], where, [&] {
            return name + ": output_size must be in [" + std::to_string(least) + ", " +
                   std::to_string(least + o.stride[k]) + "), got " + std::to_string(wanted);
        });
        padding[k] = wanted - least;
    }
    return transposed(x, weight, per_axis(axes_, padding), where);
}

Tensor ConvTranspose::transposed(const Tensor& x, const Tensor& other, const PerAxis& output_padding,
                                 Location where) const {
    const xgrad::ConvTransposeFuncOptions options{.stride = options_.stride,
                                                  .padding = options_.padding,
                                                  .output_padding = output_padding,
                                                  .groups = options_.groups,
                                                  .dilation = options_.dilation};
    const auto conv = axes_ == 1 ? conv_transpose1d : axes_ == 2 ? conv_transpose2d : conv_transpose3d;
    return conv(Operand(x, where), other, bias, options);
}

}  // namespace detail
XGRAD_FIELDS_OF(detail::Conv, weight, bias)
XGRAD_FIELDS_OF(detail::ConvTranspose, weight, bias)

}  // namespace xgrad::nn
