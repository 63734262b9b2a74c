#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "module.hpp"

// A model as named tensors, and back.

namespace xgrad::nn {

/// Named tensors in order: PyTorch's state_dict.
using State = std::vector<std::pair<std::string, Tensor>>;

/// The tensor of that name, or nullptr.
XGRAD_API const Tensor* find(const State& state, std::string_view name);

/// What did not fit in load_state_dict.
struct LoadReport {
    std::vector<std::string> missing;     ///< in the model, not in the state: left as they were
    std::vector<std::string> unexpected;  ///< in the state, not in the model: passed over
    std::vector<std::string> mismatched;  ///< of another shape, "fc1.weight: (256, 784) in the model, (128, 784) in the
                                          ///< state": left as they were
    bool ok() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
    /// All of it in lines for people; "" when everything fits.
    XGRAD_API std::string message() const;
};
struct LoadOptions {
    bool strict = true;  ///< false: load what fits, and report the rest
    std::string prefix =
        {};  ///< take only names that begin so, without that beginning: "backbone."; the others do not count
    /// Beginnings of names (behind the prefix) and what stands there in the model: {{"module.", ""}, {"fc.", "head."}}.
    /// The first that fits a name is applied.
    std::vector<std::pair<std::string, std::string>> rename = {};
};

namespace detail {
XGRAD_API State state_dict(ModelRef model);
XGRAD_API State random_state(ModelRef model);
}  // namespace detail

/// Parameters and buffers of a model by name, as constants: a tensor that is reached by several names has all of them,
/// as in PyTorch.
template <class M>
State state_dict(const M& model) {
    return detail::state_dict(detail::readable(model));
}
/// Gives parameters and buffers the state's values, converted to the model's own f32 or f64. ValueError that lists
/// everything unless all names and shapes fit, or when two of the state's names mean the same one of the model;
/// DTypeError for integers where floating numbers are wanted, and the other way round. Nothing has changed then. Of a
/// tensor with several names one is enough.
///
///     nn::load_state_dict(net.encoder, pretrained, {.prefix = "model.encoder."});  // a part of the state
///     LoadReport report = nn::load_state_dict(net, pretrained, {.strict = false, .rename = {{"fc.", "head."}}});
///     std::cout << report.message();                                               // what fits, and what does not
XGRAD_API LoadReport load_state_dict(ModelRef model, const State& state, const LoadOptions& options = {},
                                     Location where = Location::current());

/// Where the random streams of a model's layers (dropout and its like) stand, by the layers' names: what a loop of
/// one's own saves beside the state and the optimizer's, so that a run goes on with the numbers that it would have
/// drawn. default_generator() is not part of it.
///
///     nn::save_safetensors("random.safetensors", nn::random_state(net));
///     nn::load_random_state(net, nn::read_safetensors("random.safetensors"));
template <class M>
State random_state(const M& model) {
    return detail::random_state(detail::readable(model));
}
/// Sets the streams back to that. ValueError when one of the model is missing in it or one of it is not in the model;
/// nothing has changed then.
XGRAD_API void load_random_state(ModelRef model, const State& state, Location where = Location::current());

/// Freezes (or unfreezes) the parameters whose names match a pattern such as "encoder.*", and tells how many those are:
/// frozen ones get no gradient, and the sweep does no work for them. ValueError when no name matches.
XGRAD_API std::size_t freeze(ModelRef model, std::string_view pattern, bool frozen = true,
                             Location where = Location::current());

}  // namespace xgrad::nn
