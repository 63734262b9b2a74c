#pragma once

#include <type_traits>
#include <utility>

#include <autodiff/inspect.hpp>
#include <autodiff/tape.hpp>

#include "module.hpp"

// Gradients with respect to structured arguments: a model, or any struct whose fields XGRAD_FIELDS names. And models on a tape's picture.

namespace xgrad::nn {

namespace detail {

/// What a structured argument is differentiated by: its parameters; or, when it has none, its f32 and f64 tensors, which `tape` then watches.
XGRAD_API std::vector<Tensor> sources(ModelRef argument, Tape& tape);
/// Puts gradients in the places of those sources in `result`, a copy of `argument`, and zeros in those of all other f32 and f64 tensors.
/// ValueError when the two share a parameter; TapeError when an outer tape would have to differentiate the gradients again.
XGRAD_API void put_gradients(ModelRef result, ModelRef argument, const std::vector<Tensor>& gradients, Location where);

}  // namespace detail

/// f(argument), one element, and its gradient, which has the argument's own type: each parameter holds the derivative with respect to it, a
/// buffer zeros.
///
///     auto [loss, g] = nn::value_and_grad([&](const Net& net) { return nn::cross_entropy(net(x), y); }, net);   // g.fc1.weight
///     struct State { Tensor position, velocity; XGRAD_FIELDS(position, velocity) };                             // or tensors alone
///
/// A struct without parameters is differentiated by its tensors; f gets a copy of it then. Zeros where f does not depend on a field. For
/// gradients of gradients of a model take tapes: a parameter does not carry a derivative (TapeError). ValueError for a model whose copy shares
/// a layer with it through a smart pointer.
template <class F, class M>
std::pair<Tensor, M> value_and_grad(F&& f, const M& argument, Location where = Location::current()) {
    M result = argument;  // with parameters of its own
    const bool learns = !detail::parameters(detail::readable(argument)).empty();
    Tape tape;
    const std::vector<Tensor> sources = detail::sources(learns ? detail::readable(argument) : ModelRef(result), tape);
    Tensor y = learns ? f(argument) : f(std::as_const(result));
    detail::put_gradients(result, detail::readable(argument), tape.gradient(y, sources, {.unconnected = Unconnected::zeros}, where), where);
    return {std::move(y), std::move(result)};
}
/// The gradient alone.
template <class F, class M>
M grad(F&& f, const M& argument, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), argument, where).second;
}

/// xgrad::to_dot with the names of the model's parameters; what uses them is drawn inside boxes of their layers' names.
XGRAD_API std::string to_dot(const Tape& tape, ModelRef model, std::size_t max_entries = 400);

}  // namespace xgrad::nn
