#pragma once

#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/core/per_axis.hpp>

// Padding as layers, for Sequential: pads the last axes of x (batch, channels, sizes…) or (channels, sizes…). The
// function is xgrad::pad.

namespace xgrad::nn {

/// Widths in PyTorch's order, starting with the last axis: {left, right, top, bottom, front, back}, or one number for
/// all.
using PadWidths = NumberOrList<std::int64_t, 6>;

namespace detail {

/// The common part of the layers below. ValueError for a wrong number of widths or negative ones, ShapeError for an
/// input of the wrong rank.
class XGRAD_API Pad {
public:
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

protected:
    Pad(const char* name, int axes, const PadWidths& widths, const PadOptions& options, Location where);

private:
    const char* name_;
    int axes_;
    PadWidths widths_;
    PadOptions options_;
};

}  // namespace detail

/// Pads with a constant.
struct ConstantPad1d : detail::Pad {
    ConstantPad1d(const PadWidths& padding, double value, Location where = Location::current())
        : Pad("ConstantPad1d", 1, padding, {PadMode::constant, value}, where) {}
};
struct ConstantPad2d : detail::Pad {
    ConstantPad2d(const PadWidths& padding, double value, Location where = Location::current())
        : Pad("ConstantPad2d", 2, padding, {PadMode::constant, value}, where) {}
};
struct ConstantPad3d : detail::Pad {
    ConstantPad3d(const PadWidths& padding, double value, Location where = Location::current())
        : Pad("ConstantPad3d", 3, padding, {PadMode::constant, value}, where) {}
};

/// Pads with zeros.
struct ZeroPad1d : detail::Pad {
    explicit ZeroPad1d(const PadWidths& padding, Location where = Location::current())
        : Pad("ZeroPad1d", 1, padding, {PadMode::constant}, where) {}
};
struct ZeroPad2d : detail::Pad {
    explicit ZeroPad2d(const PadWidths& padding, Location where = Location::current())
        : Pad("ZeroPad2d", 2, padding, {PadMode::constant}, where) {}
};
struct ZeroPad3d : detail::Pad {
    explicit ZeroPad3d(const PadWidths& padding, Location where = Location::current())
        : Pad("ZeroPad3d", 3, padding, {PadMode::constant}, where) {}
};

/// Pads by reflection at the first and the last element, which are not repeated.
struct ReflectionPad1d : detail::Pad {
    explicit ReflectionPad1d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReflectionPad1d", 1, padding, {PadMode::reflect}, where) {}
};
struct ReflectionPad2d : detail::Pad {
    explicit ReflectionPad2d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReflectionPad2d", 2, padding, {PadMode::reflect}, where) {}
};
struct ReflectionPad3d : detail::Pad {
    explicit ReflectionPad3d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReflectionPad3d", 3, padding, {PadMode::reflect}, where) {}
};

/// Pads by repeating the first and the last element.
struct ReplicationPad1d : detail::Pad {
    explicit ReplicationPad1d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReplicationPad1d", 1, padding, {PadMode::replicate}, where) {}
};
struct ReplicationPad2d : detail::Pad {
    explicit ReplicationPad2d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReplicationPad2d", 2, padding, {PadMode::replicate}, where) {}
};
struct ReplicationPad3d : detail::Pad {
    explicit ReplicationPad3d(const PadWidths& padding, Location where = Location::current())
        : Pad("ReplicationPad3d", 3, padding, {PadMode::replicate}, where) {}
};

/// Pads circularly: with the elements from the other end.
struct CircularPad1d : detail::Pad {
    explicit CircularPad1d(const PadWidths& padding, Location where = Location::current())
        : Pad("CircularPad1d", 1, padding, {PadMode::circular}, where) {}
};
struct CircularPad2d : detail::Pad {
    explicit CircularPad2d(const PadWidths& padding, Location where = Location::current())
        : Pad("CircularPad2d", 2, padding, {PadMode::circular}, where) {}
};
struct CircularPad3d : detail::Pad {
    explicit CircularPad3d(const PadWidths& padding, Location where = Location::current())
        : Pad("CircularPad3d", 3, padding, {PadMode::circular}, where) {}
};

}  // namespace xgrad::nn
