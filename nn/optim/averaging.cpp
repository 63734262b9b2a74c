#include "averaging.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/ops/nn/update.hpp>

namespace xgrad::nn {

namespace {

/// The parameters and buffers of a model, each once.
struct Leaves final : Visitor {
    explicit Leaves(ModelRef model) : parameters(detail::parameters(model)) { model.visit(*this); }
    void buffer(const Path&, Tensor& t) override {
        if (std::find(buffers.begin(), buffers.end(), &t) == buffers.end()) buffers.push_back(&t);
    }
    std::vector<Parameter*> parameters;
    std::vector<Tensor*> buffers;
};

void check_alike(const char* name, const Tensor& averaged, const Tensor& given, Location where) {
    check<ValueError>(averaged.shape() == given.shape() && averaged.dtype() == given.dtype(), where, [&] {
        return std::string(name) + ": the model must keep its structure, got " + to_string(given.shape()) + " " +
               name_of(given.dtype()) + " for " + to_string(averaged.shape()) + " " + name_of(averaged.dtype());
    });
}

}  // namespace

void detail::average(const char* name, ModelRef averaged, ModelRef model, double rate, bool use_buffers,
                     Location where) {
    const Leaves to(averaged), from(model);
    check<ValueError>(
        to.parameters.size() == from.parameters.size() && to.buffers.size() == from.buffers.size(), where, [&] {
            return std::string(name) + ": the model must keep its structure, got " +
                   std::to_string(from.parameters.size()) + " parameters for " + std::to_string(to.parameters.size());
        });
    const std::size_t n = to.parameters.size();
    for (std::size_t i = 0; i < n; ++i) {
        check_alike(name, *to.parameters[i], *from.parameters[i], where);
        check<ValueError>(to.parameters[i] != from.parameters[i], where, [&] {
            return std::string(name) +
                   ": a copy of the model must have parameters of its own, got one that shares a layer through a "
                   "pointer";
        });
    }
    for (std::size_t i = 0; i < to.buffers.size(); ++i) check_alike(name, *to.buffers[i], *from.buffers[i], where);

    std::vector<Tensor> values(n), given(n);
    std::vector<ParameterUpdate> changes;
    const updates::Average rule{rate};
    for (std::size_t i = 0; i < n; ++i) {
        if (rate == 1 || !is_floating(to.parameters[i]->dtype())) continue;
        given[i] = from.parameters[i]->value();
        values[i] = to.parameters[i]->release();
        changes.push_back({&values[i], &given[i], {}, rule});
    }
    for (std::size_t i = 0; i < to.buffers.size(); ++i) {
        if (rate == 1 || !use_buffers || !is_floating(to.buffers[i]->dtype()))
            *to.buffers[i] = stop_gradient(*from.buffers[i]);
        else changes.push_back({to.buffers[i], from.buffers[i], {}, rule});
    }
    update_parameters(changes);
    for (std::size_t i = 0; i < n; ++i)
        *to.parameters[i] = values[i].defined() ? values[i] : from.parameters[i]->value();
}

}  // namespace xgrad::nn
