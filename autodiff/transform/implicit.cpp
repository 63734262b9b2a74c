#include "implicit.hpp"

#include <functional>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/capture.hpp"
#include "autodiff/core/precision.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/linalg.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad::detail {
namespace {

double largest(const Tensor& x) { return x.size() == 0 ? 0 : max(abs(x)).item(); }
double tolerance_of(const SolverOptions& options, DType dtype) {
    return options.tolerance > 0 ? options.tolerance : dtype == DType::f32 ? 1e-5 : 1e-12;
}
void check_start(const char* name, const Tensor& x0, const Tensor& y, Location where) {
    check<ShapeError>(y.shape() == x0.shape(), where, [&] {
        return std::string(name) + ": f(x) must have x's shape " + to_string(x0.shape()) + ", got " +
               to_string(y.shape());
    });
    check<DTypeError>(y.dtype() == x0.dtype(), where, [&] {
        return std::string(name) + ": f(x) must have x's dtype " + name_of(x0.dtype()) + ", got " + name_of(y.dtype());
    });
}

Tensor iterate(FunctionRef f, const Tensor& x0, const SolverOptions& options, Location where) {
    const double tolerance = tolerance_of(options, x0.dtype());
    const int most = options.max_iterations > 0 ? options.max_iterations : 1000;
    Tensor x = stop_gradient(x0);
    double change = 0;
    for (int i = 0; i < most; ++i) {
        const Tensor next = f({&x, 1});
        if (i == 0) check_start("fixed_point", x, next, where);
        change = largest(next - x);
        x = stop_gradient(next);
        if (!(change < 1e300)) break;  // with NaN or inf the iteration cannot converge
        if (change <= tolerance * (1 + largest(x))) return x;
    }
    throw Error(at("fixed_point: f must settle within " + std::to_string(most) + " iterations, got a last change of " +
                       PlainNumber(change).text(),
                   where));
}

/// Jᵀu of f at x.
Tensor transposed_product(FunctionRef f, const Tensor& x, const Tensor& u) { return vjp(f, {&x, 1}, u, {})[0]; }

Tensor square_jacobian(FunctionRef f, const Tensor& x) {
    return reshape(jacobian(f, {&x, 1}, {})[0], {x.size(), x.size()});
}

Tensor newton(FunctionRef f, const Tensor& x0, const SolverOptions& options, Location where) {
    const double tolerance = tolerance_of(options, x0.dtype());
    const int most = options.max_iterations > 0 ? options.max_iterations : 100;
    Tensor x = stop_gradient(x0), y = stop_gradient(f({&x, 1}));
    check_start("root", x, y, where);
    double residual = largest(y);
    for (int i = 0; i < most; ++i) {
        if (residual == 0) return x;
        const Tensor step = reshape(solve({square_jacobian(f, x), where}, reshape(y, {-1})), x.shape());
        double part = 1, left;
        Tensor next, there;
        for (;; part /= 2) {  // a step that does not help is halved
            next = stop_gradient(x - step * part);
            there = stop_gradient(f({&next, 1}));
            left = largest(there);
            if (left < residual || part < 1e-6) break;
        }
        const double moved = largest(step) * part;
        if (!(moved < 1e300) || !(left < 1e300)) break;
        const bool settled = moved <= tolerance * (1 + largest(next));
        if (left > residual && settled) return x;
        x = next;
        y = there;
        residual = left;
        if (settled) return x;
    }
    throw Error(at("root: Newton's method must converge within " + std::to_string(most) +
                       " iterations, got max|f(x)| = " + PlainNumber(residual).text(),
                   where));
}

/// A solution y(p) of an equation in x and p. Its pullback calls `adjoint` for the cotangent u of f(y, p) at fixed y,
/// then pulls u back through one run of f to everything that f used.
struct ImplicitFunction {
    using Adjoint = Tensor (*)(const ImplicitFunction& self, const Tensor& y, const Tensor& g);
    static constexpr const char* name = "implicit_function";
    static constexpr bool runs_once = true;
    static constexpr Saves saves{.outputs = 1};
    FunctionRef f;
    std::shared_ptr<const void> owner;
    SolverOptions options;
    Adjoint adjoint;
    Location where;
    Tensors used;
    mutable Tensor solution;
    Precision precision = current_precision();

    Tensor value(std::span<const Tensor>) const { return std::move(solution); }
    Tensors pullback(Tensor g, const Saved& s) const {
        const Autocast as_forward(precision);
        const Tensor &y = s.output(), u = adjoint(*this, y, g);
        return vjp_of_captures(used, {&u, 1}, where, [&] { return Tensors{f({&y, 1})}; });
    }
};

/// u = g + Jᵀu.
Tensor fixed_point_adjoint(const ImplicitFunction& self, const Tensor& y, const Tensor& g) {
    auto next = [f = self.f, owner = self.owner, y, g](std::span<const Tensor> u) {
        return g + transposed_product(f, y, u[0]);
    };
    const auto owned = std::make_shared<const decltype(next)>(std::move(next));
    return fixed_point(*owned, owned, g, self.options, self.where);
}

/// Jᵀu = -g.
Tensor root_adjoint(const ImplicitFunction& self, const Tensor& y, const Tensor& g) {
    const Tensor u = solve(transpose(square_jacobian(self.f, y)), reshape(-g, {-1}));
    return reshape(u, g.shape());
}

template <class Solve>
Tensor solution(const char* name, FunctionRef f, std::shared_ptr<const void> owner, const SolverOptions& options,
                ImplicitFunction::Adjoint adjoint, Location where, const Solve& solve_it) {
    if (!recording || !recording->active) return solve_it();
    const Tensor y = [&] {
        const NoRecording pause;
        return solve_it();
    }();
    Tensors used;
    run_unrecorded(used, [&] { return f({&y, 1}); });  // collects what the solution depends on
    return apply(ImplicitFunction{f, std::move(owner), options, adjoint, where, used, y}, std::span<const Tensor>(used),
                 where, name);
}

}  // namespace

Tensor fixed_point(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0, const SolverOptions& options,
                   Location where) {
    return solution("fixed_point", f, std::move(owner), options, &fixed_point_adjoint, where,
                    [&] { return iterate(f, x0, options, where); });
}

Tensor root(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0, const SolverOptions& options,
            Location where) {
    return solution("root", f, std::move(owner), options, &root_adjoint, where,
                    [&] { return newton(f, x0, options, where); });
}

}  // namespace xgrad::detail
