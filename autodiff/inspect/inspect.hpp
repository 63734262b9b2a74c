#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/tape.hpp"

// What is on a tape, what it costs, and why a gradient is absent. Each looks and changes nothing; call them before the
// tape is closed, before or after its gradient was taken (the entries stay, only saved values are released).

namespace xgrad {

/// A table of what the tape recorded: for each entry its operation, shape, bytes, inputs and the user's line; long
/// tapes are abbreviated in the middle to `most` lines. Below it the totals by operation.
XGRAD_API std::string summary(const Tape& tape, std::size_t most = 40);

/// One entry of a tape: an operation, or a source (a parameter or what was watched).
struct TapeEntry {
    std::string operation;
    std::vector<Shape> results;  ///< shapes
    DType dtype = DType::f32;
    std::vector<std::size_t> inputs;  ///< positions in the list of those that made its inputs; constants, and what was
                                      ///< recorded before, are left out
    bool source = false;
    std::string name;  ///< of a source, as `names` says
};
/// What the tape recorded, in that order. `names` are those of parameters and watched tensors.
XGRAD_API std::vector<TapeEntry> entries(const Tape& tape,
                                         const std::vector<std::pair<Tensor, std::string>>& names = {});

struct DotOptions {
    /// Names for parameters and watched tensors, as "fc1.weight". What uses parameters of "fc1" is drawn inside a box
    /// of that name; dots nest boxes. nn::to_dot fills this from a model.
    std::vector<std::pair<Tensor, std::string>> names = {};
    /// Only the last ones of a longer tape are drawn.
    std::size_t max_entries = 400;
};
/// The tape as a graph in Graphviz's language (`dot -Tsvg`): operations with shape, bytes and the user's line; sources
/// as boxes.
XGRAD_API std::string to_dot(const Tape& tape, const DotOptions& options = {});

/// Where the time of a tape went. Opened with `Tape tape({.profile = true})`.
///
/// Forward time of an operation is counted from the end of the one recorded before it, so what runs in between without
/// being recorded is part of it. Element-wise chains that were pulled back together share their time evenly.
struct Profile {
    struct Row {
        std::string operation;
        std::int64_t count = 0;
        double forward_us = 0, backward_us = 0;
        std::int64_t bytes = 0;  ///< of the results
        double share = 0;  ///< of the time of all rows, 0 to 1
    };
    std::vector<Row> rows;  ///< by time, the longest first
    double forward_us = 0, backward_us = 0;
    std::int64_t bytes = 0;
    /// Events for the tracing page of a browser (chrome://tracing, ui.perfetto.dev): one for each operation, forward
    /// and backward.
    std::string chrome_trace;
};
/// TapeError unless the tape was opened with `.profile = true`.
XGRAD_API Profile profile(const Tape& tape);
/// As a table.
XGRAD_API std::string to_string(const Profile& profile);
XGRAD_API std::ostream& operator<<(std::ostream& out, const Profile& profile);

/// The caching allocator in words: what this thread's tensors hold now, held at most, and what is kept for reuse.
XGRAD_API std::string memory_report();

/// Why `loss` has no gradient with respect to `w`, in a sentence or two for the reader; or by which way it has one.
XGRAD_API std::string why_no_gradient(const Tensor& loss, const Tensor& w);
XGRAD_API std::string why_no_gradient(const Tensor& loss, const Parameter& w);

}  // namespace xgrad
