#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autodiff/core/operation.hpp"

// What has run, as a list: each operation with its inputs and outputs, recorded by tapes or not. Not for users.

namespace xgrad::detail {

/// An operation by its type, which can be run again.
class XGRAD_API AnyOperation {
public:
    AnyOperation(const OperationType& type, const void* operation);
    const char* name() const { return type_->name; }
    bool can_run() const { return type_->run && operation_; }
    /// All outputs for these inputs, those included that only a pullback reads. Nothing is recorded.
    std::vector<Tensor> run(std::span<const Tensor> inputs) const;
    Attributes attributes() const { return operation_ ? type_->attributes(operation_.get()) : Attributes(); }
    /// Whether the operation is its attributes: false for a user's functions.
    bool is_data() const { return type_->create; }
    /// An operation of the same type made of these attributes.
    AnyOperation with(const Attributes& attributes) const;

private:
    AnyOperation(const OperationType& type, std::shared_ptr<void> operation)
        : type_(&type), operation_(std::move(operation)) {}
    const OperationType* type_;
    std::shared_ptr<void> operation_;  // null: it cannot be copied
};

struct TracedRun {
    AnyOperation operation;
    std::vector<Tensor> inputs, outputs;
    Location where;
};

/// Lists what runs on this thread while it lives, what pullbacks run included; what an operation calls is its own
/// business.
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
