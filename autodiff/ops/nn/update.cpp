#include "autodiff/core/detail/composition.hpp"
#include "update.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/shape/detail/indices.hpp"

namespace xgrad {

using namespace detail;

namespace {

void check_like(const Tensor& weight, const Tensor* other, const char* what) {
    check<ValueError>(other && other->defined(), {}, [&] {
        return std::string("update_parameters: ") + what + " must be a tensor, got an empty one";
    });
    check<ShapeError>(other->shape() == weight.shape(), {}, [&] {
        return std::string("update_parameters: ") + what + " must have the weight's shape, got " +
               to_string(other->shape()) + " and " + to_string(weight.shape());
    });
    check_same_dtype(weight, *other, "update_parameters", {}, what);
}

void check_weight(const Tensor* weight, const char* name) {
    check<ValueError>(weight && weight->defined(), {},
                      [&] { return std::string(name) + ": the weight must be a tensor, got an empty one"; });
    check_floating(*weight, name, {});
}

void check_update(const ParameterUpdate& u) {
    check_weight(u.weight, "update_parameters");
    check_like(*u.weight, u.gradient, "the gradient");
    for (unsigned k = 0; k < 3; ++k)
        if (u.rule.states() >> k & 1) check_like(*u.weight, u.states[k], "the state");
}

/// The destination of the new value: the old one's buffer if no other handle holds it.
Tensor target(const Tensor& old) {
    return TensorAccess::unique(old) ? TensorAccess::constant(old) : empty(old.shape(), old.dtype());
}

/// A parameter with the buffers for its new values: the old buffers if no other handle holds them.
struct Ready {
    const ParameterUpdate* update;
    kernels::UpdateBuffers buffers{};
    kernels::UpdateKernel kernel;
    Tensor weight;
    std::array<Tensor, 3> states;

    explicit Ready(const ParameterUpdate& u) : update(&u) {
        const auto& table = kernels::active().update;
        kernel = (u.weight->dtype() == DType::f32 ? table.f32 : table.f64)[u.rule.id()];
        buffers.gradient = TensorAccess::data(*u.gradient);
        buffers.weight = TensorAccess::data(*u.weight);
        weight = target(*u.weight);
        buffers.new_weight = TensorAccess::data(weight);
        for (unsigned k = 0; k < 3; ++k)
            if (u.rule.states() >> k & 1) {
                buffers.state[k] = TensorAccess::data(*u.states[k]);
                states[k] = target(*u.states[k]);
                buffers.new_state[k] = TensorAccess::data(states[k]);
            }
    }
    void run(Int begin, Int end) const { kernel(update->rule.constants(), buffers, begin, end); }
    void finish() {
        *update->weight = std::move(weight);
        for (unsigned k = 0; k < 3; ++k)
            if (update->rule.states() >> k & 1) *update->states[k] = std::move(states[k]);
    }
};

struct Piece {
    const Ready* ready;
    Int begin, end;
};

}  // namespace

void update_parameters(std::span<const ParameterUpdate> updates) {
    Int total = 0;
    for (const ParameterUpdate& u : updates) {
        check_update(u);
        total += u.weight->size();
    }
    if (threads_for(total, total) == 1) {
        for (const ParameterUpdate& u : updates) {
            Ready ready(u);
            ready.run(0, u.weight->size());
            ready.finish();
        }
        return;
    }
    constexpr Int most = 16384;  // elements that a thread works on at a time
    std::vector<Ready> ready;
    std::vector<Piece> pieces;
    ready.reserve(updates.size());
    for (const ParameterUpdate& u : updates) {
        ready.emplace_back(u);
        for (Int n = u.weight->size(), i = 0; i < n; i += most)
            pieces.push_back({&ready.back(), i, std::min(n, i + most)});
    }
    parallel_for(static_cast<Int>(pieces.size()), total, [&](Int begin, Int end) {
        for (const Piece& p :
             std::span(pieces).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)))
            p.ready->run(p.begin, p.end);
    });
    for (Ready& r : ready) r.finish();
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
    composed("renorm_rows", where, [&] { check_weight(&weight, "renorm_rows"); });
    check<ShapeError>(weight.ndim() == 2, where, [&] {
        return "renorm_rows: the weight must have 2 axes, got shape " + to_string(weight.shape());
    });
    check<ValueError>(p > 0, where, [&] { return "renorm_rows: p must be positive, got " + PlainNumber(p).text(); });
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
