#pragma once

// The engine's internal view of a tape: a flat list of entries, stored in an arena. Not for users.

#include <atomic>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "autodiff/core/recording.hpp"
#include "autodiff/core/memory.hpp"
#include "autodiff/core/tape.hpp"
#include "arena.hpp"
#include "capture_table.hpp"
#include "entry.hpp"
#include "origin.hpp"
#include "trace.hpp"

namespace xgrad::detail {

/// When an operation ran forward and backward, in nanoseconds of a steady clock. Forward time is measured from the
/// recording of the previous operation.
struct Timing {
    std::int64_t forward_start = 0, forward = 0, backward_start = 0, backward = 0;
};
std::int64_t now_in_nanoseconds();

/// A tape that is open on this thread.
struct OpenTape {
    NodeId start = 0;
    NodeId holes = 0;  // released nodes that inner tapes have left between nodes that are still needed
    Arena::Mark mark;
    bool finished = false;  // has computed its gradient
    bool closed = false;
    TapeMask captures_from = 0;  // tapes, even paused ones, whose tensors become sources of this one when it uses them
    std::vector<Tensor> captured;  // these tensors
};

/// The record of one thread: its open, nested tapes, and one list of entries for all of them.
///
/// A tape's entries come after its start and take their inputs from there. A tensor that is older (of an outer tape) or
/// comes from outside (a parameter) is captured by a source, which represents it and passes its gradient on.
///
/// The list ends with the last entry that an open tape needs: a tape that closes drops the entries after it. Tensors
/// that were recorded there may live on, so nodes recorded later get a new serial number: a run of nodes with one
/// serial number is a segment.
struct Record {
    const std::uint64_t id;  // unique among all records ever created
    std::uint64_t serial = 0;  // of nodes recorded now; 0: no tape is open
    TapeMask active = 0;  // tapes that record now
    TapeMask visible = 0;  // active tapes, and those whose tensors they capture
    NodeId start = 0;  // of the innermost tape that records
    std::uint32_t changes = 0;  // counts changes to the set of tapes that are open or may compute a gradient
    Trace* trace = nullptr;  // receives every operation that runs
    std::vector<Entry*> nodes;  // each node's entry
    struct Segment {
        NodeId start;
        std::uint64_t serial;
    };
    std::vector<Segment> segments;
    std::vector<OpenTape> open;
    Arena arena;
    const Shape* last_shape = nullptr;  // in the arena
    std::vector<NodeId> sources;  // in the order of recording
    CaptureTable captures;
    struct {
        std::uint64_t origin = 0;
        TapeMask active = 0;
        NodeId node = no_node;
    } recent[8];  // recent captures, indexed by the low bits of their origin
    TapeMask watchers = 0, capturing = 0, checking = 0,
             profiling = 0;  // tapes that watch parameters, capture from others, check_finite, profile
    std::vector<Timing> timings;  // by node, while a tape profiles
    std::int64_t last_time = 0;
    std::vector<std::vector<Tensor>> spare_slots;  // scratch of the sweep
    std::vector<std::vector<unsigned char>> spare_marks;
    std::atomic<TapeMask> closed_elsewhere{0};  // tapes that another thread has destroyed

    Record();
    ~Record();
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    static TapeMask bit(int depth) { return TapeMask{1} << depth; }
    OpenTape& at(int depth) { return open[static_cast<std::size_t>(depth)]; }
    const OpenTape& at(int depth) const { return open[static_cast<std::size_t>(depth)]; }
    void set_active(TapeMask mask);
    /// Tapes below `depth` that may still compute a gradient.
    TapeMask unfinished_below(int depth) const;
    TapeMask unfinished() const { return unfinished_below(static_cast<int>(open.size())); }
    int open_tape(const TapeOptions& options);
    void close(int depth) noexcept;
    /// Closes the tapes that another thread has destroyed.
    void settle() noexcept {
        if (closed_elsewhere.load(std::memory_order_relaxed)) [[unlikely]]
            close_those_closed_elsewhere();
    }
    /// Releases the memory that is kept for the next tape.
    void trim() noexcept;

    const Shape* shared(const Shape& shape) {
        if (last_shape && *last_shape == shape) return last_shape;
        return last_shape = ::new (arena.allocate(sizeof(Shape))) Shape(shape);
    }
    /// An entry without a closure yet; the outputs become its nodes.
    Entry* append(const char* name, std::span<const NodeId> inputs, std::span<Tensor> outputs, TapeMask tapes,
                  std::size_t closure_bytes, Location where);
    /// The same for one output, whose dtype is floating.
    template <std::size_t N>
    Entry* append(const char* name, const NodeId (&inputs)[N], Tensor& output, TapeMask tapes,
                  std::size_t closure_bytes, Location where) {
        const std::size_t node = nodes.size();
        if (node + 1 >= Origin::max_nodes) [[unlikely]]
            throw_full(name, where);
        if ((checking | profiling) & tapes) [[unlikely]]
            observe(name, inputs, {&output, 1}, tapes, where);
        const Shape* shape = shared(output.shape());
        void* memory = arena.allocate(Entry::closure_offset(1, N) + closure_bytes);
        auto* entry = ::new (memory) Entry(name, where, *shape, tapes, node, N, 1, output);
        nodes.push_back(entry);
        TensorAccess::set_origin(output, Origin::node(serial, static_cast<NodeId>(node)));
        NodeId* ids = entry->input_nodes();
        for (std::size_t i = 0; i < N; ++i) ids[i] = inputs[i];
        return entry;
    }
    /// A source for the tensor itself or for what it captures; it passes its gradient on to `passes_to` unless that is
    /// no_node.
    NodeId append_source(Tensor& tensor, const char* name, NodeId passes_to, const Source* captured, TapeMask tapes,
                         Location where);

    /// The node of an origin that is not a parameter's; no_node if it belongs to another record or was dropped.
    NodeId find(std::uint64_t origin) const {
        return Origin::serial(origin) == serial ? Origin::node_of(origin) : find_in_segments(origin);
    }
    /// The node under which `tensor` is recorded for an active tape; no_node for constants.
    NodeId node_of(const Tensor& tensor) {
        const std::uint64_t origin = TensorAccess::origin(tensor);
        if (origin == 0) return no_node;
        if (Origin::serial(origin) == serial)
            if (const NodeId node = Origin::node_of(origin); node >= start)
                return nodes[node]->tapes & active ? node : no_node;
        const auto& known = recent[origin & 7];
        if (known.origin == origin && known.active == active && (nodes[known.node]->tapes & active)) return known.node;
        return capture(tensor, origin);
    }
    /// The same for a source of the tape at `depth`; a tensor of the enclosing tape need not be captured first.
    NodeId node_to_watch(int depth, const Tensor& tensor) {
        const std::uint64_t origin = TensorAccess::origin(tensor);
        if (depth > 0 && Origin::serial(origin) == serial && Origin::node_of(origin) >= at(depth - 1).start)
            return nodes[Origin::node_of(origin)]->tapes & active ? Origin::node_of(origin) : no_node;
        return node_of(tensor);
    }
    /// The last source that captured an origin, if an open tape has used it.
    NodeId last_capture(std::uint64_t origin) const { return captures.find(origin, first_serial()); }
    /// The node that represents an origin on the tape at `depth`; no_node if the tape has not used it.
    NodeId node_on(int depth, std::uint64_t origin) const;
    /// Whether an entry is a source of the tape at `depth`, rather than a source that passes its gradient on to another
    /// source of that tape.
    bool is_source_of(int depth, Entry& entry) const {
        const NodeId to = entry.passes_to();
        return (entry.tapes & bit(depth)) &&
               (to == no_node || to < at(depth).start || !(nodes[to]->tapes & bit(depth)) ||
                entry.source() == origin_of(entry.first_node));
    }

private:
    /// Does the work of check_finite and profile for an operation that is about to be appended.
    void observe(const char* name, std::span<const NodeId> inputs, std::span<const Tensor> outputs, TapeMask tapes,
                 Location where);
    [[noreturn]] static void throw_full(const char* name, Location where);
    NodeId capture(const Tensor& tensor, std::uint64_t origin);
    NodeId find_in_segments(std::uint64_t origin) const;
    std::uint64_t origin_of(NodeId node) const;
    std::uint64_t first_serial() const { return segments.empty() ? 0 : segments.front().serial; }
    void drop_what_nobody_needs(int depth) noexcept;
    void drop_nodes_from(NodeId end, Arena::Mark mark) noexcept;
    void close_those_closed_elsewhere() noexcept;
};

Record& record_of_this_thread();
/// The same, or null if this thread has none.
Record* record_if_any();
/// Releases the memory that this thread's record keeps for the next tape.
void trim_record_of_this_thread() noexcept;

/// Access to a tape's internals, for the engine's own files.
struct TapeAccess {
    /// The record on which the tape is open. TapeError unless it belongs to this thread.
    static Record& record(const Tape& tape, const char* operation, Location where);
    static int depth(const Tape& tape) { return tape.depth_; }
    /// Closes the tape, from any thread.
    static void close(const Tape& tape) noexcept;
};

/// Why no tape can compute the gradient of y, as text to follow its name: "is a constant …". Empty if some tape could.
std::string why_not_recorded(const Record& record, const Tensor& y);

/// ValueError if an element is NaN or inf, naming the operation, what was computed (`result`) and the position of the
/// first such element.
void check_finite(const char* operation, const std::string& result, const Tensor& values, const std::string& context,
                  Location where);

/// This thread's record while one of its tapes records, else null.
extern constinit thread_local Record* recording;

inline bool is_tracked(const Tensor& tensor) {
    return recording && TensorAccess::origin(tensor) != 0 && recording->node_of(tensor) != no_node;
}

/// Releases a handle's tensor.
inline void reset(Tensor& tensor) { const Tensor gone = std::move(tensor); }

/// A node with its cotangent: the start of a sweep, or its result for a source.
struct NodeGradient {
    NodeId node;
    Tensor gradient;
};
/// The reverse sweep over the entries of the tape at `depth`, from `roots` down to `sources`, which are distinct and
/// receive the gradients that reach them. `all`: these are all sources of the tape. `consume`: no later sweep needs the
/// entries, except one of an outer tape.
void sweep(Record& record, int depth, std::span<NodeGradient> roots, std::span<NodeGradient> sources, bool all,
           bool consume);

/// The tape, which must be the last one opened, captures as sources all tensors of `tapes` that it uses, and lists
/// them.
void capture_from(Tape& tape, TapeMask tapes);
std::vector<Tensor>& captured_by(const Tape& tape);

}  // namespace xgrad::detail
