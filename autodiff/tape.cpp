#include "tape.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "ops/elementwise.hpp"
#include "record.hpp"

namespace xgrad {
namespace detail {

thread_local Record* recording = nullptr;

Record& record_of_this_thread() {
    thread_local Record record;
    return record;
}

namespace {

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> blocks{0};
    constexpr std::uint64_t block = 1024;  // serials are handed to threads in blocks, so that opening a tape touches no shared line
    thread_local std::uint64_t next = 0, end = 0;
    if (next == end) {
        next = blocks.fetch_add(1, std::memory_order_relaxed) * block + 1;
        end = next + block - 1;
    }
    return next++ & ((std::uint64_t{1} << (63 - Origin::node_bits)) - 1);
}

}  // namespace

// --- Arena ----------------------------------------------------------------------------------------------------------

Arena::~Arena() {
    for (const Chunk& c : chunks_) release(c.base, c.size_class);
}

void Arena::next_chunk(std::size_t bytes) {
    while (current_ < chunks_.size() && chunks_[current_].capacity < bytes) ++current_;
    if (current_ == chunks_.size()) {
        std::size_t capacity = std::size_t{64} << 10;
        if (!chunks_.empty()) capacity = std::min(2 * chunks_.back().capacity, std::size_t{4} << 20);
        capacity = std::max(capacity, bytes);
        Chunk chunk{nullptr, capacity, 0};
        chunks_.reserve(chunks_.size() + 1);
        chunk.size_class = size_class_of(capacity);
        chunk.base = static_cast<char*>(detail::allocate(chunk.size_class));
        chunks_.push_back(chunk);
    }
    base_ = chunks_[current_].base;
    capacity_ = chunks_[current_].capacity;
    used_ = 0;
    ++current_;
}

void Arena::rewind(Mark mark) {
    current_ = mark.chunk;
    used_ = mark.used;
    base_ = current_ ? chunks_[current_ - 1].base : nullptr;
    capacity_ = current_ ? chunks_[current_ - 1].capacity : 0;
}

// --- ParameterNodes -------------------------------------------------------------------------------------------------

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
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (id * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (slots_[i].serial == serial && slots_[i].id != id) i = (i + 1) & mask;
    if (slots_[i].serial != serial) {
        slots_[i] = {id, serial, no_node};
        ++used_;
    }
    return &slots_[i].node;
}

// --- Record ---------------------------------------------------------------------------------------------------------

void Record::set_active(std::uint32_t mask) {
    active = mask;
    recording = mask ? this : nullptr;
}

std::uint32_t Record::open_below(int depth) const {
    std::uint32_t mask = 0;
    for (int d = 0; d < depth; ++d)
        if (!scopes[static_cast<std::size_t>(d)].finished && !scopes[static_cast<std::size_t>(d)].closed) mask |= bit(d);
    return mask;
}

int Record::open(const TapeOptions& options) {
    check<TapeError>(scopes.size() < 32, {}, [] { return std::string("Tape: at most 32 tapes may be open at a time, got one more"); });
    if (scopes.empty()) {
        serial = next_serial();
        watchers = 0;
        sources = 0;
        for (auto& r : recent) r = {};
    }
    const int depth = static_cast<int>(scopes.size());
    scopes.push_back({static_cast<NodeId>(nodes.size()), arena.mark()});
    const auto choose = [depth](std::uint32_t mask, bool on) { return on ? mask | bit(depth) : mask & ~bit(depth); };
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
        const Scope scope = scopes.back();
        const int level = static_cast<int>(scopes.size()) - 1;
        const std::uint32_t needed = open_below(level);
        bool all_released = true;
        for (std::size_t i = nodes.size(); i-- > scope.start;) {
            if (!nodes[i]) continue;
            nodes[i]->scopes &= ~bit(level);  // the next tape at this depth is another one
            if (nodes[i]->scopes & needed) all_released = false;
            else nodes[i]->release();
        }
        if (level == 0) {
            nodes.clear();
            arena.rewind({});
            last_shape = nullptr;
        } else if (all_released) {
            std::fill(nodes.begin() + scope.start, nodes.end(), nullptr);
            arena.rewind(scope.mark);
            last_shape = nullptr;
        }
        for (Borrowed& b : borrowed) {
            if (nodes.size() > b.node && nodes[b.node]) nodes[b.node]->scopes &= ~(b.scopes & bit(level));
            b.scopes &= ~bit(level);
        }
        std::erase_if(borrowed, [](const Borrowed& b) { return b.scopes == 0; });
        checking &= ~bit(level);
        profiling &= ~bit(level);
        scopes.pop_back();
    }
    if (scopes.empty()) {
        serial = 0;
        timings.clear();
    }
}

Entry* Record::append(const char* name, std::span<const NodeId> inputs, std::span<Tensor> outputs, std::uint32_t scope_bits,
                      std::size_t closure_bytes, Location where) {
    const std::size_t first = nodes.size();
    if (first + outputs.size() >= Origin::max_nodes) throw_full(name, where);
    if ((checking | profiling) & scope_bits) observe(name, inputs, outputs, scope_bits, where);
    const std::size_t head = Entry::closure_offset(outputs.size(), inputs.size());
    const Shape* shape = shared(outputs[0].shape());
    void* memory = arena.allocate(head + closure_bytes);
    auto* entry = ::new (memory) Entry{nullptr,
                                       name,
                                       where.file,
                                       shape,
                                       where.line,
                                       static_cast<NodeId>(first),
                                       static_cast<std::uint32_t>(outputs.size()),
                                       static_cast<std::uint32_t>(inputs.size()),
                                       scope_bits,
                                       outputs[0].dtype(),
                                       false,
                                       outputs[0].size() >= least_block_elements};
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const DType dtype = outputs[i].dtype();
        if (i > 0) {
            // After the entry's own memory: shapes may be appended to the arena while it is being written.
            entry->more_shapes()[i - 1] = shared(outputs[i].shape());
            if (is_floating(dtype)) entry->dtype = dtype;
        }
        nodes.push_back(entry);
        TensorAccess::set_origin(outputs[i], is_floating(dtype) ? Origin::node(serial, static_cast<NodeId>(first + i)) : 0);
    }
    NodeId* ids = entry->input_nodes();
    for (std::size_t i = 0; i < inputs.size(); ++i) ids[i] = inputs[i];
    return entry;
}

void Record::throw_full(const char* name, Location where) {
    throw TapeError(at(std::string(name) + ": a tape holds at most 2^27 entries", where));
}

NodeId Record::add_source(Tensor& tensor, const char* name, std::uint64_t origin, std::uint32_t scope_bits, Location where) {
    Entry* entry = append(name, {}, {&tensor, 1}, scope_bits, sizeof(std::uint64_t), where);
    entry->is_source = true;
    ++sources;
    entry->source() = origin ? origin : Origin::node(serial, entry->first_node);
    return entry->first_node;
}

NodeId Record::node_of_parameter(const Tensor& tensor, std::uint64_t origin) {
    const std::uint32_t watching = watchers & (active | adopt);
    NodeId* node = parameters.find_or_add(origin, serial);
    Entry* entry = *node == no_node ? nullptr : nodes[*node];
    if (entry && entry->scopes) {
        if (const std::uint32_t more = watching & ~entry->scopes) borrowed.push_back({*node, more});
        entry->scopes |= watching;
    } else if (watching == 0) return no_node;
    else {
        Tensor leaf = tensor;
        *node = add_source(leaf, "parameter", origin, watching, {});
        entry = nodes[*node];
    }
    recent[origin & 7] = {origin, *node};
    return (entry->scopes & active) || (adopt && adopt_node(*node)) ? *node : no_node;
}

bool Record::adopt_node(NodeId node) {
    if (!(nodes[node]->scopes & adopt)) return false;
    nodes[node]->scopes |= bit(adopt_depth);
    adopted.push_back(node);
    return true;
}

// --- apply ----------------------------------------------------------------------------------------------------------

void* record(const Behaviour& behaviour, const char* name, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
             std::size_t closure_bytes, Location where) {
    constexpr std::size_t usual = 16;
    NodeId few[usual];
    std::vector<NodeId> many;
    NodeId* ids = few;
    if (inputs.size() > usual) {
        many.resize(inputs.size());
        ids = many.data();
    }
    Record& r = *recording;
    std::uint32_t scope_bits = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        ids[i] = inputs[i]->defined() ? r.node_of(*inputs[i]) : no_node;
        if (ids[i] != no_node) scope_bits |= r.nodes[ids[i]]->scopes & r.active;
    }
    Entry* entry = r.append(name, {ids, inputs.size()}, outputs, scope_bits, closure_bytes, where);
    entry->behaviour = &behaviour;
    return entry->closure();
}

void record_inputs(const Behaviour& behaviour, const char* name, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                   std::size_t closure_bytes, Location where, void*& place) {
    constexpr std::size_t usual = 16;
    const Tensor* few[usual];
    std::vector<const Tensor*> many;
    const Tensor** pointers = few;
    if (inputs.size() > usual) {
        many.resize(inputs.size());
        pointers = many.data();
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) pointers[i] = &inputs[i];
    place = record(behaviour, name, {pointers, inputs.size()}, outputs, closure_bytes, where);
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

Pause::Pause() noexcept : paused_(recording) {
    if (!paused_) return;
    mask_ = paused_->active;
    paused_->set_active(0);
}
Pause::~Pause() {
    if (paused_) paused_->set_active(mask_);
}

}  // namespace detail

bool tracked(const Tensor& tensor) { return tensor.defined() && detail::is_tracked(tensor); }

Tensor stop_gradient(const Tensor& x) { return detail::TensorAccess::constant(x); }

// --- Parameter ------------------------------------------------------------------------------------------------------

void Parameter::identify() {
    static std::atomic<std::uint64_t> last{0};
    if (id_ == 0) id_ = ++last | detail::Origin::parameter_bit;
    detail::TensorAccess::set_origin(*this, frozen_ || !is_floating(defined() ? dtype() : DType::f32) ? 0 : id_);
}

Parameter::Parameter(const Tensor& value) : Tensor(value) { identify(); }
Parameter::Parameter(const Parameter& other) : Tensor(other), frozen_(other.frozen_) { identify(); }
Parameter::Parameter(Parameter&& other) noexcept : Tensor(std::move(other)), id_(std::exchange(other.id_, 0)), frozen_(other.frozen_) {}
Parameter& Parameter::operator=(const Tensor& value) {
    Tensor::operator=(value);
    identify();
    return *this;
}
Tensor Parameter::value() const { return stop_gradient(*this); }
Tensor Parameter::release() {
    Tensor value = detail::TensorAccess::constant(std::move(static_cast<Tensor&>(*this)));
    identify();
    return value;
}
void Parameter::freeze(bool frozen) {
    frozen_ = frozen;
    identify();
}

// --- Gradients ------------------------------------------------------------------------------------------------------

const Unconnected Unconnected::absent{};
const Unconnected Unconnected::zeros{&xgrad::zeros};

const Tensor* Gradients::find(const Tensor& source) const {
    const std::uint64_t origin = detail::TensorAccess::origin(source);
    const auto at =
        std::lower_bound(found_.begin(), found_.end(), origin, [](const auto& entry, std::uint64_t key) { return entry.first < key; });
    return origin != 0 && at != found_.end() && at->first == origin ? &at->second : nullptr;
}

const Tensor& Gradients::operator[](const Tensor& source) const {
    if (const Tensor* gradient = find(source)) return *gradient;
    const std::uint64_t origin = detail::TensorAccess::origin(source);
    if (origin == 0)
        throw TapeError("Gradients: no gradient for a constant of shape " + to_string(source.shape()) +
                        "; use the tensor that Tape::watch returned");
    throw TapeError("Gradients: y does not depend on this tensor of shape " + to_string(source.shape()) +
                    ", or it is an intermediate result (name it as a source: tape.gradient(y, x)); find() tells without an error");
}

// --- Tape -----------------------------------------------------------------------------------------------------------

Tape::Tape(TapeOptions options) : record_(&detail::record_of_this_thread()), options_(options), thread_(std::this_thread::get_id()) {
    depth_ = record_->open(options_);
}

Tape::~Tape() {
    if (thread_ == std::this_thread::get_id()) record_->close(depth_);
}

std::size_t Tape::size() const { return record_->nodes.size() - record_->scopes[static_cast<std::size_t>(depth_)].start; }

namespace {
void check_thread(std::thread::id owner, const char* what, Location where) {
    check<TapeError>(owner == std::this_thread::get_id(), where, [&] {
        return std::string(what) + ": a tape must be used by the thread that opened it, got a call from another thread";
    });
}
}  // namespace

Tensor Tape::watch(const Tensor& tensor, Location where) {
    check_thread(thread_, "Tape::watch", where);
    check<TapeError>(!used_, where,
                     [] { return std::string("Tape::watch: the tape has taken its gradient; open a new one, or make it persistent"); });
    check<DTypeError>(is_floating(tensor.dtype()), where,
                      [&] { return std::string("Tape::watch: only f32 and f64 have gradients, got ") + name_of(tensor.dtype()); });
    detail::Record& r = *record_;
    const std::uint32_t own = detail::Record::bit(depth_);
    const detail::NodeId before = detail::recording ? r.node_of(tensor) : detail::no_node;
    Tensor watched = stop_gradient(tensor);
    if (before == detail::no_node) {
        r.add_source(watched, "watch", 0, own, where);
    } else {
        // Already recorded, for an outer tape or this one: a source of its own that passes its gradient on.
        struct Identity {
            static void pull(void*, detail::Entry&, Tensor* cotangents, Needs, Tensor* parts) { parts[0] = std::move(*cotangents); }
            static void forward(void*, std::span<const Tensor> inputs, Tensor* outputs) { *outputs = inputs[0]; }
            static void destroy(void*) noexcept {}
        };
        static constexpr detail::Behaviour identity{&Identity::pull, &Identity::forward, &Identity::destroy, detail::Cotangents::thin};
        detail::Entry* entry =
            r.append("watch", {&before, 1}, {&watched, 1}, own | (r.nodes[before]->scopes & r.active), sizeof(std::uint64_t), where);
        entry->behaviour = &identity;
        entry->is_source = true;
        ++r.sources;
        entry->source() = detail::Origin::node(r.serial, entry->first_node);
    }
    return watched;
}

}  // namespace xgrad
