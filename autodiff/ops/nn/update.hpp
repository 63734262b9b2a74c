#pragma once

#include <array>
#include <span>

#include "autodiff/core/tensor.hpp"
#include "autodiff/rules/update.hpp"

// Fused parameter updates for optimizers: one pass over memory, in place if there is no other handle to the buffers.
// Not differentiable.

namespace xgrad {

/// One of the rules in rules/update.hpp with its constants.
class UpdateRule {
public:
    template <class Rule>
        requires updates::All::contains<Rule>
    UpdateRule(const Rule& rule) : id_(static_cast<int>(updates::All::index_of<Rule>())), states_(rule.states()) {
        static_assert(sizeof(Rule) <= sizeof constants_);
        ::new (static_cast<void*>(constants_)) Rule(rule);
    }
    int id() const { return id_; }
    unsigned states() const { return states_; }
    const void* constants() const { return constants_; }

private:
    int id_;
    unsigned states_;
    alignas(double) unsigned char constants_[88];
};

/// The update of one parameter. It does not own the tensors.
struct ParameterUpdate {
    Tensor* weight;
    const Tensor* gradient;
    std::array<Tensor*, 3> states;  ///< states that the rule does not use may be null or empty
    UpdateRule rule;
};

/// Runs all updates, distributing the work of small and large parameters evenly among the threads. Weight, gradient and
/// states of a parameter must have the same shape and dtype (ShapeError, DTypeError, ValueError for an empty tensor);
/// after an error nothing has changed.
XGRAD_API void update_parameters(std::span<const ParameterUpdate> updates);

/// Scales the rows of `weight` (n, width) at `indices` whose p-norm is above max_norm by max_norm / (norm + 1e-7), like
/// torch.embedding_renorm_. IndexError unless every index is in [0, n).
XGRAD_API void renorm_rows(Tensor& weight, const Tensor& indices, double max_norm, double p,
                           Location where = Location::current());

}  // namespace xgrad
