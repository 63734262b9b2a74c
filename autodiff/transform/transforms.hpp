#pragma once

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/tape.hpp"

// Functions of functions. f is any callable that takes tensors (or one vector of tensors) and returns a Tensor. All of
// them nest freely.

namespace xgrad {

namespace detail {

template <class F, class... X>
auto value_and_grad_of(F&& f, Location where, const X&... xs) {
    Tape tape({.watch_parameters = false});
    std::vector<Tensor> watched{tape.watch(xs, where)...};
    Tensor y = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return f(std::as_const(watched[I])...);
    }(std::index_sequence_for<X...>{});
    std::vector<Tensor> gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros}, where);
    return std::pair{std::move(y), std::move(gradients)};
}

/// A callable by reference; a plain function has no address as an object.
class Callee {
public:
    template <class F>
    explicit Callee(const F& f) {
        if constexpr (std::is_function_v<F>) function_ = reinterpret_cast<void (*)()>(&f);
        else object_ = &f;
    }
    template <class F>
    const F& get() const {
        if constexpr (std::is_function_v<F>) return *reinterpret_cast<F*>(function_);
        else return *static_cast<const F*>(object_);
    }

private:
    union {
        const void* object_;
        void (*function_)();
    };
};

/// A function of tensors by reference: what the part of the transforms works with that is no template.
class FunctionRef {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
    FunctionRef(const F& f)
        : callee_(f), call_([](const Callee& callee, std::span<const Tensor> xs) -> Tensor {
              return call(callee.get<F>(), "function", xs);
          }) {}
    Tensor operator()(std::span<const Tensor> xs) const { return call_(callee_, xs); }

private:
    Callee callee_;
    Tensor (*call_)(const Callee&, std::span<const Tensor>);
};

/// The same for a function that returns one tensor or several (a vector, array, tuple or pair of them).
class FunctionsRef {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionsRef>)
    FunctionsRef(const F& f)
        : callee_(f), call_([](const Callee& callee, std::span<const Tensor> xs) -> Tensors {
              return as_tensors(callee.get<F>()(xs));
          }) {}
    Tensors operator()(std::span<const Tensor> xs) const { return call_(callee_, xs); }

    static Tensors as_tensors(const Tensor& y) { return {y}; }
    static Tensors as_tensors(Tensors ys) { return ys; }
    template <class Results>
    static Tensors as_tensors(const Results& ys) {
        return std::apply([](const auto&... each) { return Tensors{each...}; }, ys);
    }

private:
    Callee callee_;
    Tensors (*call_)(const Callee&, std::span<const Tensor>);
};

/// `ys` in the form in which a function returned them: R.
template <class R>
R as_result(Tensors ys) {
    if constexpr (std::is_convertible_v<R, Tensor>) return std::move(ys[0]);
    else if constexpr (std::is_same_v<R, Tensors>) return ys;
    else
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return R{std::move(ys[I])...};
        }(std::make_index_sequence<std::tuple_size_v<R>>{});
}

/// f with its one argument spelled out, so that a generic lambda is never asked whether it takes a vector.
template <class F>
auto unary(const F& f) {
    return [&f](const Tensor& x) -> Tensor { return f(x); };
}

/// What keeps a function, and gives it when called: by reference if it is a model with a name, else a copy.
template <class F>
auto held(F&& f) {
    using Function = std::remove_cvref_t<F>;
    if constexpr (std::is_lvalue_reference_v<F> && requires { &Function::xgrad_visit; })
        return [&f]() -> const Function& { return f; };
    else return [f = std::decay_t<F>(std::forward<F>(f))]() -> const auto& { return f; };
}

XGRAD_API Tensors vjp(FunctionRef f, std::span<const Tensor> xs, const Tensor& u, Location where);
XGRAD_API Tensor jvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where);
XGRAD_API Tensors jacobian(FunctionRef f, std::span<const Tensor> xs, Location where);
XGRAD_API std::vector<Tensors> hessian(FunctionRef f, std::span<const Tensor> xs, Location where);
XGRAD_API Tensors hvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where);
XGRAD_API Tensors vmap(FunctionsRef f, std::span<const Tensor> xs);
XGRAD_API Tensors checkpoint(FunctionsRef f, std::shared_ptr<const void> owner, std::span<const Tensor> xs);

/// The tapes that record now keep `owner` until their gradients are done with what is recorded from here on.
XGRAD_API void keep_for_tapes(std::shared_ptr<const void> owner);
/// Whether the tape opened last records `y`: whether y depends on what that tape watches.
XGRAD_API bool recorded_by_innermost(const Tensor& y);

}  // namespace detail

/// f(x) and its gradient: a pair (value, gradient of x's shape). f must return one element (ShapeError). With several
/// arguments the second is a tuple of gradients; for a vector argument, a vector. Zeros where f does not depend on an
/// argument.
template <class F>
std::pair<Tensor, Tensor> value_and_grad(F&& f, const Tensor& x, Location where = Location::current()) {
    auto [y, gradients] = detail::value_and_grad_of(f, where, x);
    return {std::move(y), std::move(gradients[0])};
}
template <class F, class... X>
    requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Tensor&> && ...))
auto value_and_grad(F&& f, const Tensor& x, const X&... xs) {
    auto result = detail::value_and_grad_of(f, Location(), x, static_cast<const Tensor&>(xs)...);
    auto gradients = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple{std::move(result.second[I])...};
    };
    return std::pair{std::move(result.first), gradients(std::make_index_sequence<sizeof...(X) + 1>{})};
}
template <class F>
std::pair<Tensor, Tensors> value_and_grad(F&& f, const Tensors& xs, Location where = Location::current()) {
    Tape tape({.watch_parameters = false});
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x, where));
    Tensor y = f(std::as_const(watched));
    Tensors gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros}, where);
    return {std::move(y), std::move(gradients)};
}

/// The gradient of f at x, as value_and_grad's second part.
template <class F>
Tensor grad(F&& f, const Tensor& x, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), x, where).second;
}
template <class F>
Tensors grad(F&& f, const Tensors& xs, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), xs, where).second;
}
template <class F, class... X>
    requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Tensor&> && ...))
auto grad(F&& f, const Tensor& x, const X&... xs) {
    return value_and_grad(std::forward<F>(f), x, xs...).second;
}

// f may be a plain function, too. In what follows one of several arguments is given a vector of them, {x, y}, and takes
// them one by one (up to six) or as one const Tensors&; directions come as a vector too, and so do results that there
// are one of for each argument.

/// uᵀ·J for the Jacobian J of f at x: the gradient of sum(u * f(x)); u has f(x)'s shape, the result x's.
template <class F>
Tensor vjp(const F& f, const Tensor& x, const Tensor& u, Location where = Location::current()) {
    return detail::vjp(detail::unary(f), {&x, 1}, u, where)[0];
}
template <class F>
Tensors vjp(const F& f, const Tensors& xs, const Tensor& u, Location where = Location::current()) {
    return detail::vjp(f, xs, u, where);
}
/// J·v: the derivative of f at x in direction v; v has x's shape, the result f(x)'s. Forward mode, derived from the
/// pullbacks: a pullback is linear in its cotangent, so its own transpose is the JVP. Several arguments: the sum over
/// them of J_i·v_i.
template <class F>
Tensor jvp(const F& f, const Tensor& x, const Tensor& v, Location where = Location::current()) {
    return detail::jvp(detail::unary(f), {&x, 1}, {&v, 1}, where);
}
template <class F>
Tensor jvp(const F& f, const Tensors& xs, const Tensors& vs, Location where = Location::current()) {
    return detail::jvp(f, xs, vs, where);
}
/// All derivatives of f at x: shape (f(x)'s axes…, x's axes…). Rows by reverse mode or columns by forward mode,
/// whichever are fewer.
template <class F>
Tensor jacobian(const F& f, const Tensor& x, Location where = Location::current()) {
    return detail::jacobian(detail::unary(f), {&x, 1}, where)[0];
}
template <class F>
Tensors jacobian(const F& f, const Tensors& xs, Location where = Location::current()) {
    return detail::jacobian(f, xs, where);
}
/// Second derivatives of a one-element f: shape (x's axes…, x's axes…). Several arguments: the blocks [i][j], shape
/// (x_i's axes…, x_j's axes…).
template <class F>
Tensor hessian(const F& f, const Tensor& x, Location where = Location::current()) {
    return detail::hessian(detail::unary(f), {&x, 1}, where)[0][0];
}
template <class F>
std::vector<Tensors> hessian(const F& f, const Tensors& xs, Location where = Location::current()) {
    return detail::hessian(f, xs, where);
}
/// The Hessian of f at x times v, without forming it; v and the result have x's shape.
template <class F>
Tensor hvp(const F& f, const Tensor& x, const Tensor& v, Location where = Location::current()) {
    return detail::hvp(detail::unary(f), {&x, 1}, {&v, 1}, where)[0];
}
template <class F>
Tensors hvp(const F& f, const Tensors& xs, const Tensors& vs, Location where = Location::current()) {
    return detail::hvp(f, xs, vs, where);
}

/// f applied to each slice along the leading axis of the arguments, results stacked along a new leading axis. f may
/// return several tensors (an array, pair, tuple or vector of them): then each is stacked. ShapeError unless all
/// arguments have the same first size.
///
/// It runs f once for each slice: an operation costs about 0.1 us here, so that batching rules would gain little on
/// what is large enough to matter, and every function works. Write the batch into the operations themselves (matmul,
/// broadcasting) where each slice is tiny.
template <class F, class... X>
auto vmap(const F& f, const X&... xs) {
    const Tensor inputs[] = {static_cast<const Tensor&>(xs)...};
    const auto spread = [&f](std::span<const Tensor> in) {
        return
            [&]<std::size_t... I>(std::index_sequence<I...>) { return f(in[I]...); }(std::index_sequence_for<X...>{});
    };
    return detail::as_result<decltype(spread({}))>(detail::vmap(spread, inputs));
}

/// The gradient with respect to `parameters` for each sample: loss(parameters, x_i…) must be one element for the i-th
/// slices x_i along the leading axis of `batch`. Results have a leading axis of samples: (n, parameter's axes…). For a
/// vector of parameters, a vector.
template <class F, class P, class... X>
auto per_sample_grad(const F& loss, const P& parameters, const X&... batch) {
    const auto one = [&](const auto&... x) { return grad([&](const auto& p) { return loss(p, x...); }, parameters); };
    return vmap(one, batch...);
}

/// f(xs…), keeping only its inputs: what happens inside is computed again when the gradient needs it, random numbers
/// included: the same are drawn again. Tensors and parameters that f uses beside its arguments get their gradients too.
/// f may return several tensors (an array, pair, tuple or vector of them). A lambda is kept as a copy; a model (with
/// XGRAD_FIELDS) that has a name is used where it stands, because its parameters are: it must outlive the tape.
/// Parameters and modes (train, eval) must not change before the gradient is taken. A checkpoint opens a tape, and at
/// most 64 may be open on a thread: that many can stand inside each other, less the tapes around them.
template <class F, class... X>
auto checkpoint(F&& function, const X&... xs) {
    const std::array<Tensor, sizeof...(X)> inputs{static_cast<const Tensor&>(xs)...};
    auto spread = [f = detail::held(std::forward<F>(function))]([[maybe_unused]] std::span<const Tensor> in) {
        return
            [&]<std::size_t... I>(std::index_sequence<I...>) { return f()(in[I]...); }(std::index_sequence_for<X...>{});
    };
    using R = decltype(spread({}));
    auto owned = std::make_shared<const decltype(spread)>(std::move(spread));
    return detail::as_result<R>(detail::checkpoint(*owned, owned, inputs));
}

}  // namespace xgrad
