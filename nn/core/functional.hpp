#pragma once

#include <concepts>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <autodiff/transform/transforms.hpp>

#include "module.hpp"
#include "state.hpp"

// A model as a function of its parameters: called, or copied, with the given tensors in place of its own. Gradients
// flow to these tensors, wherever they come from: watched tensors, the result of an inner optimizer step, slices of
// vmap.
//
//     State fast = …;                                                          // "fc1.weight" and so on
//     Tensor y = nn::functional_call(net, fast, x);                              // net itself is not changed
//     Net step = nn::unravel(net, nn::ravel(net) - 0.1 * nn::ravel(gradient));  // a model on the outer tape

namespace xgrad::nn {

namespace detail {

/// What a Substitution holds. `leaves` and `everything` are the tensors that the functions of these names below return.
struct Substitutes {
    enum class By { name, order, leaves, everything } by = By::name;
    State named = {};
    Tensors tensors = {};
};

}  // namespace detail

/// The tensors that replace a model's parameters: either by name (a State, a map, `{{"fc1.weight", w}}`), any
/// parameters and buffers; or without names, all parameters in the order of nn::parameters.
class Substitution {
public:
    Substitution(Location where = Location::current()) : where_(where) {}  ///< `{}`: replaces nothing
    Substitution(State named, Location where = Location::current())
        : given_{.named = std::move(named)}, where_(where) {}
    Substitution(const std::map<std::string, Tensor>& named, Location where = Location::current())
        : Substitution(State(named.begin(), named.end()), where) {}
    Substitution(std::initializer_list<std::pair<std::string, Tensor>> named, Location where = Location::current())
        : Substitution(State(named.begin(), named.end()), where) {}
    Substitution(Tensors ordered, Location where = Location::current())
        : Substitution(detail::Substitutes{detail::Substitutes::By::order, {}, std::move(ordered)}, where) {}
    Substitution(std::initializer_list<Tensor> ordered, Location where = Location::current())
        : Substitution(Tensors(ordered), where) {}
    template <class P>
    Substitution(const ParameterList<P>& ordered, Location where = Location::current())
        : Substitution(Tensors(ordered), where) {}
    Substitution(detail::Substitutes given, Location where) : given_(std::move(given)), where_(where) {}

    const detail::Substitutes& given() const { return given_; }
    Location where() const { return where_; }

private:
    detail::Substitutes given_;
    Location where_;
};

namespace detail {

/// A model or a struct; not a tensor or a plain list of tensors, which the tensor transforms take.
template <class M>
concept Structured =
    !std::is_convertible_v<const M&, const Tensor&> && !std::is_same_v<M, Tensors> && !std::is_same_v<M, ModelRef> &&
    !cannot_hold_parameters<M>() && (Module<M> || Range<M> || TupleLike<M> || PointerLike<M>);

/// The tensors that a structured argument is differentiated with respect to: its floating parameters or, when it has
/// none, its floating tensors. Each appears once, in the order of the fields.
XGRAD_API Tensors leaves(ModelRef argument);
/// All of the argument's parameters, then all its buffers.
XGRAD_API Tensors everything(ModelRef argument);

/// Puts the tensors into `copy`, a copy of `original`; a tensor that is not given is taken from `original`. ValueError
/// when the two share a parameter.
XGRAD_API void fill(const char* name, ModelRef copy, ModelRef original, const Substitution& given);
/// The same for gradients in place of the leaves: other floating tensors become zeros.
XGRAD_API void fill_gradients(const char* name, ModelRef copy, ModelRef original, Tensors gradients, Location where);

/// The leaves flattened into one vector, and such a vector split into tensors of the leaves' shapes.
XGRAD_API Tensor ravel(const char* name, ModelRef model, Location where);
XGRAD_API Tensors unravel(const char* name, ModelRef like, const Tensor& row, Location where);

/// All tensors of the models, each stacked along a new leading axis. ValueError when there is no model, or when their
/// structures differ.
XGRAD_API Tensors stacked(const std::vector<ModelRef>& models, Location where);

/// While a Call lives, a filled copy is called instead of the original: both draw from the same random streams, and
/// whatever the call changes (running statistics) is changed in the original too, unless it was substituted. A frozen
/// parameter is not replaced by a leaf: it stays a constant.
class XGRAD_API Call {
public:
    Call(const char* name, ModelRef copy, ModelRef original, const Substitution& given);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// f(model, xs…) for a copy of `argument` filled with `given`. The copy lives as long as tapes need what f recorded.
/// See Call for the effect on `original`.
template <class M, class F, class... X>
auto call_as(const char* name, const M& argument, const M& original, const Substitution& given, const F& f, X&&... xs) {
    static_assert(std::is_copy_constructible_v<M>,
                  "xgrad: a model whose parameters are given is called as a copy, so it must be copyable");
    auto copy = std::make_shared<M>(argument);
    const Call call(name, *copy, readable(original), given);
    xgrad::detail::keep_for_tapes(copy);
    return f(std::as_const(*copy), std::forward<X>(xs)...);
}

}  // namespace detail

/// net(xs…) with the given tensors in place of its parameters, and of the buffers that are named. Whatever is not named
/// is net's own, and receives its gradient as in net(xs…). A constant that is given is a constant for every tape.
/// Otherwise it is a call of net: it draws from net's random streams and updates the running statistics that were not
/// given.
///
/// It calls a copy of the model (handles, not numbers), so any number of threads may do this with one model. ValueError
/// for an unknown name, a wrong number of tensors, or a model whose copy shares a layer with it through a smart
/// pointer; ShapeError and DTypeError for a tensor whose shape or dtype differs from the parameter's. (PyTorch's
/// torch.func.functional_call.)
template <class M, class... X>
    requires detail::Structured<M>
auto functional_call(const M& net, const Substitution& given, X&&... xs) {
    const auto call = [&given](const M& model, auto&&... x) {
        if constexpr (std::is_invocable_v<const M&, decltype(x)..., Location>)
            return model(std::forward<decltype(x)>(x)..., given.where());
        else return model(std::forward<decltype(x)>(x)...);
    };
    return detail::call_as("functional_call", net, net, given, call, std::forward<X>(xs)...);
}

/// A copy of the model with the given tensors in place of its parameters and of named buffers; errors as for
/// functional_call. Parameters are bound (Parameter::bind) to tensors that a tape records, so derivatives go through
/// the copy as long as that tape lives; if constants are given, they are ordinary parameters.
template <class M>
    requires detail::Structured<M>
M with_parameters(const M& net, const Substitution& given) {
    M copy = net;
    detail::fill("with_parameters", copy, detail::readable(net), given);
    return copy;
}

/// The floating parameters of a model flattened into one vector (n), in the order of nn::parameters, each in row-major
/// order; for a struct without parameters, its floating tensors. Differentiable; frozen parameters are included as
/// constants. DTypeError unless all have one dtype. (JAX's ravel_pytree.)
template <class M>
    requires detail::Structured<M>
Tensor ravel(const M& net, Location where = Location::current()) {
    return detail::ravel("nn::ravel", detail::readable(net), where);
}

/// The inverse: a copy of the model with its parameters taken from such a vector, as in with_parameters. ShapeError
/// unless its shape is (n).
template <class M>
    requires detail::Structured<M>
M unravel(const M& net, const Tensor& row, Location where = Location::current()) {
    M copy = net;
    Tensors leaves = detail::unravel("nn::unravel", detail::readable(net), row, where);
    detail::fill("nn::unravel", copy, detail::readable(net),
                 {{detail::Substitutes::By::leaves, {}, std::move(leaves)}, where});
    return copy;
}

/// Combines models of one structure into a single model whose tensors have a leading axis of models, ready for vmap.
/// ValueError when there is no model, or when their structures differ.
template <class M>
    requires detail::Structured<M>
M stack(const std::vector<M>& models, Location where = Location::current()) {
    std::vector<ModelRef> each;
    for (const M& model : models) each.push_back(detail::readable(model));
    Tensors stacked = detail::stacked(each, where);
    M result = models[0];
    detail::fill("nn::stack", result, detail::readable(models[0]),
                 {{detail::Substitutes::By::everything, {}, std::move(stacked)}, where});
    return result;
}

}  // namespace xgrad::nn
