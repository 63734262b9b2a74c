#include "transforms.hpp"

#include <algorithm>
#include <string>

namespace xgrad::nn {

namespace detail {

void check_depends(const char* name, const Tensor& y, ModelRef argument, Location where) {
    if (!y.defined() || !is_floating(y.dtype()) || xgrad::detail::recorded_by_innermost(y)) return;
    const auto parameters = detail::parameters(argument);
    const bool frozen = !parameters.empty() && std::all_of(parameters.begin(), parameters.end(),
                                                           [](const Parameter* p) { return p->frozen(); });
    check<ValueError>(frozen || leaves(argument).empty(), where, [&] {
        return std::string(name) +
               ": the function must compute with the model that it is given, got a result that does not depend on it "
               "(is a model "
               "captured?)";
    });
}

}  // namespace detail

std::string to_dot(const Tape& tape, ModelRef model, std::size_t max_entries) {
    DotOptions options;
    for (auto& [name, p] : detail::named_parameters(model)) options.names.emplace_back(p, name);
    options.max_entries = max_entries;
    return xgrad::to_dot(tape, options);
}

}  // namespace xgrad::nn
