#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autodiff/core/operation.hpp"

// A list of all operations that have run, recorded or not, with their inputs and outputs. Not for users.

namespace xgrad::detail {

/// A type-erased operation that can be run again.
class XGRAD_API AnyOperation {
public:
    AnyOperation(const OperationType& type, const void* operation);
    const char* name() const { return type_->name; }
    bool can_run() const { return type_->run && operation_; }
    /// All outputs for these inputs, including those that only a pullback reads. Nothing is recorded.
    std::vector<Tensor> run(std::span<const Tensor> inputs) const;
    Attributes attributes() const { return operation_ ? type_->attributes(operation_.get()) : Attributes(); }
    /// Whether the operation is fully described by its attributes: false for a user's functions.
    bool is_data() const { return type_->create; }
    /// An operation of the same type created from these attributes.
    AnyOperation with(const Attributes& attributes) const;

private:
    AnyOperation(const OperationType& type, std::shared_ptr<void> operation)
        : type_(&type), operation_(std::move(operation)) {}
    const OperationType* type_;
    std::shared_ptr<void> operation_;  // null: the operation cannot be copied
};

struct TracedRun {
    AnyOperation operation;
    std::vector<Tensor> inputs, outputs;
    Location where;
};

/// Lists the operations that run on this thread while it exists, including those run by pullbacks, but not those called
/// inside another operation.
class XGRAD_API Trace {
public:
    Trace();
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    std::vector<TracedRun> runs;

private:
    Trace* before_;
};

}  // namespace xgrad::detail
