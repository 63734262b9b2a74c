#include "record.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>

namespace xgrad::detail {

constinit thread_local Record* recording = nullptr;

namespace {

constinit thread_local Record* own_record = nullptr;
constinit thread_local bool thread_ends = false;

/// Ends the thread's record. What uses tapes still later, in static destructors, gets records that live as long as their tapes.
struct RecordOwner {
    ~RecordOwner() {
        thread_ends = true;
        delete std::exchange(own_record, nullptr);
    }
};

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> blocks{0};
    constexpr std::uint64_t block = 1024;  // serials are handed to threads in blocks, so that opening a tape touches no shared line
    constinit thread_local std::uint64_t next = 0, end = 0;
    if (next == end) {
        next = blocks.fetch_add(1, std::memory_order_relaxed) * block + 1;
        end = next + block - 1;
    }
    return next++ & ((std::uint64_t{1} << (63 - Origin::node_bits)) - 1);
}

/// All threads' records, for tapes that are destroyed by another thread than their own.
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
        if (thread_ends && tape.record_->scopes.empty()) delete std::exchange(own_record, nullptr);
        return;
    }
    const std::lock_guard lock(records().mutex);
    for (Record* record : records().all)
        if (record->id == tape.owner_) record->closed_elsewhere.fetch_or(Record::bit(tape.depth_), std::memory_order_release);
}

// --- Arena ----------------------------------------------------------------------------------------------------------

Arena::~Arena() { clear(); }

void Arena::next_chunk(std::size_t bytes) {
    std::size_t next = current_;
    while (next < chunks_.size() && chunks_[next].capacity < bytes) ++next;
    if (next == chunks_.size()) {
        std::size_t capacity = std::size_t{64} << 10;
        if (!chunks_.empty()) capacity = std::min(2 * chunks_.back().capacity, std::size_t{4} << 20);
        capacity = std::max(capacity, bytes);
        Chunk chunk{nullptr, capacity, 0};
        chunks_.reserve(chunks_.size() + 1);
        chunk.size_class = size_class_of(capacity);
        chunk.base = static_cast<char*>(detail::allocate(chunk.size_class));
        chunks_.push_back(chunk);
    }
    base_ = chunks_[next].base;
    capacity_ = chunks_[next].capacity;
    used_ = 0;
    current_ = next + 1;
}

Arena::Mark Arena::mark_at(const void* allocated) const {
    const auto* at = static_cast<const char*>(allocated);
    for (std::size_t i = current_; i-- > 0;)
        if (std::less_equal<>()(chunks_[i].base, at) && std::less<>()(at, chunks_[i].base + chunks_[i].capacity))
            return {i + 1, static_cast<std::size_t>(at - chunks_[i].base)};
    return mark();
}

void Arena::rewind(Mark mark) noexcept {
    current_ = mark.chunk;
    used_ = mark.used;
    base_ = current_ ? chunks_[current_ - 1].base : nullptr;
    capacity_ = current_ ? chunks_[current_ - 1].capacity : 0;
    while (chunks_.size() > current_ + 1) {
        release(chunks_.back().base, chunks_.back().size_class);
        chunks_.pop_back();
    }
}

void Arena::clear() noexcept {
    for (const Chunk& c : chunks_) release(c.base, c.size_class);
    chunks_.clear();
    rewind({});
}

// --- ParameterNodes -------------------------------------------------------------------------------------------------

/// Where the identity is, or where it would be added. There is a free slot.
std::size_t ParameterNodes::place_of(std::uint64_t id, std::uint64_t serial) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (id * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (slots_[i].serial == serial && slots_[i].id != id) i = (i + 1) & mask;
    return i;
}

NodeId ParameterNodes::find(std::uint64_t id, std::uint64_t serial) const {
    if (counted_serial_ != serial || slots_.empty()) return no_node;
    const Slot& slot = slots_[place_of(id, serial)];
    return slot.serial == serial ? slot.node : no_node;
}

NodeId* ParameterNodes::find_or_add(std::uint64_t id, std::uint64_t serial) {
    if (counted_serial_ != serial) {
        counted_serial_ = serial;
        used_ = 0;
    }
    if (2 * (used_ + 1) > slots_.size()) {
        std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(64, 2 * slots_.size())));
        used_ = 0;
        for (const Slot& s : old)
            if (s.serial == serial) *find_or_add(s.id, serial) = s.node;
    }
    Slot& slot = slots_[place_of(id, serial)];
    if (slot.serial != serial) {
        slot = {id, serial, no_node};
        ++used_;
    }
    return &slot.node;
}

// --- Record ---------------------------------------------------------------------------------------------------------

Record::Record()
    : id([this] {
          const std::lock_guard lock(records().mutex);
          records().all.push_back(this);
          return ++records().last_id;
      }()) {}

Record::~Record() {
    while (!scopes.empty()) close(static_cast<int>(scopes.size()) - 1);
    const std::lock_guard lock(records().mutex);
    std::erase(records().all, this);
}

void Record::set_active(TapeMask mask) {
    active = mask;
    recording = mask ? this : nullptr;
}

TapeMask Record::open_below(int depth) const {
    TapeMask mask = 0;
    for (int d = 0; d < depth; ++d)
        if (!scopes[static_cast<std::size_t>(d)].finished && !scopes[static_cast<std::size_t>(d)].closed) mask |= bit(d);
    return mask;
}

int Record::open(const TapeOptions& options) {
    settle();
    check<TapeError>(scopes.size() < max_tapes, {}, [] {
        return std::string(
            "Tape: at most 64 tapes may be open on a thread at a time, got one more (functions such as grad, and each checkpoint inside "
            "another, open one)");
    });
    const int depth = static_cast<int>(scopes.size());
    if (depth == 0) {
        serial = next_serial();
        segments.assign(1, {0, serial});
        watchers = 0;
        sources = 0;
        for (auto& r : recent) r = {};
    }
    if (segments.capacity() < segments.size() + max_tapes) segments.reserve(2 * (segments.size() + max_tapes));  // closing must not throw
    scopes.push_back({.start = static_cast<NodeId>(nodes.size()), .mark = arena.mark()});
    const auto choose = [depth](TapeMask mask, bool on) { return on ? mask | bit(depth) : mask & ~bit(depth); };
    watchers = choose(watchers, options.watch_parameters);
    checking = choose(checking, options.check_finite);
    profiling = choose(profiling, options.profile);
    if (options.profile) last_time = now_in_nanoseconds();
    set_active(active | bit(depth));
    return depth;
}

void Record::close(int depth) noexcept {
    scopes[static_cast<std::size_t>(depth)].closed = true;
    set_active(active & ~bit(depth));
    while (!scopes.empty() && scopes.back().closed) {
        const int level = static_cast<int>(scopes.size()) - 1;
        drop_what_nobody_needs(level);
        for (Borrowed& b : borrowed) {
            if (b.node < nodes.size()) nodes[b.node]->scopes &= ~(b.scopes & bit(level));
            else b.scopes = 0;
            b.scopes &= ~bit(level);
        }
        std::erase_if(borrowed, [](const Borrowed& b) { return b.scopes == 0; });
        checking &= ~bit(level);
        profiling &= ~bit(level);
        scopes.pop_back();
    }
    if (!scopes.empty()) return;
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

/// Releases what the tape at `depth`, the last one, recorded and no other may ask for, and drops the end of the list as far as it is that.
void Record::drop_what_nobody_needs(int depth) noexcept {
    const Scope scope = scopes.back();
    const TapeMask needed = open_below(depth);
    std::size_t end = scope.start, released = 0;
    for (std::size_t i = nodes.size(); i-- > scope.start;) {
        Entry& entry = *nodes[i];
        entry.scopes &= ~bit(depth);  // the next tape at this depth is another one
        if (entry.scopes & needed) {
            end = std::max(end, i + 1);
        } else {
            entry.release();
            ++released;
        }
    }
    const std::size_t behind = nodes.size() - end;
    if (depth > 0) scopes[static_cast<std::size_t>(depth) - 1].holes += static_cast<NodeId>(released - behind);
    if (behind > 0) drop_nodes_from(static_cast<NodeId>(end), end == scope.start ? scope.mark : arena.mark_at(nodes[end]));
}

void Record::drop_nodes_from(NodeId end, Arena::Mark mark) noexcept {
    nodes.resize(end);
    arena.rewind(mark);
    last_shape = nullptr;
    for (auto& r : recent)
        if (r.node >= end) r = {};
    while (!segments.empty() && segments.back().start >= end) segments.pop_back();
    segments.push_back({end, serial = next_serial()});
}

void Record::trim() noexcept {
    // Assigning {} to a vector would keep its memory.
    const auto give_back = [](auto&... vectors) { (std::exchange(vectors, std::remove_reference_t<decltype(vectors)>()), ...); };
    settle();
    give_back(spare_slots, spare_marks);
    if (!scopes.empty()) return;
    give_back(nodes, segments, parameters, timings);
    arena.clear();
}

NodeId Record::find_in_segments(std::uint64_t origin) const {
    const NodeId node = Origin::node_of(origin);
    if (node >= nodes.size()) return no_node;
    const auto after = std::upper_bound(segments.begin(), segments.end(), node, [](NodeId n, const Segment& s) { return n < s.start; });
    return std::prev(after)->serial == Origin::serial(origin) ? node : no_node;
}

std::uint64_t Record::origin_of(NodeId node) const {
    const auto after = std::upper_bound(segments.begin(), segments.end(), node, [](NodeId n, const Segment& s) { return n < s.start; });
    return Origin::node(std::prev(after)->serial, node);
}

NodeId Record::used_parameter(std::uint64_t origin) const {
    const NodeId node = parameters.find(origin, parameters_serial());
    return source_of(origin, node) ? node : no_node;
}

Entry* Record::append(const char* name, std::span<const NodeId> inputs, std::span<Tensor> outputs, TapeMask scope_bits,
                      std::size_t closure_bytes, Location where) {
    const std::size_t first = nodes.size();
    if (first + outputs.size() >= Origin::max_nodes) throw_full(name, where);
    if ((checking | profiling) & scope_bits) observe(name, inputs, outputs, scope_bits, where);
    const std::size_t head = Entry::closure_offset(outputs.size(), inputs.size());
    const Shape* shape = shared(outputs[0].shape());
    void* memory = arena.allocate(head + closure_bytes);
    auto* entry = ::new (memory) Entry(name, where, *shape, scope_bits, first, inputs.size(), outputs.size(), outputs[0]);
    for (std::size_t i = 1; i < outputs.size(); ++i) {
        // After the entry's own memory: shapes may be appended to the arena while it is being written.
        entry->more_shapes()[i - 1] = shared(outputs[i].shape());
        if (is_floating(outputs[i].dtype())) entry->dtype = outputs[i].dtype();
    }
    std::copy(inputs.begin(), inputs.end(), entry->input_nodes());
    nodes.insert(nodes.end(), outputs.size(), entry);  // the last that may fail
    for (std::size_t i = 0; i < outputs.size(); ++i)
        TensorAccess::set_origin(outputs[i], is_floating(outputs[i].dtype()) ? Origin::node(serial, static_cast<NodeId>(first + i)) : 0);
    return entry;
}

void Record::throw_full(const char* name, Location where) {
    throw TapeError(at(std::string(name) + ": a tape holds at most 2^27 entries", where));
}

NodeId Record::add_source(Tensor& tensor, const char* name, std::uint64_t origin, TapeMask scope_bits, Location where) {
    Entry* entry = append(name, {}, {&tensor, 1}, scope_bits, sizeof(std::uint64_t), where);
    entry->is_source = true;
    ++sources;
    entry->source() = origin ? origin : TensorAccess::origin(tensor);
    return entry->first_node;
}

NodeId Record::node_of_parameter(const Tensor& tensor, std::uint64_t origin) {
    const TapeMask watching = watchers & (active | adopt);
    NodeId* node = parameters.find_or_add(origin, parameters_serial());
    Entry* entry = source_of(origin, *node);
    if (entry && entry->scopes) {
        if (const TapeMask more = watching & ~entry->scopes) borrowed.push_back({*node, more});
        entry->scopes |= watching;
    } else if (watching == 0) return no_node;
    else {
        Tensor leaf = tensor;
        *node = add_source(leaf, "parameter", origin, watching, {});
        entry = nodes[*node];
    }
    recent[origin & 7] = {origin, *node};
    return if_recorded(*node);
}

bool Record::adopt_node(NodeId node) {
    Entry& entry = *nodes[node];
    if (!(entry.scopes & adopt)) return false;
    entry.scopes |= bit(adopt_depth);
    for (NodeId k = 0; k < entry.outputs; ++k) adopted.push_back(entry.first_node + k);  // they share the mark
    return true;
}

// --- apply ----------------------------------------------------------------------------------------------------------

NewEntry record(const char* name, std::span<const Tensor> inputs, std::span<Tensor> outputs, std::size_t closure_bytes, Location where) {
    constexpr std::size_t usual = 16;
    NodeId few[usual];
    std::vector<NodeId> many;
    NodeId* ids = few;
    if (inputs.size() > usual) {
        many.resize(inputs.size());
        ids = many.data();
    }
    Record& r = *recording;
    TapeMask scope_bits = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        ids[i] = inputs[i].defined() ? r.node_of(inputs[i]) : no_node;
        if (ids[i] != no_node) scope_bits |= r.nodes[ids[i]]->scopes & r.active;
    }
    Entry* entry = r.append(name, {ids, inputs.size()}, outputs, scope_bits, closure_bytes, where);
    return {entry->closure(), &entry->behaviour};
}

bool any_tracked(std::span<const Tensor> inputs) {
    if (!recording) return false;
    return std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return is_tracked(t); });
}

std::size_t inputs_of(const Entry& entry) { return entry.inputs; }
std::size_t outputs_of(const Entry& entry) { return entry.outputs; }

void throw_wrong_number_of_parts(const Entry& entry, std::size_t got) {
    throw TapeError(at(std::string(entry.name) + ": a pullback must return one cotangent per input, got " + std::to_string(got) + " for " +
                           std::to_string(entry.inputs),
                       entry.where()));
}

void throw_wrong_number_of_inputs(const char* name, std::size_t got) {
    throw ValueError(std::string(name) + ": the function takes another number of tensors, got " + std::to_string(got));
}

}  // namespace xgrad::detail
