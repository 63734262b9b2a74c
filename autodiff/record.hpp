#pragma once

// The engine's own view of a tape: entries in an arena, one flat list of them. Not for users.

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "apply.hpp"
#include "memory.hpp"
#include "tape.hpp"

namespace xgrad::detail {

using NodeId = std::uint32_t;
inline constexpr NodeId no_node = 0xffffffffu;

/// A tensor's origin is a number: 0 for a constant; a parameter's identity with the top bit set; else a record's serial number and a node.
struct Origin {
    static constexpr std::uint64_t parameter_bit = std::uint64_t{1} << 63;
    static constexpr int node_bits = 27;
    static constexpr std::uint64_t max_nodes = std::uint64_t{1} << node_bits;

    static constexpr std::uint64_t node(std::uint64_t serial, NodeId node) { return serial << node_bits | node; }
    static constexpr bool is_parameter(std::uint64_t origin) { return origin & parameter_bit; }
    static constexpr std::uint64_t serial(std::uint64_t origin) { return origin >> node_bits; }
    static constexpr NodeId node_of(std::uint64_t origin) { return static_cast<NodeId>(origin & (max_nodes - 1)); }
};

/// One recorded operation, or a source of gradients. Behind it in the arena: the shapes of outputs after the first, a NodeId per input, the
/// closure. Shapes are shared: neighbouring entries of one shape point to one copy of it.
struct Entry {
    const Behaviour* behaviour;  // null: nothing to pull back (a source, or already released)
    const char* name;
    const char* file;
    const Shape* shape;  // of the first output
    std::int32_t line;
    NodeId first_node;
    std::uint32_t outputs;
    std::uint32_t inputs;
    std::uint32_t scopes;  // bit d: depends on something watched at depth d; 0: released
    DType dtype;  // of all outputs that have a gradient
    bool is_source;  // Gradients lists it
    bool large;  // worth pulling back in blocks (blocks.hpp)

    const Shape** more_shapes() { return reinterpret_cast<const Shape**>(this + 1); }
    const Shape& shape_of(NodeId node) { return node == first_node ? *shape : *more_shapes()[node - first_node - 1]; }
    NodeId* input_nodes() { return reinterpret_cast<NodeId*>(more_shapes() + (outputs - 1)); }
    void* closure() { return reinterpret_cast<char*>(this) + closure_offset(outputs, inputs); }
    static std::size_t closure_offset(std::size_t outputs, std::size_t inputs) {
        return (sizeof(Entry) + (outputs - 1) * sizeof(Shape*) + inputs * sizeof(NodeId) + 15) & ~std::size_t{15};
    }
    /// The origin under which Gradients lists a source: of a parameter its identity, else this entry's node.
    std::uint64_t& source() { return *static_cast<std::uint64_t*>(closure()); }
    Location where() const { return {file, line}; }

    void release() noexcept {
        if (behaviour) behaviour->destroy(closure());
        behaviour = nullptr;
        scopes = 0;
    }
};

/// From this many elements on, chains of element-wise entries are pulled back a block at a time; below, everything is in cache anyway.
inline constexpr std::int64_t least_block_elements = 1 << 14;

/// Bump allocation in chunks that are kept for the next tape.
class Arena {
public:
    struct Mark {
        std::size_t chunk = 0, used = 0;
    };

    ~Arena();
    void* allocate(std::size_t bytes) {
        bytes = (bytes + 15) & ~std::size_t{15};
        if (used_ + bytes > capacity_) [[unlikely]]
            next_chunk(bytes);
        void* at = base_ + used_;
        used_ += bytes;
        return at;
    }
    Mark mark() const { return {current_, used_}; }
    void rewind(Mark mark);

private:
    struct Chunk {
        char* base;
        std::size_t capacity;
        std::uint8_t size_class;
    };
    void next_chunk(std::size_t bytes);

    std::vector<Chunk> chunks_;
    std::size_t current_ = 0;  // chunks_[current_ - 1] is in use; 0: none
    char* base_ = nullptr;
    std::size_t capacity_ = 0, used_ = 0;
};

/// Parameter identity to node, open addressing; slots of earlier records count as free.
class ParameterNodes {
public:
    NodeId* find_or_add(std::uint64_t id, std::uint64_t serial);
    template <class F>
    void for_each(std::uint64_t serial, F&& f) const {
        for (const Slot& s : slots_)
            if (s.serial == serial) f(s.id, s.node);
    }

private:
    struct Slot {
        std::uint64_t id = 0, serial = 0;
        NodeId node = no_node;
    };
    std::vector<Slot> slots_;
    std::uint64_t counted_serial_ = 0;
    std::size_t used_ = 0;
};

/// When an operation ran forward and backward, in nanoseconds of a steady clock. Forward: since the operation before it was recorded.
struct Timing {
    std::int64_t forward_start = 0, forward = 0, backward_start = 0, backward = 0;
};
std::int64_t now_in_nanoseconds();

/// A tape that is open on this thread.
struct Scope {
    NodeId start = 0;
    Arena::Mark mark;
    bool finished = false;  // took its gradient
    bool closed = false;
};

/// What one thread records: the nested tapes that are open, and one list of entries for all of them.
struct Record {
    std::uint64_t serial = 0;
    std::uint32_t active = 0;  // bit d: the tape at depth d records now
    std::uint32_t adopt = 0;  // nodes of these tapes join the one at adopt_depth when used, and are listed in `adopted`
    int adopt_depth = 0;
    std::vector<NodeId> adopted;
    std::vector<Entry*> nodes;  // a node's entry; null where released and its memory reused
    std::vector<Scope> scopes;
    Arena arena;
    const Shape* last_shape = nullptr;  // in the arena
    std::size_t sources = 0;  // recorded since the outermost tape was opened
    ParameterNodes parameters;
    struct Borrowed {
        NodeId node;
        std::uint32_t scopes;
    };
    std::vector<Borrowed> borrowed;  // parameters' nodes that later tapes use too, and which
    std::uint32_t watchers = 0;  // bit d: the tape at depth d watches parameters by itself
    struct {
        std::uint64_t origin = 0;
        NodeId node = no_node;
    } recent[8];  // parameters used last, by the low bits of their identity
    std::uint32_t checking = 0, profiling = 0;  // bit d: the tape at depth d was opened with check_finite, profile
    std::vector<Timing> timings;  // by node, as far as some tape profiles
    std::int64_t last_time = 0;
    std::vector<std::vector<Tensor>> spare_slots;  // scratch of the sweep
    std::vector<std::vector<unsigned char>> spare_marks;

    static std::uint32_t bit(int depth) { return 1u << depth; }
    void set_active(std::uint32_t mask);
    /// Tapes below `depth` that may still take a gradient.
    std::uint32_t open_below(int depth) const;
    int open(const TapeOptions& options);
    void close(int depth) noexcept;
    const Shape* shared(const Shape& shape) {
        if (last_shape && *last_shape == shape) return last_shape;
        return last_shape = ::new (arena.allocate(sizeof(Shape))) Shape(shape);
    }
    Entry* append(const char* name, std::span<const NodeId> inputs, std::span<Tensor> outputs, std::uint32_t scopes,
                  std::size_t closure_bytes, Location where);
    /// The same for one output, whose dtype is floating.
    template <std::size_t N>
    Entry* append_one(const char* name, const NodeId (&inputs)[N], Tensor& output, std::uint32_t scope_bits, std::size_t closure_bytes,
                      Location where) {
        const std::size_t node = nodes.size();
        if (node + 1 >= Origin::max_nodes) [[unlikely]]
            throw_full(name, where);
        if ((checking | profiling) & scope_bits) [[unlikely]]
            observe(name, inputs, {&output, 1}, scope_bits, where);
        const Shape* shape = shared(output.shape());
        void* memory = arena.allocate(Entry::closure_offset(1, N) + closure_bytes);
        auto* entry = ::new (memory) Entry{nullptr, name, where.file, shape,          where.line, static_cast<NodeId>(node),
                                           1,       N,    scope_bits, output.dtype(), false,      output.size() >= least_block_elements};
        nodes.push_back(entry);
        TensorAccess::set_origin(output, Origin::node(serial, static_cast<NodeId>(node)));
        NodeId* ids = entry->input_nodes();
        for (std::size_t i = 0; i < N; ++i) ids[i] = inputs[i];
        return entry;
    }
    /// What check_finite and profile want of an operation that is about to be appended.
    void observe(const char* name, std::span<const NodeId> inputs, std::span<const Tensor> outputs, std::uint32_t scope_bits,
                 Location where);
    [[noreturn]] static void throw_full(const char* name, Location where);
    NodeId add_source(Tensor& tensor, const char* name, std::uint64_t origin, std::uint32_t scopes, Location where);
    NodeId node_of_parameter(const Tensor& tensor, std::uint64_t origin);
    bool adopt_node(NodeId node);

    /// The node under which `tensor` is recorded for a tape that is active; no_node for constants.
    NodeId node_of(const Tensor& tensor) {
        const std::uint64_t origin = TensorAccess::origin(tensor);
        if (origin == 0) return no_node;
        if (Origin::serial(origin) == serial) {
            const NodeId node = Origin::node_of(origin);
            const Entry* entry = nodes[node];
            if (!entry) return no_node;
            return (entry->scopes & active) || (adopt && adopt_node(node)) ? node : no_node;
        }
        if (!Origin::is_parameter(origin)) return no_node;
        const auto& known = recent[origin & 7];
        if (known.origin == origin) {
            const Entry* entry = nodes[known.node];
            const std::uint32_t watching = watchers & (active | adopt);
            if (entry && (entry->scopes & active) && (entry->scopes & watching) == watching) return known.node;
        }
        return node_of_parameter(tensor, origin);
    }
};

Record& record_of_this_thread();

/// The door to a tape's inside, for the engine's own files.
struct TapeAccess {
    static const Record& record(const Tape& tape) { return *tape.record_; }
    static int depth(const Tape& tape) { return tape.depth_; }
    static std::thread::id thread(const Tape& tape) { return tape.thread_; }
};

/// ValueError naming operation, what was computed (`result`) and the place of the first element that is NaN or inf.
void check_finite(const char* operation, const std::string& result, const Tensor& values, const std::string& context, Location where);

/// The record of this thread while some tape of it records, else null.
extern __attribute__((tls_model("initial-exec"))) thread_local Record* recording;

inline bool is_tracked(const Tensor& tensor) {
    return recording && TensorAccess::origin(tensor) != 0 && recording->node_of(tensor) != no_node;
}

/// acc += part for tensors of one shape and dtype, in a buffer of either where nobody else holds it. In ops/elementwise.cpp.
void accumulate(Tensor& acc, Tensor&& part);

/// Gives a handle's tensor back.
inline void reset(Tensor& tensor) { const Tensor gone = std::move(tensor); }

/// The reverse sweep over what the tape at `depth` recorded.
struct SweepSource {
    NodeId node;
    Tensor gradient;
};
/// Sources by their origin, with their gradients.
using FoundGradients = std::vector<std::pair<std::uint64_t, Tensor>>;
/// One gradient per source, which are distinct; with `found`, instead all sources that the tape has.
void sweep(Record& record, int depth, NodeId y, Tensor cotangent, std::span<SweepSource> sources, FoundGradients* found, bool consume);

}  // namespace xgrad::detail
