#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "module.hpp"

// A model as named tensors: saving its state and loading it back.

namespace xgrad::nn {

/// Named tensors in order: PyTorch's state_dict.
using State = std::vector<std::pair<std::string, Tensor>>;

/// The tensor of that name, or nullptr.
XGRAD_API const Tensor* find(const State& state, std::string_view name);

/// What did not fit in load_state_dict.
struct LoadReport {
    std::vector<std::string> missing;     ///< in the model, not in the state: left unchanged
    std::vector<std::string> unexpected;  ///< in the state, not in the model: ignored
    std::vector<std::string> mismatched;  ///< with a different shape, "fc1.weight: (256, 784) in the model, (128, 784)
                                          ///< in the state": left unchanged
    bool ok() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
    /// The whole report as human-readable lines; "" when everything fits.
    XGRAD_API std::string message() const;
};
struct LoadOptions {
    bool strict = true;  ///< false: load what fits, and report the rest
    std::string prefix =
        {};  ///< load only the names that begin with this prefix, and strip it: "backbone."; other names are ignored
    /// Prefixes of names (after `prefix` is stripped) and their replacements in the model: {{"module.", ""}, {"fc.",
    /// "head."}}. The first one that matches a name is applied.
    std::vector<std::pair<std::string, std::string>> rename = {};
};

namespace detail {
XGRAD_API State state_dict(ModelRef model);
XGRAD_API State random_state(ModelRef model);
}  // namespace detail

/// Parameters and buffers of a model by name, as constants: a tensor that is reached under several names appears under
/// each, as in PyTorch.
template <class M>
State state_dict(const M& model) {
    return detail::state_dict(detail::readable(model));
}
/// Sets parameters and buffers to the state's values, converted to the model's own f32 or f64. ValueError, listing
/// every problem, unless all names and shapes fit, or when two names in the state map to the same name in the model;
/// DTypeError for integers where floating numbers are expected, and vice versa. On an error nothing has changed. If a
/// tensor has several names, one of them is enough.
///
///     nn::load_state_dict(net.encoder, pretrained, {.prefix = "model.encoder."});  // a part of the state
///     LoadReport report = nn::load_state_dict(net, pretrained, {.strict = false, .rename = {{"fc.", "head."}}});
///     std::cout << report.message();                                               // what fits, and what does not
XGRAD_API LoadReport load_state_dict(ModelRef model, const State& state, const LoadOptions& options = {},
                                     Location where = Location::current());

/// The positions of the random streams of a model's layers (dropout and similar), by the layers' names: what a custom
/// training loop saves in addition to the model's and the optimizer's state, so that a resumed run continues with the
/// numbers it would have drawn. default_generator() is not part of it.
///
///     nn::save_safetensors("random.safetensors", nn::random_state(net));
///     nn::load_random_state(net, nn::read_safetensors("random.safetensors"));
template <class M>
State random_state(const M& model) {
    return detail::random_state(detail::readable(model));
}
/// Sets the streams back to these positions. ValueError when one of the model's streams is missing from `state`, or
/// `state` has one that is not in the model; nothing has changed then.
XGRAD_API void load_random_state(ModelRef model, const State& state, Location where = Location::current());

/// Freezes (or unfreezes) the parameters whose names match a pattern such as "encoder.*", and returns their number.
/// Frozen parameters receive no gradient, and the backward pass does no work for them. ValueError when no name matches.
XGRAD_API std::size_t freeze(ModelRef model, std::string_view pattern, bool frozen = true,
                             Location where = Location::current());

}  // namespace xgrad::nn
