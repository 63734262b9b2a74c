#include "state.hpp"

#include <algorithm>
#include <map>

#include "pattern.hpp"

namespace xgrad::nn {

const Tensor* find(const State& state, std::string_view name) {
    const auto found = std::find_if(state.begin(), state.end(), [&](const auto& entry) { return entry.first == name; });
    return found == state.end() ? nullptr : &found->second;
}

std::string LoadReport::message() const {
    std::string text;
    const auto list = [&](const char* title, const std::vector<std::string>& names) {
        if (names.empty()) return;
        text += (text.empty() ? "" : "\n") + std::string(title);
        for (const std::string& name : names) text += "\n    " + name;
    };
    list("missing in the state:", missing);
    list("not in the model:", unexpected);
    list("of another shape:", mismatched);
    return text;
}

namespace {

struct StateReader final : Visitor {
    void parameter(const Path& path, Parameter& p) override { state.emplace_back(path.str(), p.value()); }
    void buffer(const Path& path, Tensor& t) override { state.emplace_back(path.str(), stop_gradient(t)); }
    State state;
};

/// Where each name of a model stands.
struct Places final : Visitor {
    struct Place {
        Parameter* parameter;
        Tensor* tensor;
    };
    void parameter(const Path& path, Parameter& p) override { found.emplace_back(path.str(), Place{&p, &p}); }
    void buffer(const Path& path, Tensor& t) override { found.emplace_back(path.str(), Place{nullptr, &t}); }
    std::vector<std::pair<std::string, Place>> found;
};

}  // namespace

State detail::state_dict(ModelRef model) {
    StateReader reader;
    model.visit(reader);
    return std::move(reader.state);
}

LoadReport load_state_dict(ModelRef model, const State& state, const LoadOptions& options, Location where) {
    std::map<std::string_view, const Tensor*> given;
    for (const auto& [name, t] : state) given.emplace(name, &t);
    Places places;
    model.visit(places);
    LoadReport report;
    std::vector<std::pair<Places::Place, Tensor>> changes;
    for (const auto& [name, place] : places.found) {
        const auto entry = given.find(name);
        if (entry == given.end()) {
            report.missing.push_back(name);
            continue;
        }
        const Tensor& old = *place.tensor;
        const Tensor& value = *entry->second;
        given.erase(entry);
        if (value.shape() != old.shape()) {
            report.mismatched.push_back(name + ": " + to_string(old.shape()) + " in the model, " + to_string(value.shape()) +
                                        " in the state");
            continue;
        }
        check<DTypeError>(value.dtype() == old.dtype() || (is_floating(value.dtype()) && is_floating(old.dtype())), where, [&] {
            return "load_state_dict: " + name + " is " + name_of(old.dtype()) + " in the model and " + name_of(value.dtype()) +
                   " in the state";
        });
        changes.emplace_back(place, stop_gradient(value).to(old.dtype()));
    }
    for (const auto& [name, t] : state)
        if (given.count(name)) report.unexpected.push_back(name);
    check<ValueError>(!options.strict || report.ok(), where,
                      [&] { return "load_state_dict: model and state do not fit\n" + report.message(); });
    for (auto& [place, value] : changes) {
        if (place.parameter) *place.parameter = value;
        else *place.tensor = value;
    }
    return report;
}

std::size_t freeze(ModelRef model, std::string_view pattern, bool frozen, Location where) {
    std::size_t count = 0;
    for (auto& [name, p] : detail::named_parameters(model))
        if (matches(pattern, name)) {
            p.freeze(frozen);
            ++count;
        }
    check<ValueError>(count > 0, where, [&] { return "freeze: no parameter's name matches \"" + std::string(pattern) + "\""; });
    return count;
}

}  // namespace xgrad::nn
