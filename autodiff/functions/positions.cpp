#include <cmath>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// Encodings of positions in a sequence.

namespace xgrad {

using namespace detail;

Tensor position_angles(std::int64_t length, std::int64_t count, double base, std::int64_t first, Location where) {
    return composed("position_angles", where, [&]() -> Tensor {
        check<ValueError>(length >= 0 && count >= 0, where, [&] {
            return "position_angles: length and count must not be negative, got " + std::to_string(length) + " and " +
                   std::to_string(count);
        });
        count_elements({length, count}, "position_angles", where);
        (Size(first) + length).value("position_angles", where, [&] {
            return "first position " + std::to_string(first);
        });
        const Tensor angles = empty({length, count}, DType::f64, where);
        if (angles.size() == 0) return angles;
        auto* at = static_cast<double*>(TensorAccess::data(angles));
        for (std::int64_t p = 0; p < length; ++p)
            for (std::int64_t i = 0; i < count; ++i)
                *at++ = static_cast<double>(first + p) *
                        std::pow(base, -static_cast<double>(i) / static_cast<double>(count));
        return angles;
    });
}

Tensor sinusoidal_positions(std::int64_t length, std::int64_t width, DType dtype, double base, Location where) {
    return composed("sinusoidal_positions", where, [&]() -> Tensor {
        check<ValueError>(width >= 0 && width % 2 == 0, where,
                          [&] { return "sinusoidal_positions: the width must be even, got " + std::to_string(width); });
        check<ValueError>(length >= 0, where, [&] {
            return "sinusoidal_positions: the length must not be negative, got " + std::to_string(length);
        });
        const Tensor angles = position_angles(length, width / 2, base, 0, where);
        return reshape(stack({sin(angles), cos(angles)}, -1), {length, width}).to(dtype);
    });
}

Tensor rotary(const Operand& x, const Operand& cosine, const Operand& sine, RotaryPairs pairs) {
    return composed("rotary", x.where(), [&]() -> Tensor {
        const Location where = x.where();
        for (const Operand* t : {&x, &cosine, &sine}) check_floating(tensor_of(*t, "rotary"), "rotary", where);
        check<ShapeError>(x.ndim() >= 2 && x.shape(-1) % 2 == 0, where, [&] {
            return "rotary: the input must be (…, steps, an even number), got " + to_string(x.shape());
        });
        const std::int64_t half = x.shape(-1) / 2;
        const bool halves = pairs == RotaryPairs::halves;
        Shape paired(x.shape().begin(), x.ndim() - 1);
        for (const std::int64_t size : {halves ? 2 : half, halves ? half : 2}) paired.push_back(size);
        const int axis = halves ? -2 : -1;
        const Tensor both = reshape(x.without_reuse(), paired), a = select(both, axis, 0), b = select(both, axis, 1);
        const Tensor c = cosine.without_reuse(), s = sine.without_reuse();
        return reshape(
            stack({a * Operand(c, where) - b * Operand(s, where), b * Operand(c, where) + a * Operand(s, where)}, axis),
            x.shape());
    });
}

}  // namespace xgrad
