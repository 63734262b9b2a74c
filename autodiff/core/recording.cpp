#include "recording.hpp"

#include <algorithm>
#include <string>

#include "detail/record.hpp"

// The part of apply() that does not depend on the operation's type.

namespace xgrad {

using detail::NodeId;

Needs Saved::all_needs() const { return pull_.needs; }
const Shape& Saved::shape(std::size_t i) const {
    const NodeId node = pull_.entry.input_nodes()[i];
    return pull_.record.nodes[node]->shape_of(node);
}
const Shape& Saved::result_shape(std::size_t j) const {
    return pull_.entry.shape_of(pull_.entry.first_node + static_cast<NodeId>(j));
}
const Tensor& Saved::none() {
    static const Tensor empty;
    return empty;
}

namespace detail {

// --- pulling back ----------------------------------------------------------------------------------------------------

std::span<const Tensor> Pull::all_cotangents() const { return {cotangents, entry.outputs}; }
std::span<Tensor> Pull::all_parts() const { return {parts, entry.inputs}; }

bool Pull::recorded(std::span<const Tensor> saved) const {
    if (!recording) return false;
    const auto tracked_one = [](const Tensor& t) { return is_tracked(t); };
    const std::span<const Tensor> g = all_cotangents();
    return recording->trace || std::any_of(g.begin(), g.end(), tracked_one) ||
           std::any_of(saved.begin(), saved.end(), tracked_one);
}

void Pull::throw_wrong_number(std::size_t got) const {
    throw TapeError(at(std::string(entry.name) + ": a pullback must return one cotangent per input, got " +
                           std::to_string(got) + " for " + std::to_string(entry.inputs),
                       entry.where()));
}

// --- running ---------------------------------------------------------------------------------------------------------

Inputs::Inputs(std::span<const Ref> tensors, bool differentiable) {
    reserve(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) find(i, *tensors[i].tensor, differentiable ? recording : nullptr);
}
Inputs::Inputs(std::span<const Tensor> tensors, bool differentiable) {
    reserve(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) find(i, tensors[i], differentiable ? recording : nullptr);
}

void Inputs::reserve(std::size_t count) {
    if (count > inline_inputs) {
        heap_tensors_.resize(count);
        heap_nodes_.resize(count);
        tensors_ = heap_tensors_;
        nodes_ = heap_nodes_;
    } else {
        tensors_ = {inline_tensors_, count};
        nodes_ = {inline_nodes_, count};
    }
    traced_ = recording && recording->trace;
}

void Inputs::find(std::size_t i, const Tensor& tensor, Record* record) {
    tensors_[i] = &tensor;
    nodes_[i] = record && tensor.defined() ? record->node_of(tensor) : no_node;
    if (nodes_[i] != no_node) tapes_ |= record->nodes[nodes_[i]]->tapes & record->active;
}

Needs Inputs::needs() const {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < nodes_.size() && i < 64; ++i)
        if (nodes_[i] != no_node) bits |= std::uint64_t{1} << i;
    return Needs(bits);
}

Inputs::NewEntry Inputs::append(const char* name, std::span<Tensor> outputs, std::size_t closure_bytes,
                                Location where) const {
    Entry* entry = recording->append(name, nodes_, outputs, tapes_, closure_bytes, where);
    return {entry->closure(), &entry->kind};
}

void Inputs::save(Tensor* to, Saves saves, std::span<const Tensor> outputs) const noexcept {
    for (std::uint32_t rest = saves.inputs; rest; rest &= rest - 1)
        ::new (to++) Tensor(*tensors_[static_cast<std::size_t>(__builtin_ctz(rest))]);
    for (std::uint32_t rest = saves.outputs; rest; rest &= rest - 1)
        ::new (to++) Tensor(outputs[static_cast<std::size_t>(__builtin_ctz(rest))]);
}

void Inputs::trace(const OperationType& type, const void* op, std::span<const Tensor> outputs, Location where) const {
    TracedRun run{AnyOperation(type, op), {}, {outputs.begin(), outputs.end()}, where};
    for (const Tensor* tensor : tensors_) run.inputs.push_back(*tensor);
    recording->trace->runs.push_back(std::move(run));
}

InsideOperation::InsideOperation() : paused_(recording) {
    if (!paused_) return;
    Record& r = *paused_;
    tapes_ = std::exchange(r.active, 0);
    visible_ = std::exchange(r.visible, 0);
    start_ = std::exchange(r.start, 0);
    trace_ = std::exchange(r.trace, nullptr);
    changes_ = r.changes;
    recording = nullptr;
}
InsideOperation::~InsideOperation() {
    if (!paused_) return;
    Record& r = *paused_;
    r.trace = trace_;
    if (r.changes != changes_) {  // the operation has opened or closed tapes
        r.set_active(r.active | (tapes_ & r.unfinished()));
        return;
    }
    r.active = tapes_;
    r.visible = visible_;
    r.start = start_;
    recording = paused_;
}

void add_output(std::vector<Tensor>& outputs, Tensor&& output) { outputs.push_back(std::move(output)); }
Attributes no_attributes(const void*) { return {}; }

bool any_tracked(std::span<const Tensor> inputs) {
    if (!recording) return false;
    return std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return is_tracked(t); });
}

void throw_wrong_number_of_inputs(const char* name, std::size_t got) {
    throw ValueError(std::string(name) + ": the function takes another number of tensors, got " + std::to_string(got));
}
void throw_unknown_input(const char* name, std::size_t inputs, Location where) {
    throw ValueError(at(std::string(name) + ": `saves` must name inputs that the operation has, got one beyond the " +
                            std::to_string(inputs),
                        where));
}
void throw_too_many_outputs(const char* name, std::size_t outputs, Location where) {
    throw ValueError(at(std::string(name) + ": a pullback can read up to 32 outputs, got " + std::to_string(outputs) +
                            "; capture what it needs, or leave out the parameter for outputs",
                        where));
}
void throw_no_output(const char* name, Location where) {
    throw ValueError(at(std::string(name) + ": the forward function must return a tensor, got none", where));
}

}  // namespace detail
}  // namespace xgrad
