#pragma once

#include <utility>
#include <vector>

#include "record.hpp"

// Shared by checkpoint and the implicit functions: operations whose inputs are all tensors that a function used,
// whether captured or passed. Not for users.

namespace xgrad::detail {

/// Calls `run` hidden from the caller's tapes. Returns its results, and in `used` the parameters and the tensors of
/// these tapes that it used.
template <class Run>
auto run_unrecorded(std::vector<Tensor>& used, Run&& run) {
    const TapeMask visible = recording->visible;
    const NoRecording pause;
    Tape tape({.watch_parameters = false});
    capture_from(tape, visible);
    auto results = run();
    used = std::move(captured_by(tape));
    return results;
}

/// Calls `run` again with everything it uses as sources, and pulls the cotangents of its results back to `used`.
template <class Run>
Tensors vjp_of_captures(const Tensors& used, std::span<const Tensor> cotangents, Location where, Run&& run) {
    Tape tape({.watch_parameters = false});
    capture_from(tape, all_tapes);
    const Tensors ys = run();
    Tensors results;
    GradientOptions options;
    for (std::size_t j = 0; j < ys.size(); ++j) {
        if (!is_floating(ys[j].dtype())) continue;
        results.push_back(ys[j]);
        options.cotangents.push_back(cotangents[j].to(ys[j].dtype()));
    }
    return tape.gradient(results, used, options, where);
}

}  // namespace xgrad::detail
