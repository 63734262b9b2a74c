#include "transforms.hpp"

#include <autodiff/ops/elementwise.hpp>

namespace xgrad::nn {

namespace detail {
namespace {

struct Leaves final : Visitor {
    void parameter(const Path&, Parameter& p) override {
        if (is_floating(p.dtype())) parameters.push_back(&p);
    }
    void buffer(const Path&, Tensor& t) override {
        if (is_floating(t.dtype())) buffers.push_back(&t);
    }
    std::vector<Parameter*> parameters;
    std::vector<Tensor*> buffers;
};

Leaves leaves_of(ModelRef argument) {
    Leaves leaves;
    argument.visit(leaves);
    return leaves;
}

}  // namespace

std::vector<Tensor> sources(ModelRef argument, Tape& tape) {
    const Leaves leaves = leaves_of(argument);
    std::vector<Tensor> found;
    for (Parameter* p : leaves.parameters) found.push_back(*p);
    if (!leaves.parameters.empty()) return found;
    for (Tensor* t : leaves.buffers) found.push_back(*t = tape.watch(*t));
    return found;
}

void put_gradients(ModelRef result, ModelRef argument, const std::vector<Tensor>& gradients, Location where) {
    const Leaves leaves = leaves_of(result), given = leaves_of(argument);
    const bool has_parameters = !leaves.parameters.empty();
    for (std::size_t i = 0; i < leaves.parameters.size(); ++i) {
        check<ValueError>(leaves.parameters[i] != given.parameters[i], where, [] {
            return std::string(
                "nn::grad: a copy of the model must have parameters of its own, got one that shares a layer through a pointer; "
                "use a tape");
        });
        check<TapeError>(!tracked(gradients[i]), where, [] {
            return std::string("nn::grad: gradients of a model cannot be differentiated again, got an outer tape that records; use tapes");
        });
    }
    for (std::size_t i = 0; i < leaves.parameters.size(); ++i) *leaves.parameters[i] = stop_gradient(gradients[i]);
    for (std::size_t i = 0; i < leaves.buffers.size(); ++i)
        *leaves.buffers[i] = has_parameters ? zeros_like(*leaves.buffers[i]) : gradients[i];
}

}  // namespace detail

std::string to_dot(const Tape& tape, ModelRef model, std::size_t max_entries) {
    DotOptions options;
    for (auto& [name, p] : detail::named_parameters(model)) options.names.emplace_back(p, name);
    options.max_entries = max_entries;
    return xgrad::to_dot(tape, options);
}

}  // namespace xgrad::nn
