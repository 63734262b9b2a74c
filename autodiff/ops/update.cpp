#include "update.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "../kernels/kernels.hpp"
#include "axes.hpp"
#include "indices.hpp"
#include "parallel.hpp"

namespace xgrad {

using namespace detail;

namespace {

void check_like(const Tensor& weight, const Tensor& other, const char* name, const char* what) {
    check<ValueError>(other.defined(), {}, [&] { return std::string(name) + ": the " + what + " must be a tensor, got an empty one"; });
    check<ShapeError>(other.shape() == weight.shape(), {}, [&] {
        return std::string(name) + ": the " + what + " must have the weight's shape, got " + to_string(other.shape()) + " and " +
               to_string(weight.shape());
    });
    check<DTypeError>(other.dtype() == weight.dtype(), {}, [&] {
        return std::string(name) + ": the " + what + " must have the weight's element type, got " + name_of(other.dtype()) + " and " +
               name_of(weight.dtype());
    });
}
void check_weight(const Tensor& weight, const char* name) {
    check<ValueError>(weight.defined(), {}, [&] { return std::string(name) + ": the weight must be a tensor, got an empty one"; });
    check_floating(weight, name, {});
}

/// Where the new value goes: the old one's buffer when nobody else holds it.
Tensor target(const Tensor& old) { return TensorAccess::unique(old) ? TensorAccess::constant(old) : empty(old.shape(), old.dtype()); }

constexpr Int piece = 16384;  // elements that a thread works on at a time

}  // namespace

void sgd_update(Tensor& weight, const Tensor& gradient, Tensor& velocity, const SgdStep& step) {
    check_weight(weight, "sgd_update");
    check_like(weight, gradient, "sgd_update", "gradient");
    const bool has_velocity = step.momentum != 0, first = step.first || !velocity.defined();
    if (has_velocity && !first) check_like(weight, velocity, "sgd_update", "velocity");
    const kernels::SgdPlan plan{step.maximize ? -1.0 : 1.0, step.lr,      step.momentum, 1 - step.dampening,
                                step.weight_decay,          has_velocity, step.nesterov, first};
    Tensor new_weight = target(weight), new_velocity;
    if (has_velocity) new_velocity = first ? empty(weight.shape(), weight.dtype()) : target(velocity);
    const Int n = weight.size();
    with_floating(weight.dtype(), [&]<class T>(T) {
        const T *w = elements<T>(weight), *g = elements<T>(gradient), *v = has_velocity && !first ? elements<T>(velocity) : nullptr;
        T *to = elements<T>(new_weight), *to_v = has_velocity ? elements<T>(new_velocity) : nullptr;
        const auto kernel = kernels::active().update.of<T>().sgd;
        parallel_for((n + piece - 1) / piece, n, [&](Int begin, Int end) {
            const Int i = begin * piece, count = std::min(end * piece, n) - i;
            kernel(w + i, g + i, v ? v + i : nullptr, to + i, to_v ? to_v + i : nullptr, count, plan);
        });
    });
    weight = std::move(new_weight);
    if (has_velocity) velocity = std::move(new_velocity);
}

void adam_update(Tensor& weight, const Tensor& gradient, Tensor& mean, Tensor& square, Tensor& max_square, const AdamStep& step) {
    check_weight(weight, "adam_update");
    check_like(weight, gradient, "adam_update", "gradient");
    check_like(weight, mean, "adam_update", "mean");
    check_like(weight, square, "adam_update", "square");
    if (step.amsgrad) check_like(weight, max_square, "adam_update", "max_square");
    check<ValueError>(step.t >= 1, {}, [&] { return "adam_update: steps are counted from 1, got " + std::to_string(step.t); });
    const double t = static_cast<double>(step.t);
    kernels::AdamPlan plan{};
    plan.sign = step.maximize ? -1 : 1;
    plan.weight_decay = step.decoupled ? 0 : step.weight_decay;
    plan.keep = step.decoupled ? 1 - step.lr * step.weight_decay : 1;
    plan.beta1 = step.beta1;
    plan.beta2 = step.beta2;
    plan.step = step.lr / (1 - std::pow(step.beta1, t));
    plan.scale = 1 / std::sqrt(1 - std::pow(step.beta2, t));
    plan.eps = step.eps;
    Tensor new_weight = target(weight), new_mean = target(mean), new_square = target(square), new_max;
    if (step.amsgrad) new_max = target(max_square);
    const Int n = weight.size();
    with_floating(weight.dtype(), [&]<class T>(T) {
        const T *w = elements<T>(weight), *g = elements<T>(gradient), *m = elements<T>(mean), *s = elements<T>(square);
        const T* largest = step.amsgrad ? elements<T>(max_square) : nullptr;
        T *to_w = elements<T>(new_weight), *to_m = elements<T>(new_mean), *to_s = elements<T>(new_square);
        T* to_largest = step.amsgrad ? elements<T>(new_max) : nullptr;
        const auto kernel = kernels::active().update.of<T>().adam;
        parallel_for((n + piece - 1) / piece, n, [&](Int begin, Int end) {
            const Int i = begin * piece, count = std::min(end * piece, n) - i;
            kernel(w + i, g + i, m + i, s + i, largest ? largest + i : nullptr, to_w + i, to_m + i, to_s + i,
                   to_largest ? to_largest + i : nullptr, count, plan);
        });
    });
    weight = std::move(new_weight);
    mean = std::move(new_mean);
    square = std::move(new_square);
    if (step.amsgrad) max_square = std::move(new_max);
}

namespace {

template <class T>
double norm_of(const T* row, Int n, double p) {
    double sum = 0;
    for (Int i = 0; i < n; ++i) {
        const double size = std::abs(static_cast<double>(row[i]));
        if (std::isinf(p)) sum = std::max(sum, size);
        else sum += p == 2 ? size * size : p == 1 ? size : std::pow(size, p);
    }
    return std::isinf(p) ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p);
}

}  // namespace

void renorm_rows(Tensor& weight, const Tensor& indices, double max_norm, double p, Location where) {
    check_weight(weight, "renorm_rows");
    check<ShapeError>(weight.ndim() == 2, where,
                      [&] { return "renorm_rows: the weight must have 2 axes, got shape " + to_string(weight.shape()); });
    check<ValueError>(p > 0, where, [&] { return "renorm_rows: p must be positive, got " + std::to_string(p); });
    const Tensor positions = indices_of({indices, where}, 0, weight.shape(0), "renorm_rows", where);
    std::vector<Int> rows(static_cast<std::size_t>(positions.size()));
    with_indices(positions, [&](const auto* from) { std::copy_n(from, positions.size(), rows.begin()); });
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    with_floating(weight.dtype(), [&]<class T>(T) {
        const Int width = weight.shape(1);
        const T* from = elements<T>(weight);
        std::vector<std::pair<Int, T>> scales;
        for (const Int row : rows)
            if (const double norm = norm_of(from + row * width, width, p); norm > max_norm)
                scales.emplace_back(row, static_cast<T>(max_norm / (norm + 1e-7)));
        if (scales.empty()) return;
        Tensor scaled = target(weight);
        T* const to = elements<T>(scaled);
        if (to != from) std::copy_n(from, weight.size(), to);
        for (const auto& [row, scale] : scales)
            for (Int i = row * width; i < (row + 1) * width; ++i) to[i] *= scale;
        weight = std::move(scaled);
    });
}

}  // namespace xgrad
