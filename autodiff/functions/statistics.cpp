#include <algorithm>
#include <cmath>
#include <string>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/reduce/sort.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// Statistics: quantiles, sums without NaNs, averages and covariances.

namespace xgrad {

using namespace detail;

namespace {

/// x with the reduced axes merged into one last axis, sorted.
Tensor sorted_behind(const char* name, const Operand& operand, const Tensor& x, AxisMask mask) {
    check_floating(x, name, operand.where());
    std::vector<int> order;
    Shape shape;
    Int n = 1;
    for (int k = 0; k < x.ndim(); ++k)
        if (!(mask >> k & 1)) order.push_back(k), shape.push_back(x.shape()[k]);
    for (int k = 0; k < x.ndim(); ++k)
        if (mask >> k & 1) order.push_back(k), n *= x.shape()[k];
    check<ShapeError>(n > 0, operand.where(), [&] {
        return std::string(name) + ": there must be an element to choose, got shape " + to_string(x.shape());
    });
    shape.push_back(n);
    return sort({reshape(transpose({x, operand.where()}, order), shape), operand.where()});
}

Tensor quantiles(const char* name, const Operand& operand, const std::vector<double>& q, const Axes& axes,
                 Quantile method, bool keepdims, bool lead) {
    const Tensor& x = tensor_of(operand, name);
    const AxisMask mask = mask_of(axes, x.ndim(), name, operand.where(), true);
    const Tensor sorted = sorted_behind(name, operand, x, mask);
    const double last = static_cast<double>(sorted.shape(-1) - 1);
    std::vector<Int> below, above;
    std::vector<double> weight;
    for (const double p : q) {
        check<ValueError>(p >= 0 && p <= 1, operand.where(),
                          [&] { return std::string(name) + ": q must be in [0, 1], got " + PlainNumber(p).text(); });
        const double place = p * last, low = std::floor(place);
        double w = place - low, from = low, to = std::ceil(place);
        if (method == Quantile::lower) to = from;
        if (method == Quantile::higher) from = to;
        if (method == Quantile::nearest) from = to = std::nearbyint(place);
        // A single element is weighted half and half: a weight of 0 times an adjacent infinity would be NaN.
        if (from == to || method == Quantile::midpoint) w = 0.5;
        below.push_back(static_cast<Int>(from));
        above.push_back(static_cast<Int>(to));
        weight.push_back(w);
    }
    const Tensor w = tensor(weight).to(x.dtype());
    Tensor result = take(sorted, tensor(below), -1) * (1 - w) + take(sorted, tensor(above), -1) * w;
    const Tensor largest = stop_gradient(slice(sorted, -1, -1));
    result = where(isnan(largest), largest, result);
    // The quantiles are the last axis; NumPy puts them first.
    if (lead && result.ndim() > 1) result = moveaxis(result, -1, 0);
    Shape shape = without_axes(x.shape(), mask, keepdims);
    if (lead) {
        Shape with{static_cast<Int>(q.size())};
        for (const Int size : shape) with.push_back(size);
        shape = with;
    }
    return reshape(result, shape);
}

}  // namespace

Tensor median(const Operand& x, const Axes& axes, bool keepdims) {
    return composed("median", x.where(),
                    [&]() -> Tensor { return quantiles("median", x, {0.5}, axes, Quantile::linear, keepdims, false); });
}
Tensor quantile(const Operand& x, double q, const Axes& axes, Quantile method, bool keepdims) {
    return composed("quantile", x.where(),
                    [&]() -> Tensor { return quantiles("quantile", x, {q}, axes, method, keepdims, false); });
}
Tensor quantile(const Operand& x, const std::vector<double>& q, const Axes& axes, Quantile method, bool keepdims) {
    return composed("quantile", x.where(),
                    [&]() -> Tensor { return quantiles("quantile", x, q, axes, method, keepdims, true); });
}

Tensor ptp(const Operand& operand, const Axes& axes, bool keepdims) {
    return composed("ptp", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "ptp");
        mask_of(axes, x.ndim(), "ptp", operand.where(), true);
        const Operand kept{x, operand.where()};
        const Tensor largest = max(kept, axes, keepdims), smallest = min(kept, axes, keepdims);
        return subtract({largest, operand.where()}, smallest);
    });
}

Tensor nansum(const Operand& operand, const Axes& axes, bool keepdims) {
    return composed("nansum", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "nansum");
        mask_of(axes, x.ndim(), "nansum", operand.where(), true);
        const Tensor numbers = is_floating(x.dtype()) ? where(isnan(x), 0, x) : x;
        return sum({numbers, operand.where()}, axes, keepdims);
    });
}
Tensor nanmean(const Operand& operand, const Axes& axes, bool keepdims) {
    return composed("nanmean", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "nanmean");
        check_floating(x, "nanmean", operand.where());
        mask_of(axes, x.ndim(), "nanmean", operand.where(), true);
        const Tensor missing = isnan(stop_gradient(x));
        return sum({where(missing, 0, x), operand.where()}, axes, keepdims) /
               sum(logical_not(missing).to(x.dtype()), axes, keepdims);
    });
}

Tensor average(const Operand& operand, const Operand& weight_operand, const Axes& axes, bool keepdims) {
    return composed("average", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "average");
        Tensor weights = tensor_of(weight_operand, "average");
        const Location where = operand.where();
        check_floating(x, "average", where);
        const AxisMask mask = mask_of(axes, x.ndim(), "average", where, true);
        if (weights.shape() != x.shape()) {
            int axis = 0;
            while (axis < x.ndim() && mask != AxisMask{1} << axis) ++axis;
            check<ShapeError>(weights.ndim() == 1 && axis < x.ndim() && weights.size() == x.shape(axis), where, [&] {
                return "average: the weights must have the shape " + to_string(x.shape()) +
                       ", or be a vector along the only axis, got " + to_string(weights.shape());
            });
            Shape along_axis{weights.size()};
            for (int k = axis + 1; k < x.ndim(); ++k) along_axis.push_back(1);
            weights = broadcast_to(reshape(weights, along_axis), x.shape());
        }
        const Tensor total = sum({weights, where}, axes, keepdims);
        check<ValueError>(!any(equal(stop_gradient(total), 0)).item<bool>(), where,
                          [] { return std::string("average: the weights must not add up to 0, got weights that do"); });
        return sum(multiply({x, where}, {weights, where}), axes, keepdims) / total;
    });
}

namespace {

/// Variables in rows, with their means subtracted.
Tensor centred_rows(const char* name, const Operand& operand) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    check<ShapeError>(x.ndim() == 1 || x.ndim() == 2, operand.where(), [&] {
        return std::string(name) + ": the tensor must have 1 or 2 axes (variables, observations), got shape " +
               to_string(x.shape());
    });
    const Tensor rows = x.ndim() == 2 ? x : reshape({x, operand.where()}, {1, x.size()});
    const Tensor once = rows - mean(rows, 1, true);
    return once - mean(once, 1, true);  // removes the rounding error of the mean
}
Tensor scalar_of_one(const Tensor& matrix, const Operand& x) { return x.ndim() == 1 ? reshape(matrix, {}) : matrix; }

}  // namespace

Tensor cov(const Operand& x, Correction correction) {
    return composed("cov", x.where(), [&]() -> Tensor {
        const Tensor rows = centred_rows("cov", x);
        const Autocast exact(Precision::full);
        const double divisor = std::max(0.0, static_cast<double>(rows.shape(1)) - correction);
        return scalar_of_one(matmul({rows, x.where()}, transpose(rows)) / divisor, x);
    });
}
Tensor corrcoef(const Operand& x) {
    return composed("corrcoef", x.where(), [&]() -> Tensor {
        const Autocast exact(Precision::full);
        const Tensor rows = centred_rows("corrcoef", x), unit = rows / norm(rows, 2, 1, true);
        return scalar_of_one(clip(matmul({unit, x.where()}, transpose(unit)), -1, 1), x);
    });
}

}  // namespace xgrad
