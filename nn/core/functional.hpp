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

// A model as a value of its parameters: called, or copied, with given tensors in their places. Gradients flow to these
// tensors, whatever they are: watched, computed by a step of an optimizer inside, slices of vmap.
//
//     State fast = …;                                                          // "fc1.weight" and so on
//     Tensor y = nn::functional_call(net, fast, x);                              // net itself is not changed
//     Net step = nn::unravel(net, nn::ravel(net) - 0.1 * nn::ravel(gradient));  // a model on the outer tape

namespace xgrad::nn {

namespace detail {

/// What a Substitution holds. Leaves and everything are what the functions of these names below give.
struct Substitutes {
    enum class By { name, order, leaves, everything } by = By::name;
    State named = {};
    Tensors tensors = {};
};

}  // namespace detail

/// The tensors that stand for a model's parameters: by name (a State, a map, `{{"fc1.weight", w}}`) any parameters and
/// buffers, or without names all parameters in the order of nn::parameters.
class Substitution {
public:
    Substitution(Location where = Location::current()) : where_(where) {}  ///< `{}`, nothing: the model as it is
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

/// A model or a struct, not a tensor nor a plain list of them, which the transforms of tensors take.
template <class M>
concept Structured =
    !std::is_convertible_v<const M&, const Tensor&> && !std::is_same_v<M, Tensors> && !std::is_same_v<M, ModelRef> &&
    !cannot_hold_parameters<M>() && (Module<M> || Range<M> || TupleLike<M> || PointerLike<M>);

/// What a structured argument is differentiated by, with its derivatives: its floating parameters or, when it has none,
/// its floating tensors. Each once, in the order of the fields.
XGRAD_API Tensors leaves(ModelRef argument);
/// All its parameters, then all its buffers.
XGRAD_API Tensors everything(ModelRef argument);

/// Puts the tensors into `copy`, a copy of `original`; what is not given is `original`'s. ValueError when the two share
/// a parameter.
XGRAD_API void fill(const char* name, ModelRef copy, ModelRef original, const Substitution& given);
/// The same for gradients in the places of the leaves: other floating tensors become zeros.
XGRAD_API void fill_gradients(const char* name, ModelRef copy, ModelRef original, Tensors gradients, Location where);

/// The leaves in one row, and a row taken apart into tensors of the leaves' shapes.
XGRAD_API Tensor ravel(const char* name, ModelRef model, Location where);
XGRAD_API Tensors unravel(const char* name, ModelRef like, const Tensor& row, Location where);

/// Everything of the models, each stacked along a new leading axis. ValueError for no model, or for other structures.
XGRAD_API Tensors stacked(const std::vector<ModelRef>& models, Location where);

/// While one lives, a filled copy is called in the place of the original: both draw from the same random streams, and
/// what the call changes (running statistics) is changed in the original, as far as it is the original's. A frozen
/// parameter takes no leaf: it stays a constant.
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
/// What happens to `original` is said at Call.
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

/// net(xs…) with the given tensors in the places of its parameters, and of the buffers that are named; whatever is not
/// named is net's own, and gets its gradient as in net(xs…). A constant that is given is a constant for every tape.
/// Otherwise it is a call of net: it draws from net's random streams and moves the running statistics that were not
/// given.
///
/// It calls a copy of the model (handles, not numbers), so any number of threads may do so with one model. ValueError
/// for an unknown name, another number of tensors, or a model whose copy shares a layer with it through a smart
/// pointer; ShapeError and DTypeError for a tensor that is not like the parameter. (PyTorch's
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

/// A copy of the model with the given tensors in the places of its parameters and of named buffers; errors as
/// functional_call. Parameters are bound (Parameter::bind) to tensors that a tape records, so derivatives go through
/// the copy as long as that tape lives; given constants they are ordinary ones.
template <class M>
    requires detail::Structured<M>
M with_parameters(const M& net, const Substitution& given) {
    M copy = net;
    detail::fill("with_parameters", copy, detail::readable(net), given);
    return copy;
}

/// The floating parameters of a model in one row (n), in the order of nn::parameters, each in row-major order; of a
/// struct without parameters its floating tensors. Differentiable; frozen parameters are in it as constants. DTypeError
/// unless all have one dtype. (JAX's ravel_pytree.)
template <class M>
    requires detail::Structured<M>
Tensor ravel(const M& net, Location where = Location::current()) {
    return detail::ravel("nn::ravel", detail::readable(net), where);
}

/// The inverse: a copy of the model with its parameters taken from such a row, as with_parameters. ShapeError unless it
/// is (n).
template <class M>
    requires detail::Structured<M>
M unravel(const M& net, const Tensor& row, Location where = Location::current()) {
    M copy = net;
    Tensors leaves = detail::unravel("nn::unravel", detail::readable(net), row, where);
    detail::fill("nn::unravel", copy, detail::readable(net),
                 {{detail::Substitutes::By::leaves, {}, std::move(leaves)}, where});
    return copy;
}

/// Models of one structure as one whose tensors have a leading axis of models: what vmap takes apart. ValueError for
/// none, or for other structures.
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
