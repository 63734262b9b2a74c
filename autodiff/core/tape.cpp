#include "tape.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "detail/record.hpp"

namespace xgrad {

NoRecording::NoRecording() noexcept : paused_(detail::recording) {
    if (!paused_) return;
    tapes_ = paused_->active;
    paused_->set_active(0);
}
NoRecording::~NoRecording() {
    // Tapes opened in the meantime keep recording; those that have closed or computed their gradient do not resume.
    if (paused_) paused_->set_active(paused_->active | (tapes_ & paused_->unfinished()));
}

bool tracked(const Tensor& tensor) {
    if (detail::recording) detail::recording->settle();
    return tensor.defined() && detail::is_tracked(tensor);
}

Tensor stop_gradient(const Tensor& x) { return detail::TensorAccess::constant(x); }

// --- Parameter -------------------------------------------------------------------------------------------------------

void Parameter::identify() {
    static std::atomic<std::uint64_t> last{0};
    if (id_ == 0) id_ = ++last | detail::Origin::parameter_bit;
    detail::TensorAccess::set_origin(*this, frozen_ || !is_floating(defined() ? dtype() : DType::f32) ? 0 : id_);
}

namespace {

/// Whether `t` is a result that a tape records, so that its gradient would be lost. This is not so for another
/// parameter, whose value is copied.
bool is_recorded_result(const Tensor& t) {
    return !detail::Origin::is_parameter(detail::TensorAccess::origin(t)) && t.defined() && detail::is_tracked(t);
}

}  // namespace

void Parameter::check_value(const Tensor& value) const {
    check<TapeError>(!is_recorded_result(value), {}, [&] {
        return "Parameter: the value must be a constant, got a tensor of shape " + to_string(value.shape()) +
               " that a tape records, whose gradient would end here; compute with the tensor itself, or assign "
               "stop_gradient(tensor)";
    });
    const detail::Record* record = detail::record_if_any();
    if (id_ == 0 || !record || record->open.empty() || !value.defined()) return;
    // Find a source for it that some tape still needs; the last one may have belonged to another tape alone.
    detail::NodeId node = record->last_capture(id_);
    while (node != detail::no_node && !(record->nodes[node]->tapes & record->unfinished()))
        node = record->nodes[node]->captured_before();
    if (node == detail::no_node) return;
    const detail::Entry& entry = *record->nodes[node];
    check<TapeError>(*entry.shape == value.shape() && entry.dtype == value.dtype(), {}, [&] {
        return "Parameter: shape and type must stay " + to_string(*entry.shape) + " " + name_of(entry.dtype) +
               " while a tape that has used the parameter records, got " + to_string(value.shape()) + " " +
               name_of(value.dtype());
    });
}

Parameter::Parameter(const Tensor& value) : Tensor(value) {
    check_value(value);
    identify();
}
Parameter::Parameter(const Parameter& other) : Tensor(other), frozen_(other.frozen_) {
    if (!other.bound() || !tracked(other)) identify();
}
Parameter::Parameter(Parameter&& other) noexcept
    : Tensor(std::move(other)), id_(std::exchange(other.id_, 0)), frozen_(other.frozen_) {}
Parameter& Parameter::operator=(const Tensor& value) {
    check_value(value);
    Tensor::operator=(value);
    identify();
    return *this;
}
Parameter& Parameter::operator=(const Parameter& other) {
    if (other.bound()) bind(other);
    else *this = other.value();
    return *this;
}
bool Parameter::bound() const {
    const std::uint64_t origin = detail::TensorAccess::origin(*this);
    return origin != 0 && origin != id_;
}
void Parameter::bind(const Tensor& tensor) {
    if (tracked(tensor)) Tensor::operator=(tensor);
    else *this = tensor;
}
Tensor Parameter::value() const { return stop_gradient(*this); }
Tensor Parameter::release() {
    Tensor value = detail::TensorAccess::constant(std::move(static_cast<Tensor&>(*this)));
    identify();
    return value;
}
void Parameter::freeze(bool frozen) {
    if (frozen == frozen_) return;  // a binding is kept
    frozen_ = frozen;
    identify();
}

// --- Gradients -------------------------------------------------------------------------------------------------------

const Tensor* Gradients::find(const Tensor& source) const {
    const std::uint64_t origin = detail::TensorAccess::origin(source);
    const auto at = std::lower_bound(found_.begin(), found_.end(), origin,
                                     [](const auto& entry, std::uint64_t key) { return entry.first < key; });
    return origin != 0 && at != found_.end() && at->first == origin ? &at->second : nullptr;
}

const Tensor& Gradients::operator[](const Tensor& source) const {
    if (const Tensor* gradient = find(source)) return *gradient;
    const std::uint64_t origin = detail::TensorAccess::origin(source);
    if (origin == 0)
        throw TapeError("Gradients: no gradient for a constant of shape " + to_string(source.shape()) +
                        "; use the tensor that Tape::watch returned");
    throw TapeError(
        "Gradients: y does not depend on this tensor of shape " + to_string(source.shape()) +
        ", or it is an intermediate result (name it as a source: tape.gradient(y, x)); find() tells without an error");
}

// --- Tape ------------------------------------------------------------------------------------------------------------

Tape::Tape(TapeOptions options)
    : record_(&detail::record_of_this_thread()),
      owner_(record_->id),
      depth_(record_->open_tape(options)),
      options_(options) {}

Tape::~Tape() { detail::TapeAccess::close(*this); }

std::size_t Tape::size() const {
    const detail::Record& r = detail::TapeAccess::record(*this, "Tape::size", {});
    std::size_t size = r.nodes.size() - r.at(depth_).start;
    for (std::size_t d = static_cast<std::size_t>(depth_); d < r.open.size(); ++d) size -= r.open[d].holes;
    return size;
}

Tensor Tape::watch(const Tensor& tensor, Location where) {
    detail::Record& r = detail::TapeAccess::record(*this, "Tape::watch", where);
    check<TapeError>(!used_, where, [] {
        return std::string("Tape::watch: the tape has taken its gradient; open a new one, or make it persistent");
    });
    check<DTypeError>(is_floating(tensor.dtype()), where, [&] {
        return std::string("Tape::watch: only f32 and f64 have gradients, got ") + name_of(tensor.dtype());
    });
    // If it is already recorded, for an outer tape or this one, the new source passes its gradient on.
    const detail::NodeId before = detail::recording ? r.node_to_watch(depth_, tensor) : detail::no_node;
    const detail::TapeMask others = before == detail::no_node ? 0 : r.nodes[before]->tapes & r.active;
    Tensor watched = stop_gradient(tensor);
    r.append_source(watched, "watch", before, nullptr, detail::Record::bit(depth_) | others, where);
    return watched;
}

}  // namespace xgrad
