#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/tape.hpp"

// The contents of a tape, what they cost, and why a gradient is absent. These functions change nothing. Call them
// before the tape is closed, before or after its gradient is computed (which releases saved values but keeps the
// entries).

namespace xgrad {

/// A table of what the tape recorded: each entry's operation, shape, bytes, inputs and the user's line, followed by
/// totals by operation. Long tapes are abbreviated in the middle to `most` lines.
XGRAD_API std::string summary(const Tape& tape, std::size_t most = 40);

/// One entry of a tape: an operation, or a source (a parameter or a watched tensor).
struct TapeEntry {
    std::string operation;
    std::vector<Shape> results;  ///< shapes
    DType dtype = DType::f32;
    std::vector<std::size_t> inputs;  ///< positions in the list of the entries that computed its inputs; constants and
                                      ///< tensors recorded before the tape are left out
    bool source = false;
    std::string name;  ///< for a source, its name in `names`
};
/// The entries of the tape, in recording order. `names` gives the names of parameters and watched tensors.
XGRAD_API std::vector<TapeEntry> entries(const Tape& tape,
                                         const std::vector<std::pair<Tensor, std::string>>& names = {});

struct DotOptions {
    /// Names for parameters and watched tensors, such as "fc1.weight". Operations that use parameters of "fc1" are
    /// drawn inside a box of that name; dots nest boxes. nn::to_dot fills this from a model.
    std::vector<std::pair<Tensor, std::string>> names = {};
    /// Of a longer tape, only the last entries are drawn.
    std::size_t max_entries = 400;
};
/// The tape as a graph in Graphviz's DOT language (`dot -Tsvg`): operations with shape, bytes and the user's line;
/// sources as boxes.
XGRAD_API std::string to_dot(const Tape& tape, const DotOptions& options = {});

/// Where a tape spent its time. Open the tape with `Tape tape({.profile = true})`.
///
/// The forward time of an operation is measured from the end of the previously recorded one, so it includes unrecorded
/// work in between. Element-wise operations that were pulled back together as a chain share their time evenly.
struct Profile {
    struct Row {
        std::string operation;
        std::int64_t count = 0;
        double forward_us = 0, backward_us = 0;
        std::int64_t bytes = 0;  ///< of the results
        double share = 0;  ///< of the total time of all rows, 0 to 1
    };
    std::vector<Row> rows;  ///< by time, longest first
    double forward_us = 0, backward_us = 0;
    std::int64_t bytes = 0;
    /// Trace events for a browser's tracing page (chrome://tracing, ui.perfetto.dev): one for each operation, forward
    /// and backward.
    std::string chrome_trace;
};
/// TapeError unless the tape was opened with `.profile = true`.
XGRAD_API Profile profile(const Tape& tape);
/// As a table.
XGRAD_API std::string to_string(const Profile& profile);
XGRAD_API std::ostream& operator<<(std::ostream& out, const Profile& profile);

/// A text report on the caching allocator: the memory that this thread's tensors hold now, its peak, and the memory
/// kept for reuse.
XGRAD_API std::string memory_report();

/// Why `loss` has no gradient with respect to `w`, in a sentence or two; or, if it has one, the path it takes.
XGRAD_API std::string why_no_gradient(const Tensor& loss, const Tensor& w);
XGRAD_API std::string why_no_gradient(const Tensor& loss, const Parameter& w);

}  // namespace xgrad
