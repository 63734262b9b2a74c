#include "lbfgs.hpp"

#include "gradients.hpp"

#include <algorithm>
#include <cmath>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "detail/line_search.hpp"

namespace xgrad::nn {

namespace {

double dot(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }
double largest(const Tensor& x) { return x.size() == 0 ? 0 : max(abs(x)).item(); }

Tensor flattened(std::vector<Tensor> parts) {
    for (Tensor& part : parts) part = reshape(part, {part.size()});
    return stop_gradient(concat(parts));
}

void set_parameters(const std::vector<Parameter*>& parameters, const Tensor& flat) {
    std::int64_t i = 0;
    for (Parameter* p : parameters) {
        const Shape shape = p->shape();
        *p = reshape(slice(flat, 0, i, i + shape.size()), shape);
        i += shape.size();
    }
}

Tensor flat_gradient(const std::vector<Parameter*>& parameters, const Gradients& gradients) {
    std::vector<Tensor> parts;
    for (const Parameter* p : parameters) {
        const Tensor* gradient = p->frozen() ? nullptr : gradients.find(*p);
        parts.push_back(gradient ? *gradient : zeros_like(p->value()));
    }
    return flattened(std::move(parts));
}

void check_dtype(const std::vector<Parameter*>& parameters, Location where) {
    for (const Parameter* p : parameters)
        check<DTypeError>(p->dtype() == parameters[0]->dtype(), where, [&] {
            return std::string("LBFGS: all parameters must have one dtype, got ") + name_of(p->dtype()) + " and " +
                   name_of(parameters[0]->dtype());
        });
}

}  // namespace

LBFGS::LBFGS(const LBFGSOptions& options, Location where) : OptimizerWith(options, "LBFGS", {}) {
    check_options(options, where);
}

void LBFGS::check_options(const LBFGSOptions& o, Location where) const {
    check<ValueError>(o.lr >= 0 && o.max_iter > 0 && o.history_size > 0, where, [] {
        return std::string("LBFGS: lr must not be negative, max_iter and history_size must be positive");
    });
}

void LBFGS::check_size(const Tensor& flat, Location where) const {
    check<ValueError>(groups() == 1, where,
                      [] { return std::string("LBFGS: there can be only one group of parameters"); });
    check<ValueError>(!direction_.defined() || direction_.size() == flat.size(), where, [&] {
        return "LBFGS: the model must keep its structure between steps, got " + std::to_string(flat.size()) +
               " elements where " + std::to_string(direction_.size()) + " were";
    });
}

double LBFGS::aim(const Tensor& gradient) {
    const LBFGSOptions& o = options();
    if (++n_iter_ == 1) {
        direction_ = -gradient;
        curvature_ = 1;
    } else {
        const Tensor change = gradient - gradient_, step = direction_ * length_;
        if (const double product = dot(change, step); product > 1e-10) {
            if (static_cast<std::int64_t>(steps_.size()) == o.history_size) {
                gradient_changes_.erase(gradient_changes_.begin());
                steps_.erase(steps_.begin());
                inverse_products_.erase(inverse_products_.begin());
            }
            gradient_changes_.push_back(change);
            steps_.push_back(step);
            inverse_products_.push_back(1 / product);
            curvature_ = product / dot(change, change);
        }
        // The two-loop recursion.
        std::vector<double> weights(steps_.size());
        Tensor q = -gradient;
        for (std::size_t i = steps_.size(); i-- > 0;) {
            weights[i] = dot(steps_[i], q) * inverse_products_[i];
            q = q - weights[i] * gradient_changes_[i];
        }
        q = q * curvature_;
        for (std::size_t i = 0; i < steps_.size(); ++i)
            q = q + (weights[i] - dot(gradient_changes_[i], q) * inverse_products_[i]) * steps_[i];
        direction_ = q;
    }
    gradient_ = gradient;
    length_ = n_iter_ == 1 ? std::min(1.0, 1 / sum(abs(gradient)).item()) * o.lr : o.lr;
    return dot(gradient, direction_);
}

UpdateRule LBFGS::rule(std::size_t, detail::ParameterState&, Tensor&) const { return updates::Sgd{.lr = length_}; }

void LBFGS::run(std::vector<Task>& tasks) {
    check<ValueError>(options().line_search_fn == LineSearch::none, {}, [] {
        return std::string("LBFGS: a line search needs the loss again and again, as in step(model, closure)");
    });
    std::vector<Tensor> parts;
    auto task = tasks.begin();
    for (const Parameter* p : found()) {
        if (task != tasks.end() && task->parameter == p) parts.push_back((task++)->gradient);
        else parts.push_back(zeros_like(p->value()));
    }
    if (parts.empty()) return;
    const Tensor gradient = flattened(std::move(parts));
    check_size(gradient, {});
    ++func_evals_;
    if (largest(gradient) <= options().tolerance_grad || aim(gradient) > -options().tolerance_change) return;
    std::int64_t i = 0;
    task = tasks.begin();
    for (const Parameter* p : found()) {
        const bool changes = task != tasks.end() && task->parameter == p;
        const std::int64_t size = changes ? task->value.size() : p->size();
        if (changes) {
            task->gradient = -reshape(slice(direction_, 0, i, i + size), task->value.shape());
            ++task;
        }
        i += size;
    }
    Optimizer::run(tasks);
}

Tensor LBFGS::minimise(ModelRef model, const void* closure, Evaluation (*evaluation)(const void*), Location where) {
    const LBFGSOptions& o = options();
    const std::vector<Parameter*> parameters = detail::parameters(model);
    check<ValueError>(!parameters.empty(), where,
                      [] { return std::string("LBFGS: there must be parameters, got a model without"); });
    check_dtype(parameters, where);
    std::vector<Tensor> values;
    for (const Parameter* p : parameters) values.push_back(p->value());
    Tensor x = flattened(std::move(values));
    check_size(x, where);

    std::int64_t evaluations = 0;
    double loss = 0;
    Tensor gradient;
    const auto measure = [&] {
        const auto [y, gradients] = evaluation(closure);
        ++evaluations;
        ++func_evals_;
        check<ValueError>(std::any_of(parameters.begin(), parameters.end(),
                                      [&, &g = gradients](const Parameter* p) { return g.find(*p) != nullptr; }),
                          where, [&, &g = gradients] { return "LBFGS: " + detail::why_no_gradients(parameters, &g); });
        gradient = flat_gradient(parameters, gradients);
        loss = y.item();
        return y;
    };
    const Tensor first = stop_gradient(measure());
    const std::int64_t max_eval = o.max_eval.value_or(o.max_iter * 5 / 4);
    if (largest(gradient) <= o.tolerance_grad) return first;
    for (std::int64_t iteration = 1; iteration <= o.max_iter; ++iteration) {
        const double loss_before = loss, slope = aim(gradient);
        if (slope > -o.tolerance_change) break;
        if (o.line_search_fn == LineSearch::strong_wolfe) {
            const auto at = [&](double t) {
                set_parameters(parameters, x + t * direction_);
                measure();
                return detail::LinePoint{t, loss, dot(gradient, direction_), gradient};
            };
            const detail::LinePoint found =
                detail::strong_wolfe(at, {0, loss, slope, gradient}, length_, largest(direction_), o.tolerance_change);
            length_ = found.t;
            loss = found.f;
            gradient = found.gradient;
            x = x + length_ * direction_;
            set_parameters(parameters, x);
        } else {
            x = x + length_ * direction_;
            set_parameters(parameters, x);
            if (iteration < o.max_iter) measure();  // after the last iteration, the next step measures
        }
        if (evaluations >= max_eval || largest(gradient) <= o.tolerance_grad ||
            largest(direction_ * length_) <= o.tolerance_change || std::abs(loss - loss_before) < o.tolerance_change)
            break;
    }
    return first;
}

// --- state -----------------------------------------------------------------------------------------------------------

State LBFGS::state_dict() const {
    State state = Optimizer::state_dict();
    if (n_iter_ == 0) return state;
    state.emplace_back("n_iter", scalar(n_iter_));
    state.emplace_back("func_evals", scalar(func_evals_));
    state.emplace_back("t", scalar(length_));
    state.emplace_back("H_diag", scalar(curvature_));
    state.emplace_back("d", direction_);
    state.emplace_back("prev_flat_grad", gradient_);
    if (steps_.empty()) return state;
    state.emplace_back("old_dirs", stack(gradient_changes_));
    state.emplace_back("old_stps", stack(steps_));
    state.emplace_back("ro", tensor(inverse_products_));
    return state;
}

void LBFGS::load_state_dict(const State& state, Location where) {
    State rest;
    for (const auto& [name, t] : state)
        if (name.starts_with("param_groups.")) rest.emplace_back(name, t);
    LBFGS loaded(options(), where);
    if (const Tensor* n_iter = find(state, "n_iter")) {
        const auto entry = [&](const char* key) -> const Tensor& {
            const Tensor* t = find(state, key);
            check<ValueError>(t, where, [&] { return std::string("LBFGS: the state has no ") + key; });
            return *t;
        };
        loaded.n_iter_ = n_iter->item<std::int64_t>();
        loaded.func_evals_ = entry("func_evals").item<std::int64_t>();
        loaded.length_ = entry("t").item();
        loaded.curvature_ = entry("H_diag").item();
        loaded.direction_ = entry("d");
        loaded.gradient_ = entry("prev_flat_grad");
        if (find(state, "ro")) {
            const auto products = entry("ro").data<double>();
            loaded.inverse_products_.assign(products.begin(), products.end());
            for (std::size_t i = 0; i < products.size(); ++i) {
                loaded.gradient_changes_.push_back(select(entry("old_dirs"), 0, static_cast<std::int64_t>(i)));
                loaded.steps_.push_back(select(entry("old_stps"), 0, static_cast<std::int64_t>(i)));
            }
        }
    }
    loaded.Optimizer::load_state_dict(rest, where);
    *this = std::move(loaded);
}

}  // namespace xgrad::nn
