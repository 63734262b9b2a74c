#pragma once

#include <cstdint>
#include <vector>

#include "record.hpp"

// What checkpoint and the implicit functions share: an entry whose inputs are all that a function used, captured or passed. Not for users.

namespace xgrad::detail {

/// While one lives, whatever the tapes of `from` watch is an input of the tape opened last as soon as it is used. What an enclosing
/// adoption takes is taken too: an input of the outer function may be used by the inner one alone.
class Adoption {
public:
    Adoption(Record& record, TapeMask from);
    ~Adoption();
    /// The nodes that were used, each once; they leave the tape again.
    std::vector<NodeId> take();

private:
    Record& record_;
    TapeMask outer_;
    int outer_depth_;
    std::size_t first_;
};

/// The outputs of `run`, which is called with nothing recorded for the caller's tapes, and the nodes of theirs that it used.
template <class Run>
auto run_unseen(Record& record, std::vector<NodeId>& used, Run&& run) {
    const TapeMask active = record.active;
    NoRecording pause;  // the outer tapes see one entry, not what happens inside
    Tape tape({.watch_parameters = false});
    Adoption adoption(record, active);
    auto result = run();
    used = adoption.take();
    return result;
}

/// An entry for `outputs` with the used nodes as inputs; null when none of them matters to a tape that is active.
Entry* append_using(Record& record, const char* name, const std::vector<NodeId>& used, std::span<Tensor> outputs, std::size_t closure_bytes,
                    Location where);

/// sum(y_j * g_j), whose gradient is that of all results at once.
Tensor weighted_sum(std::span<const Tensor> ys, std::span<const Tensor> cotangents);

/// Runs `run` once more, all that it uses being sources, and pulls the cotangents of its results back to the nodes `used`.
template <class Run>
void pull_through(const std::vector<NodeId>& used, std::span<const Tensor> cotangents, Location where, Tensor* parts, Run&& run) {
    Tape tape({.watch_parameters = false});
    Tensor y, g;
    {
        const Adoption adoption(*recording, all_tapes);
        const Tensors ys = run();
        y = ys.size() == 1 ? ys[0] : weighted_sum(ys, cotangents);
        g = ys.size() == 1 ? cotangents[0] : Tensor();
    }
    std::vector<Tensor> sources;
    for (const NodeId node : used) {
        Tensor source = scalar(0.0, DType::f32);  // a handle by its origin alone
        TensorAccess::set_origin(source, recording->origin_of(node));
        sources.push_back(std::move(source));
    }
    std::vector<Tensor> gradients = tape.gradient(y, sources, {.cotangent = g}, where);
    std::move(gradients.begin(), gradients.end(), parts);
}

}  // namespace xgrad::detail
