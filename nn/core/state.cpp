#include "state.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "detail/stored.hpp"
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

struct StreamLister final : Visitor {
    void random(const Path& path, RandomStream& stream) override { found.emplace_back(path.str(), &stream); }
    std::vector<std::pair<std::string, RandomStream*>> found;
};

/// The parameter or buffer for each name of a model.
struct Places final : Visitor {
    struct Place {
        std::string name;
        Parameter* parameter;  // null for a buffer
        Tensor* tensor;
    };
    void parameter(const Path& path, Parameter& p) override { found.push_back({path.str(), &p, &p}); }
    void buffer(const Path& path, Tensor& t) override { found.push_back({path.str(), nullptr, &t}); }
    std::vector<Place> found;
};

/// A tensor of the model and the index of the state's tensor assigned to it.
struct Change {
    Places::Place place;
    std::size_t from;
};

class InMemory final : public detail::StoredState {
public:
    explicit InMemory(const State& state) : state_(state) {
        for (const auto& [name, t] : state) list_.push_back({name, t.shape(), t.dtype()});
    }
    const std::vector<detail::Stored>& list() const override { return list_; }
    Tensor read(std::size_t i) const override { return stop_gradient(state_[i].second); }

private:
    const State& state_;
    std::vector<detail::Stored> list_;
};

/// The model's name for a name in the state, or nullopt when it is ignored.
std::optional<std::string> translate(std::string_view name, const LoadOptions& options) {
    if (!name.starts_with(options.prefix)) return std::nullopt;
    name.remove_prefix(options.prefix.size());
    for (const auto& [from, to] : options.rename)
        if (name.starts_with(from)) return to + std::string(name.substr(from.size()));
    return std::string(name);
}

/// Maps each of the model's names to an index into the state's list.
std::map<std::string, std::size_t> translate(const std::vector<detail::Stored>& list, const LoadOptions& options,
                                             const std::string& what, Location where) {
    std::map<std::string, std::size_t> given;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto name = translate(list[i].name, options);
        if (!name) continue;
        const auto added = given.emplace(*name, i);
        check<ValueError>(added.second, where, [&] {
            return what + "two names mean " + *name + ": " + list[added.first->second].name + " and " + list[i].name;
        });
    }
    return given;
}

/// Matches the model with the state: collects the assignments and reports what does not fit. `given` loses the names
/// that are in the model.
LoadReport match(const std::vector<Places::Place>& places, const std::vector<detail::Stored>& list,
                 std::map<std::string, std::size_t>& given, std::vector<Change>& changes, const std::string& what,
                 Location where) {
    LoadReport report;
    std::vector<const Places::Place*> absent;
    for (const Places::Place& place : places) {
        const auto entry = given.find(place.name);
        if (entry == given.end()) {
            absent.push_back(&place);
            continue;
        }
        const detail::Stored& value = list[entry->second];
        if (!value.problem.empty()) throw FormatError(value.problem);
        const Shape& shape = place.tensor->shape();
        const DType dtype = place.tensor->dtype();
        if (value.shape != shape) {
            report.mismatched.push_back(place.name + ": " + to_string(shape) + " in the model, " +
                                        to_string(value.shape) + " in the state");
        } else {
            check<DTypeError>(value.dtype == dtype || (is_floating(value.dtype) && is_floating(dtype)), where, [&] {
                return what + place.name + " is " + name_of(dtype) + " in the model and " + name_of(value.dtype) +
                       " in the state";
            });
            changes.push_back({place, entry->second});
        }
        given.erase(entry);
    }
    for (const auto* place : absent)
        if (std::none_of(changes.begin(), changes.end(),
                         [&](const Change& change) { return change.place.tensor == place->tensor; }))
            report.missing.push_back(place->name);
    return report;
}

}  // namespace

State detail::state_dict(ModelRef model) {
    StateReader reader;
    model.visit(reader);
    return std::move(reader.state);
}

detail::StoredState::~StoredState() = default;

State detail::StoredState::read_all() const {
    State state;
    for (std::size_t i = 0; i < list().size(); ++i) {
        if (!list()[i].numbers) continue;
        if (!list()[i].problem.empty()) throw FormatError(list()[i].problem);
        state.emplace_back(list()[i].name, read(i));
    }
    return state;
}

Tensor detail::StoredState::read_one(std::string_view name, const std::string& what, Location where) const {
    const auto found =
        std::find_if(list().begin(), list().end(), [&](const Stored& value) { return value.name == name; });
    check<ValueError>(found != list().end(), where, [&] {
        std::string all;
        for (const Stored& value : list()) all += (all.empty() ? "" : ", ") + value.name;
        return what + "there are " + (all.empty() ? "no arrays" : all) + ", got " + std::string(name);
    });
    if (!found->problem.empty()) throw FormatError(found->problem);
    return read(static_cast<std::size_t>(found - list().begin()));
}

LoadReport detail::load(ModelRef model, const StoredState& stored, const LoadOptions& options, const std::string& what,
                        Location where) {
    const std::vector<Stored>& list = stored.list();
    std::map<std::string, std::size_t> given = translate(list, options, what, where);
    Places places;
    model.visit(places);
    std::vector<Change> changes;
    LoadReport report = match(places.found, list, given, changes, what, where);
    for (const Stored& value : list)
        if (const auto name = translate(value.name, options); name && given.count(*name) && value.numbers)
            report.unexpected.push_back(value.name);
    check<ValueError>(!options.strict || report.ok(), where,
                      [&] { return what + "model and state do not fit\n" + report.message(); });
    std::vector<Tensor> values;  // all read before the model changes, since a file may turn out to be damaged
    for (const Change& change : changes) values.push_back(stored.read(change.from).to(change.place.tensor->dtype()));
    for (std::size_t i = 0; i < changes.size(); ++i) {
        if (changes[i].place.parameter) *changes[i].place.parameter = values[i];
        else *changes[i].place.tensor = values[i];
    }
    return report;
}

LoadReport load_state_dict(ModelRef model, const State& state, const LoadOptions& options, Location where) {
    return detail::load(model, InMemory(state), options, "load_state_dict: ", where);
}

State detail::random_state(ModelRef model) {
    StreamLister streams;
    model.visit(streams);
    State state;
    for (const auto& [name, stream] : streams.found)
        state.emplace_back(
            name, tensor({std::bit_cast<std::int64_t>(stream->seed()), std::bit_cast<std::int64_t>(stream->calls())}));
    return state;
}

void load_random_state(ModelRef model, const State& state, Location where) {
    StreamLister streams;
    model.visit(streams);
    for (const auto& [name, t] : state)
        check<ValueError>(std::any_of(streams.found.begin(), streams.found.end(),
                                      [&, &key = name](const auto& one) { return one.first == key; }),
                          where,
                          [&, &key = name] { return "load_random_state: the model has no random stream " + key; });
    std::vector<const Tensor*> given;
    for (const auto& [name, stream] : streams.found) {
        const Tensor* t = given.emplace_back(find(state, name));
        check<ValueError>(t && t->dtype() == DType::i64 && t->shape() == Shape{2}, where, [&, &key = name] {
            return "load_random_state: the state must have two i64 numbers for each random stream, got " +
                   (t ? to_string(t->shape()) + " " + name_of(t->dtype()) : std::string("nothing")) + " for " + key;
        });
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto numbers = given[i]->data<std::int64_t>();
        streams.found[i].second->set(std::bit_cast<std::uint64_t>(numbers[0]),
                                     std::bit_cast<std::uint64_t>(numbers[1]));
    }
}

std::size_t freeze(ModelRef model, std::string_view pattern, bool frozen, Location where) {
    std::size_t count = 0;
    for (auto& [name, p] : detail::named_parameters(model))
        if (matches(pattern, name)) {
            p.freeze(frozen);
            ++count;
        }
    check<ValueError>(count > 0, where,
                      [&] { return "freeze: no parameter's name matches \"" + std::string(pattern) + "\""; });
    return count;
}

}  // namespace xgrad::nn
