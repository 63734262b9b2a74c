#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "autodiff/core/detail/sizes.hpp"
#include "spatial.hpp"

// The windows of pooling, listed axis by axis, so that the same code handles one to three axes, strided or adaptive.
// Not for users.

namespace xgrad::detail {

/// The windows along one axis, clipped to the input: `count[o]` elements from `first[o]` on, `step` apart.
struct AxisWindows {
    Int size = 1, result = 1, step = 1;
    std::vector<Int> first{0}, count{1};
    std::vector<double> whole{1};  // the size of each window including padding

    void add(Int begin, Int elements, double uncut) {
        first.push_back(begin);
        count.push_back(elements);
        whole.push_back(uncut);
    }
    void clear(Int expected) {
        const auto room = static_cast<std::size_t>(expected);
        first.clear();
        count.clear();
        whole.clear();
        first.reserve(room);
        count.reserve(room);
        whole.reserve(room);
    }
};

/// Always has three axes; if fewer are used, the leading ones have size 1.
struct Windows {
    AxisWindows axis[3];
    Shape in, out;
    Int planes = 1;

    Windows(const Shape& x, int axes) : in(x), out(x.begin(), x.rank() - axes), planes(out.size()) {
        for (int k = 0; k < axes; ++k) axis[3 - axes + k].size = in[out.rank() + k];
    }
    Int size() const { return axis[0].size * axis[1].size * axis[2].size; }
    Int results() const { return axis[0].result * axis[1].result * axis[2].result; }
    Int work() const { return planes * (size() + results()); }
};
using SharedWindows = std::shared_ptr<const Windows>;

/// The windows over the last axes: those of a sliding kernel, or adaptive ones if an output size is given. Each option
/// has one number for each axis.
struct Pooling {
    PerAxis kernel_size = {}, stride = {}, padding = 0, dilation = 1;
    bool ceil_mode = false;
    PerAxis output_size = {};
    XGRAD_ATTRIBUTES(kernel_size, stride, padding, dilation, ceil_mode, output_size)
    SharedWindows listed = nullptr;  // the windows for the shape of the pooled tensor; null: list them again

    bool adaptive() const { return output_size.given(); }
    int axes() const { return (adaptive() ? output_size : kernel_size).count(); }
    SharedWindows windows(const Shape& x) const {
        return listed && listed->in == x ? listed : list_windows(x, "pooling", {});
    }
    SharedWindows list_windows(const Shape& x, const char* name, Location where) const {
        auto list = std::make_shared<Windows>(x, axes());
        for (int k = 0; k < axes(); ++k) {
            AxisWindows& a = list->axis[3 - axes() + k];
            if (adaptive())
                check<ShapeError>(a.size > 0 || output_size[k] == 0, where, [&] {
                    return std::string(name) + ": there must be elements to choose from, got shape " + to_string(x);
                });
            a.result = adaptive() ? output_size[k] : count_windows(a.size, k, x, name, where);
            list->out.push_back(a.result);
            count_elements(list->out, name, where);
            named(name, where, [&] { a.clear(a.result); });
            if (adaptive()) list_adaptive(a);
            else list_moving(a, k);
        }
        return list;
    }

private:
    Int count_windows(Int size, int k, const Shape& x, const char* name, Location where) const {
        const auto got = [&] {
            return "kernel " + std::to_string(kernel_size[k]) + ", stride " + std::to_string(stride[k]) + ", padding " +
                   std::to_string(padding[k]) + " and dilation " + std::to_string(dilation[k]) + " for shape " +
                   to_string(x);
        };
        const Int pad = padding[k], span = (Size(dilation[k]) * (kernel_size[k] - 1) + 1).value(name, where, got);
        const Int room = (Size(2) * pad + size - span).value(name, where, got);
        (Size(std::max<Int>(room, 0)) + stride[k] + kernel_size[k]).value(name, where, got);
        check<ValueError>(pad <= span / 2, where, [&] {
            return std::string(name) + ": padding must be at most half the kernel, got " + std::to_string(pad) +
                   " for " + std::to_string(kernel_size[k]);
        });
        Int result = room < 0 ? (ceil_mode && room + stride[k] > 0 ? 1 : 0)
                              : (room + (ceil_mode ? stride[k] - 1 : 0)) / stride[k] + 1;
        if (ceil_mode && (result - 1) * stride[k] >= size + pad) --result;
        check<ShapeError>(result >= 1, where, [&] {
            return std::string(name) + ": the kernel must fit the padded input, got kernel " +
                   std::to_string(kernel_size[k]) + " for shape " + to_string(x);
        });
        return result;
    }
    void list_moving(AxisWindows& a, int k) const {
        const Int pad = padding[k];
        a.step = dilation[k];
        for (Int o = 0; o < a.result; ++o) {
            const Int begin = o * stride[k] - pad, skip = begin < 0 ? (-begin + a.step - 1) / a.step : 0,
                      first = begin + skip * a.step;
            const Int fit = first < a.size ? (a.size - 1 - first) / a.step + 1 : 0;
            a.add(first, std::min(fit, kernel_size[k] - skip),
                  static_cast<double>(std::min(begin + kernel_size[k], a.size + pad) - begin));
        }
    }
    static void list_adaptive(AxisWindows& a) {
        for (Int o = 0; o < a.result; ++o) {
            const Int begin = o * a.size / a.result, end = ((o + 1) * a.size + a.result - 1) / a.result;
            a.add(begin, end - begin, static_cast<double>(end - begin));
        }
    }
};

/// The pooling of an input with a kernel, with all arguments checked.
inline Pooling moving_windows(const char* name, int axes, const Operand& operand, const PerAxis& kernel,
                              const PerAxis& given_stride, const PerAxis& padding, const PerAxis& dilation,
                              bool ceil_mode) {
    const Tensor& x = check_spatial(name, axes, operand);
    const Location where = operand.where();
    const PerAxis& stride = given_stride.given() ? given_stride : kernel;
    check_per_axis(name, "kernel", kernel, axes, 1, where);
    check_per_axis(name, "stride", stride, axes, 1, where);
    check_per_axis(name, "padding", padding, axes, 0, where);
    check_per_axis(name, "dilation", dilation, axes, 1, where);
    Pooling p{.kernel_size = for_each_axis(kernel, axes),
              .stride = for_each_axis(stride, axes),
              .padding = for_each_axis(padding, axes),
              .dilation = for_each_axis(dilation, axes),
              .ceil_mode = ceil_mode};
    p.listed = p.list_windows(x.shape(), name, where);
    return p;
}

/// The pooling of an input to an output size, with all arguments checked.
inline Pooling adaptive_windows(const char* name, int axes, const Operand& operand, const PerAxis& output) {
    const Tensor& x = check_spatial(name, axes, operand);
    check_per_axis(name, "output", output, axes, 0, operand.where());
    Pooling p{.output_size = for_each_axis(output, axes)};
    p.listed = p.list_windows(x.shape(), name, operand.where());
    return p;
}

}  // namespace xgrad::detail
