#include "gradients.hpp"

#include <algorithm>
#include <cmath>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>

namespace xgrad::nn {

std::vector<Tensor> detail::gradients_of(ModelRef model, const Gradients& gradients) {
    std::vector<Tensor> found;
    for (const Parameter* p : parameters(model)) {
        const Tensor* gradient = gradients.find(*p);
        found.push_back(gradient ? *gradient : Tensor());
    }
    return found;
}

std::vector<std::pair<std::string, double>> detail::gradient_norms(ModelRef model, const Gradients& gradients) {
    std::vector<std::pair<std::string, double>> norms;
    for (const auto& [name, parameter] : named_parameters(model))
        if (const Tensor* gradient = gradients.find(parameter)) norms.emplace_back(name, norm(*gradient).item());
    return norms;
}

std::string detail::why_no_gradients(const std::vector<Parameter*>& parameters, const Gradients* given) {
    if (parameters.empty()) return "the model has no parameters";
    if (std::all_of(parameters.begin(), parameters.end(), [](const Parameter* p) { return p->frozen(); }))
        return "all " + std::to_string(parameters.size()) + " parameters of the model are frozen";
    const std::string none = "no parameter of the model has a gradient: ";
    if (given && given->size() == 0)
        return none +
               "the loss depends on nothing that the tape watched. It must be computed from the model's parameters "
               "while the tape is open";
    return none +
           (given ? "the gradients are those of " + std::to_string(given->size()) + " others. "
                  : "all of them are empty. ") +
           "The model that computed the loss has another copy of the parameters (it was taken or captured by value, or "
           "put into a "
           "Sequential, "
           "which copies), or is another model";
}

ClippedGradients clip_grad_norm(std::vector<Tensor> gradients, double max_norm, const ClipGradNormOptions& options,
                                Location where) {
    check<ValueError>(max_norm >= 0, where, [&] {
        return "clip_grad_norm: max_norm must not be negative, got " + PlainNumber(max_norm).text();
    });
    std::vector<double> norms;
    for (const Tensor& g : gradients)
        if (g.defined() && g.size() > 0) norms.push_back(norm(g, options.norm_type).item());
    ClippedGradients clipped;
    clipped.total_norm = norms.empty() ? 0 : norm(tensor(norms), options.norm_type).item();
    check<ValueError>(!options.error_if_nonfinite || std::isfinite(clipped.total_norm), where, [&] {
        return "clip_grad_norm: the norm must be finite, got " + PlainNumber(clipped.total_norm).text();
    });
    const double factor = max_norm / (clipped.total_norm + 1e-6);
    if (!(factor >= 1))  // also true for NaN, which is passed on
        for (Tensor& g : gradients)
            if (g.defined()) g = std::move(g) * factor;
    static_cast<std::vector<Tensor>&>(clipped) = std::move(gradients);
    return clipped;
}

std::vector<Tensor> clip_grad_value(std::vector<Tensor> gradients, double clip_value, Location where) {
    check<ValueError>(clip_value >= 0, where, [&] {
        return "clip_grad_value: the limit must not be negative, got " + PlainNumber(clip_value).text();
    });
    for (Tensor& g : gradients)
        if (g.defined()) g = clip(std::move(g), -clip_value, clip_value);
    return gradients;
}

void GradientAccumulator::add(std::vector<Tensor> gradients, Location where) {
    if (count_ > 0)
        check<ValueError>(gradients.size() == sums_.size(), where, [&] {
            return "GradientAccumulator: there must be as many gradients each time, got " +
                   std::to_string(gradients.size()) + " after " + std::to_string(sums_.size());
        });
    sums_.resize(gradients.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        if (!gradients[i].defined()) continue;
        if (sums_[i].defined()) sums_[i] = std::move(sums_[i]) + gradients[i];
        else sums_[i] = std::move(gradients[i]);
    }
    ++count_;
}

std::vector<Tensor> GradientAccumulator::take() {
    count_ = 0;
    return std::exchange(sums_, {});
}

std::vector<Tensor> GradientAccumulator::take_mean() {
    const double count = static_cast<double>(count_);
    std::vector<Tensor> means = take();
    for (Tensor& g : means)
        if (g.defined()) g = std::move(g) / count;
    return means;
}

}  // namespace xgrad::nn
