#include "padding.hpp"

#include <string>
#include <utility>
#include <vector>

namespace xgrad::nn::detail {

Pad::Pad(const char* name, int axes, const PadWidths& widths, const PadOptions& options, Location where)
    : name_(name), axes_(axes), widths_(widths), options_(options) {
    check<ValueError>(widths.count() == 1 || widths.count() == 2 * axes, where, [&] {
        return std::string(name) + ": padding must be one number or " + std::to_string(2 * axes) + ", got " +
               std::to_string(widths.count());
    });
    for (int i = 0; i < 2 * axes; ++i)
        check<ValueError>(widths[i] >= 0, where, [&] {
            return std::string(name) + ": padding must not be negative, got " + std::to_string(widths[i]);
        });
}

Tensor Pad::operator()(const Tensor& x, Location where) const {
    check<ShapeError>(x.ndim() == axes_ + 1 || x.ndim() == axes_ + 2, where, [&] {
        return std::string(name_) + ": the input must have " + std::to_string(axes_ + 2) +
               " axes (batch, channels, sizes), or " + std::to_string(axes_ + 1) + " without batch, got shape " +
               to_string(x.shape());
    });
    std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(x.ndim()), {0, 0});
    for (int k = 0; k < axes_; ++k)
        widths[static_cast<std::size_t>(x.ndim() - 1 - k)] = {widths_[2 * k], widths_[2 * k + 1]};
    return pad(Operand(x, where), widths, options_);
}

}  // namespace xgrad::nn::detail
