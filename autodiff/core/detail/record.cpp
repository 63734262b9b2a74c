#include "record.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <mutex>
#include <string>

namespace xgrad::detail {

constinit thread_local Record* recording = nullptr;

namespace {

constinit thread_local Record* own_record = nullptr;
constinit thread_local bool thread_ends = false;

/// Destroys the thread's record at thread exit. Code that uses tapes even later, in static destructors, gets records
/// that live as long as their tapes.
struct RecordOwner {
    ~RecordOwner() {
        thread_ends = true;
        delete std::exchange(own_record, nullptr);
    }
};

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> blocks{0};
    constexpr std::uint64_t block =
        1024;  // serials are handed to threads in blocks, so that opening a tape touches no shared cache line
    constinit thread_local std::uint64_t next = 0, end = 0;
    if (next == end) {
        next = blocks.fetch_add(1, std::memory_order_relaxed) * block + 1;
        end = next + block - 1;
    }
    return next++ & ((std::uint64_t{1} << (63 - Origin::node_bits)) - 1);
}

/// The records of all threads, for tapes that are destroyed on a thread other than their own.
struct Records {
    std::mutex mutex;
    std::vector<Record*> all;
    std::uint64_t last_id = 0;
};
Records& records() {
    static Records* const shared = new Records;  // never destroyed: tapes in static storage are closed after main
    return *shared;
}
bool is_alive(std::uint64_t id) {
    const std::lock_guard lock(records().mutex);
    return std::any_of(records().all.begin(), records().all.end(), [id](const Record* r) { return r->id == id; });
}

}  // namespace

Record& record_of_this_thread() {
    if (own_record) return *own_record;
    if (!thread_ends) {
        thread_local RecordOwner owner;
        static_cast<void>(owner);
    }
    return *(own_record = new Record);
}

Record* record_if_any() { return own_record; }

void trim_record_of_this_thread() noexcept {
    if (own_record) own_record->trim();
}

Record& TapeAccess::record(const Tape& tape, const char* operation, Location where) {
    check<TapeError>(own_record && own_record->id == tape.owner_, where, [&] {
        return std::string(operation) + ": a tape must be used by the thread that opened it, got " +
               (is_alive(tape.owner_) ? "a call from another thread" : "one whose thread has ended");
    });
    own_record->settle();
    return *own_record;
}

void TapeAccess::close(const Tape& tape) noexcept {
    if (own_record && own_record->id == tape.owner_) {
        tape.record_->close(tape.depth_);
        tape.record_->settle();
        if (thread_ends && tape.record_->open.empty()) delete std::exchange(own_record, nullptr);
        return;
    }
    const std::lock_guard lock(records().mutex);
    for (Record* record : records().all)
        if (record->id == tape.owner_)
            record->closed_elsewhere.fetch_or(Record::bit(tape.depth_), std::memory_order_release);
}

// --- Record ----------------------------------------------------------------------------------------------------------

Record::Record()
    : id([this] {
          const std::lock_guard lock(records().mutex);
          records().all.push_back(this);
          return ++records().last_id;
      }()) {}

Record::~Record() {
    while (!open.empty()) close(static_cast<int>(open.size()) - 1);
    const std::lock_guard lock(records().mutex);
    std::erase(records().all, this);
}

void Record::set_active(TapeMask mask) {
    active = visible = mask;
    start = mask ? at(std::bit_width(mask) - 1).start : 0;
    for (TapeMask rest = mask & capturing; rest; rest &= rest - 1) visible |= at(std::countr_zero(rest)).captures_from;
    recording = mask || trace ? this : nullptr;
}

TapeMask Record::unfinished_below(int depth) const {
    TapeMask mask = 0;
    for (int d = 0; d < depth; ++d)
        if (!at(d).finished && !at(d).closed) mask |= bit(d);
    return mask;
}

int Record::open_tape(const TapeOptions& options) {
    settle();
    check<TapeError>(open.size() < max_tapes, {}, [] {
        return std::string(
            "Tape: at most 64 tapes may be open on a thread at a time, got one more (functions such as grad, and each "
            "checkpoint inside "
            "another, open one)");
    });
    const int depth = static_cast<int>(open.size());
    if (depth == 0) {
        serial = next_serial();
        segments.assign(1, {0, serial});
        watchers = 0;
    }
    if (segments.capacity() < segments.size() + max_tapes)
        segments.reserve(2 * (segments.size() + max_tapes));  // closing must not throw
    open.emplace_back().start = static_cast<NodeId>(nodes.size());
    open.back().mark = arena.mark();
    const auto with_bit = [depth](TapeMask mask, bool on) { return on ? mask | bit(depth) : mask & ~bit(depth); };
    watchers = with_bit(watchers, options.watch_parameters);
    checking = with_bit(checking, options.check_finite);
    profiling = with_bit(profiling, options.profile);
    capturing = with_bit(capturing, false);
    ++changes;
    for (auto& r : recent) r = {};
    if (options.profile) last_time = now_in_nanoseconds();
    set_active(active | bit(depth));
    return depth;
}

void Record::close(int depth) noexcept {
    at(depth).closed = true;
    ++changes;
    set_active(active & ~bit(depth));
    for (auto& r : recent) r = {};
    while (!open.empty() && open.back().closed) {
        const int level = static_cast<int>(open.size()) - 1;
        drop_what_nobody_needs(level);
        checking &= ~bit(level);
        profiling &= ~bit(level);
        capturing &= ~bit(level);
        open.pop_back();
    }
    if (!open.empty()) return;
    serial = 0;
    segments.clear();
    timings.clear();
    if (memory_ran_out()) release_cached_memory();
}

void Record::close_those_closed_elsewhere() noexcept {
    const TapeMask closed = closed_elsewhere.exchange(0, std::memory_order_acquire);
    for (int depth = max_tapes; depth-- > 0;)
        if (closed & bit(depth)) close(depth);
}

/// Releases the entries that the tape at `depth`, the last one, recorded and that no other tape may need, and drops
/// those at the end of the list.
void Record::drop_what_nobody_needs(int depth) noexcept {
    const OpenTape& tape = open.back();
    const TapeMask needed = unfinished_below(depth);
    std::size_t end = tape.start, released = 0;
    for (std::size_t i = nodes.size(); i-- > tape.start;) {
        Entry& entry = *nodes[i];
        entry.tapes &= ~bit(depth);  // the next tape at this depth is a different one
        if (entry.tapes & needed) {
            end = std::max(end, i + 1);
        } else {
            entry.release();
            ++released;
        }
    }
    const std::size_t behind = nodes.size() - end;
    if (depth > 0) at(depth - 1).holes += static_cast<NodeId>(released - behind);
    if (behind > 0)
        drop_nodes_from(static_cast<NodeId>(end), end == tape.start ? tape.mark : arena.mark_at(nodes[end]));
}

void Record::drop_nodes_from(NodeId end, Arena::Mark mark) noexcept {
    for (; !sources.empty() && sources.back() >= end; sources.pop_back()) {
        Entry& source = *nodes[sources.back()];
        if (source.source() == origin_of(source.first_node)) continue;
        captures.set(source.source(), first_serial(), source.captured_before());  // it was the last capture
    }
    nodes.resize(end);
    arena.rewind(mark);
    last_shape = nullptr;
    while (!segments.empty() && segments.back().start >= end) segments.pop_back();
    segments.push_back({end, serial = next_serial()});
}

void Record::trim() noexcept {
    // Assigning {} to a vector would keep its capacity.
    const auto give_back = [](auto&... vectors) {
        (std::exchange(vectors, std::remove_reference_t<decltype(vectors)>()), ...);
    };
    settle();
    give_back(spare_slots, spare_marks);
    if (!open.empty()) return;
    give_back(nodes, segments, sources, captures, timings);
    arena.clear();
}

NodeId Record::find_in_segments(std::uint64_t origin) const {
    const NodeId node = Origin::node_of(origin);
    if (node >= nodes.size()) return no_node;
    const auto after = std::upper_bound(segments.begin(), segments.end(), node,
                                        [](NodeId n, const Segment& s) { return n < s.start; });
    return std::prev(after)->serial == Origin::serial(origin) ? node : no_node;
}

std::uint64_t Record::origin_of(NodeId node) const {
    const auto after = std::upper_bound(segments.begin(), segments.end(), node,
                                        [](NodeId n, const Segment& s) { return n < s.start; });
    return Origin::node(std::prev(after)->serial, node);
}

Entry* Record::append(const char* name, std::span<const NodeId> inputs, std::span<Tensor> outputs, TapeMask tapes,
                      std::size_t closure_bytes, Location where) {
    const std::size_t first = nodes.size();
    if (first + outputs.size() >= Origin::max_nodes) throw_full(name, where);
    if ((checking | profiling) & tapes) observe(name, inputs, outputs, tapes, where);
    const std::size_t head = Entry::closure_offset(outputs.size(), inputs.size());
    const Shape* shape = shared(outputs[0].shape());
    void* memory = arena.allocate(head + closure_bytes);
    auto* entry = ::new (memory) Entry(name, where, *shape, tapes, first, inputs.size(), outputs.size(), outputs[0]);
    for (std::size_t i = 1; i < outputs.size(); ++i) {
        // After the entry's own memory: shapes may be appended to the arena while it is being written.
        entry->more_shapes()[i - 1] = shared(outputs[i].shape());
        if (is_floating(outputs[i].dtype())) entry->dtype = outputs[i].dtype();
    }
    std::copy(inputs.begin(), inputs.end(), entry->input_nodes());
    nodes.insert(nodes.end(), outputs.size(), entry);  // the last step that may fail
    for (std::size_t i = 0; i < outputs.size(); ++i)
        TensorAccess::set_origin(
            outputs[i], is_floating(outputs[i].dtype()) ? Origin::node(serial, static_cast<NodeId>(first + i)) : 0);
    return entry;
}

void Record::throw_full(const char* name, Location where) {
    throw TapeError(xgrad::at(std::string(name) + ": a tape holds at most 2^27 entries", where));
}

NodeId Record::append_source(Tensor& tensor, const char* name, NodeId passes_to, const Source* captured, TapeMask tapes,
                             Location where) {
    static constexpr Kind pass_on{[](void*, Pull& pull) { pull.parts[0] = std::move(pull.cotangents[0]); },
                                  [](void*) noexcept {}, true};
    if (sources.size() == sources.capacity()) sources.reserve(2 * sources.size() + 16);
    Entry* entry =
        append(name, {&passes_to, passes_to == no_node ? 0u : 1u}, {&tensor, 1}, tapes, sizeof(Source), where);
    if (passes_to != no_node) entry->kind = &pass_on;
    entry->is_source = true;
    ::new (entry->closure()) Source(captured ? *captured : Source{TensorAccess::origin(tensor), no_node});
    sources.push_back(entry->first_node);
    return entry->first_node;
}

/// The node for a parameter, or for a tensor recorded before the innermost recording tape was opened: a new source on
/// that tape, which passes its gradient on to the node that represented the tensor until now.
NodeId Record::capture(const Tensor& tensor, std::uint64_t origin) {
    const bool is_parameter = Origin::is_parameter(origin);
    const NodeId own = is_parameter ? no_node : find(origin);
    NodeId from = own;
    if (is_parameter || (own != no_node && own < start)) {
        // The node that represented it until now: the last source for it on a visible tape, else its own node.
        NodeId last = last_capture(origin);
        while (last != no_node && !(nodes[last]->tapes & visible)) last = nodes[last]->captured_before();
        if (last != no_node) from = last;
        if (from != no_node && !(nodes[from]->tapes & visible)) from = no_node;
        const TapeMask seen = ((from == no_node ? 0 : nodes[from]->tapes) | (is_parameter ? watchers : 0)) & visible;
        TapeMask tapes = seen & active, capturing_now = 0;
        for (TapeMask rest = active & capturing; rest; rest &= rest - 1)
            if (const int depth = std::countr_zero(rest); seen & at(depth).captures_from) capturing_now |= bit(depth);
        tapes |= capturing_now;
        if (tapes == 0) return no_node;
        if (from == no_node || from < start || (nodes[from]->tapes & active) != tapes) {
            for (TapeMask rest = capturing_now; rest; rest &= rest - 1) {
                OpenTape& tape = at(std::countr_zero(rest));
                if (from == no_node || from < tape.start) tape.captured.push_back(tensor);
            }
            NodeId& newest = captures(origin, first_serial());
            const Source captured{origin, newest};
            Tensor source = tensor;
            newest = from = append_source(source, is_parameter ? "parameter" : "capture", from, &captured, tapes, {});
        }
    }
    if (from == no_node || !(nodes[from]->tapes & active)) return no_node;
    recent[origin & 7] = {origin, active, from};
    return from;
}

NodeId Record::node_on(int depth, std::uint64_t origin) const {
    const NodeId begin = at(depth).start, own = origin == 0 || Origin::is_parameter(origin) ? no_node : find(origin);
    if (own != no_node && own >= begin) return own;
    // Start at the last source for it on this tape or an outer one, and follow the nodes it passes on to: the result is
    // the first of them on this tape.
    const TapeMask seen = bit(depth) | (bit(depth) - 1);
    NodeId node = last_capture(origin), first = no_node;
    while (node != no_node && !(nodes[node]->tapes & seen)) node = nodes[node]->captured_before();
    for (; node != no_node && node != own && node >= begin; node = nodes[node]->passes_to()) first = node;
    return first;
}

void capture_from(Tape& tape, TapeMask tapes) {
    Record& record = TapeAccess::record(tape, "Tape", {});
    record.at(TapeAccess::depth(tape)).captures_from = tapes;
    record.capturing |= Record::bit(TapeAccess::depth(tape));
    record.set_active(record.active);
}

std::vector<Tensor>& captured_by(const Tape& tape) {
    return TapeAccess::record(tape, "Tape", {}).at(TapeAccess::depth(tape)).captured;
}

}  // namespace xgrad::detail
