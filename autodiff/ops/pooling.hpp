#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sizes.hpp"
#include "spatial.hpp"

// The windows of pooling, listed axis by axis, so that one text serves one to three axes, with strides or adaptive. Not for users.

namespace xgrad::detail {

/// The windows along one axis, cut to the input: `count[o]` elements from `first[o]` on, `step` apart.
struct AxisWindows {
    Int size = 1, result = 1, step = 1;
    std::vector<Int> first{0}, count{1};
    std::vector<double> whole{1};  // how many they are with the padding

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

/// Always three axes, of size 1 in front where there are fewer.
struct Windows {
    AxisWindows axis[3];
    Shape in, out;
    Int planes = 1;

    Windows(const Tensor& x, int axes) : in(x.shape()), out(x.shape().begin(), x.ndim() - axes), planes(out.size()) {
        for (int k = 0; k < axes; ++k) axis[3 - axes + k].size = in[out.rank() + k];
    }
    Int size() const { return axis[0].size * axis[1].size * axis[2].size; }
    Int results() const { return axis[0].result * axis[1].result * axis[2].result; }
    Int work() const { return planes * (size() + results()); }
};
/// What pullbacks capture.
using SharedWindows = std::shared_ptr<const Windows>;

inline SharedWindows windows_of(const char* name, int axes, const Operand& operand, const PerAxis& kernel, const PerAxis& given_stride,
                                const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
    const Tensor& x = check_spatial(name, axes, operand);
    const Location where = operand.where();
    const PerAxis stride = given_stride.given() ? given_stride : kernel;
    check_per_axis(name, "kernel", kernel, axes, 1, where);
    check_per_axis(name, "stride", stride, axes, 1, where);
    check_per_axis(name, "padding", padding, axes, 0, where);
    check_per_axis(name, "dilation", dilation, axes, 1, where);
    auto windows = std::make_shared<Windows>(x, axes);
    for (int k = 0; k < axes; ++k) {
        AxisWindows& a = windows->axis[3 - axes + k];
        const auto got = [&] {
            return "kernel " + std::to_string(kernel[k]) + ", stride " + std::to_string(stride[k]) + ", padding " +
                   std::to_string(padding[k]) + " and dilation " + std::to_string(dilation[k]) + " for shape " + to_string(x.shape());
        };
        const Int pad = padding[k], span = (Size(dilation[k]) * (kernel[k] - 1) + 1).value(name, where, got);
        const Int room = (Size(2) * pad + a.size - span).value(name, where, got);
        (Size(std::max<Int>(room, 0)) + stride[k] + kernel[k]).value(name, where, got);
        check<ValueError>(pad <= span / 2, where, [&] {
            return std::string(name) + ": padding must be at most half the kernel, got " + std::to_string(pad) + " for " +
                   std::to_string(kernel[k]);
        });
        a.result = room < 0 ? (ceil_mode && room + stride[k] > 0 ? 1 : 0) : (room + (ceil_mode ? stride[k] - 1 : 0)) / stride[k] + 1;
        if (ceil_mode && (a.result - 1) * stride[k] >= a.size + pad) --a.result;
        check<ShapeError>(a.result >= 1, where, [&] {
            return std::string(name) + ": the kernel must fit the padded input, got kernel " + std::to_string(kernel[k]) + " for shape " +
                   to_string(x.shape());
        });
        a.step = dilation[k];
        windows->out.push_back(a.result);
        count_elements(windows->out, name, where);
        named(name, where, [&] { a.clear(a.result); });
        for (Int o = 0; o < a.result; ++o) {
            const Int begin = o * stride[k] - pad, skip = begin < 0 ? (-begin + a.step - 1) / a.step : 0, first = begin + skip * a.step;
            const Int fit = first < a.size ? (a.size - 1 - first) / a.step + 1 : 0;
            a.add(first, std::min(fit, kernel[k] - skip), static_cast<double>(std::min(begin + kernel[k], a.size + pad) - begin));
        }
    }
    return windows;
}

inline SharedWindows adaptive_windows(const char* name, int axes, const Operand& operand, const PerAxis& output) {
    const Tensor& x = check_spatial(name, axes, operand);
    check_per_axis(name, "output", output, axes, 0, operand.where());
    auto windows = std::make_shared<Windows>(x, axes);
    for (int k = 0; k < axes; ++k) {
        AxisWindows& a = windows->axis[3 - axes + k];
        check<ShapeError>(a.size > 0 || output[k] == 0, operand.where(),
                          [&] { return std::string(name) + ": there must be elements to choose from, got shape " + to_string(x.shape()); });
        a.result = output[k];
        windows->out.push_back(a.result);
        count_elements(windows->out, name, operand.where());
        named(name, operand.where(), [&] { a.clear(a.result); });
        for (Int o = 0; o < a.result; ++o) {
            const Int begin = o * a.size / a.result, end = ((o + 1) * a.size + a.result - 1) / a.result;
            a.add(begin, end - begin, static_cast<double>(end - begin));
        }
    }
    return windows;
}

}  // namespace xgrad::detail
