#include "trace.hpp"

#include <memory>

#include "autodiff/core/apply.hpp"
#include "record.hpp"

namespace xgrad::detail {

namespace {

/// An operation constructed by `construct` in newly allocated memory.
template <class F>
std::shared_ptr<void> make_operation(const OperationType& type, const F& construct) {
    std::unique_ptr<void, void (*)(void*)> memory(::operator new(type.bytes), [](void* p) { ::operator delete(p); });
    construct(memory.get());
    return std::shared_ptr<void>(memory.release(), [destroy = type.destroy](void* operation) {
        destroy(operation);
        ::operator delete(operation);
    });
}

}  // namespace

AnyOperation::AnyOperation(const OperationType& type, const void* operation) : type_(&type) {
    if (type.copy) operation_ = make_operation(type, [&](void* to) { type.copy(to, operation); });
}

AnyOperation AnyOperation::with(const Attributes& attributes) const {
    check<ValueError>(is_data(), {}, [&] {
        return std::string(name()) + ": the operation must be made of attributes, got a user's function";
    });
    return {*type_, make_operation(*type_, [&](void* to) { type_->create(to, attributes); })};
}

std::vector<Tensor> AnyOperation::run(std::span<const Tensor> inputs) const {
    check<ValueError>(can_run(), {}, [&] {
        return std::string(name()) +
               ": the operation must be one that can be run again, got a function without inputs, or one that cannot "
               "be copied";
    });
    const InsideOperation inside;
    std::vector<Tensor> outputs;
    type_->run(operation_.get(), inputs, outputs);
    for (Tensor& output : outputs) TensorAccess::set_origin(output, 0);
    return outputs;
}

Trace::Trace() {
    Record& record = record_of_this_thread();
    before_ = std::exchange(record.trace, this);
    record.set_active(record.active);
}
Trace::~Trace() {
    Record& record = record_of_this_thread();
    record.trace = before_;
    record.set_active(record.active);
}

}  // namespace xgrad::detail
