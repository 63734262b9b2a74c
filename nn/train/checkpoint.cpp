#include <bit>
#include <string_view>

#include "detail/run.hpp"
#include "nn/core/random.hpp"
#include "nn/weights/safetensors.hpp"

// A run as one safetensors file. Names of its tensors: model.*, kept.<name>.*, optimizer.*, schedule.*, random.*,
// log.*, sums.<i>, run.*.

namespace xgrad::nn::detail {

namespace {

constexpr const char* format = "xgrad training checkpoint 1";

void append(State& state, const std::string& prefix, const State& part) {
    for (const auto& [name, t] : part) state.emplace_back(prefix + name, t);
}

State part_of(const State& state, const std::string& prefix) {
    State part;
    for (const auto& [name, t] : state)
        if (name.starts_with(prefix)) part.emplace_back(name.substr(prefix.size()), t);
    return part;
}

std::int64_t signed_bits(std::uint64_t x) { return std::bit_cast<std::int64_t>(x); }
std::uint64_t unsigned_bits(std::int64_t x) { return std::bit_cast<std::uint64_t>(x); }

/// A model's parameters, buffers and random streams.
void add_model(State& state, const std::string& name, ModelRef model) {
    append(state, name + ".", detail::state_dict(model));
    append(state, "random." + name + ".", detail::random_state(model));
}
void restore_model(const State& state, const std::string& name, ModelRef model, Location where) {
    load_state_dict(model, part_of(state, name + "."), {}, where);
    load_random_state(model, part_of(state, "random." + name + "."), where);
}

Tensor integers(const std::vector<std::int64_t>& list) {
    return tensor(list, {static_cast<std::int64_t>(list.size())});
}
Tensor reals(const std::vector<double>& list) { return tensor(list, {static_cast<std::int64_t>(list.size())}); }

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return lines;
}

void add_history(State& state, Metadata& metadata, const History& history) {
    std::vector<double> numbers;
    for (const auto& row : history.rows) numbers.insert(numbers.end(), row.begin(), row.end());
    const Shape shape{history.epochs(), static_cast<std::int64_t>(history.columns.size())};
    state.emplace_back("run.history", tensor(numbers, shape));
    metadata.emplace_back("columns", joined(history.columns));
    metadata.emplace_back("monitor", history.monitor);
}

/// Reads a checkpoint file, with errors that name the file.
class Reader {
public:
    Reader(const std::string& path, Location where)
        : path_(path),
          where_(where),
          state_(read_safetensors(path, where)),
          metadata_(read_safetensors_metadata(path, where)) {
        if (text("format") != format) fail("it is no training checkpoint");
    }
    const State& state() const { return state_; }
    std::string text(std::string_view name) const {
        for (const auto& [key, value] : metadata_)
            if (key == name) return value;
        return {};
    }
    template <class T>
    std::vector<T> numbers(const char* name, std::size_t count) const {
        const Tensor* t = find(state_, name);
        if (!t || t->dtype() != dtype_of<T>() || static_cast<std::size_t>(t->size()) != count)
            fail(std::string(name) + " is missing or damaged");
        const auto data = t->data<T>();
        return {data.begin(), data.end()};
    }
    /// ValueError when the run to be resumed is a different one.
    void expect(const char* what, const std::string& now) const {
        const std::string then = text(what);
        check<ValueError>(then == now, where_, [&] {
            return "Trainer: " + path_ + " must be of the same run, got " + what + " " +
                   (now.empty() ? "(none)" : now) + " where it has " + (then.empty() ? "(none)" : then);
        });
    }
    [[noreturn]] void fail(const std::string& reason) const {
        throw FormatError(at("Trainer: " + path_ + ": " + reason, where_));
    }

private:
    std::string path_;
    Location where_;
    State state_;
    Metadata metadata_;
};

void read_history(const Reader& reader, History& history) {
    history.columns = lines_of(reader.text("columns"));
    const Tensor* t = find(reader.state(), "run.history");
    const auto columns = static_cast<std::int64_t>(history.columns.size());
    if (!t || t->dtype() != DType::f64 || t->ndim() != 2 || t->shape(1) != columns || (columns == 0 && t->shape(0) > 0))
        reader.fail("run.history is missing or damaged");
    const auto data = t->data<double>();
    history.rows.clear();
    for (auto at = data.begin(); history.epochs() < t->shape(0); at += columns)
        history.rows.emplace_back(at, at + columns);
}

/// The prefix of optimizer i's state names in the file.
std::string optimizer_prefix(const TrainerCore::Setup& setup, std::size_t i) {
    return setup.parts.size() == 1 ? "optimizer." : "optimizer." + std::to_string(i) + ".";
}

/// The properties of a run that must match for it to be resumed from a checkpoint.
Metadata identity(const TrainerCore::Setup& setup, std::int64_t batches) {
    std::vector<std::string> kept;
    for (const auto& [name, _] : setup.kept) kept.push_back(name);
    const Schedule* schedule = setup.options.schedule;
    std::vector<std::string> optimizers;
    for (const OptimizedPart& part : setup.parts) optimizers.emplace_back(part.optimizer.name());
    return {{"optimizer", joined(optimizers)},
            {"schedule", schedule ? schedule->name() : ""},
            {"kept", joined(kept)},
            {"batches", std::to_string(batches)},
            {"accumulate", std::to_string(setup.options.accumulate)}};
}

}  // namespace

std::pair<State, Metadata> checkpoint_of(TrainerCore::Setup& setup, const RunState& run, std::int64_t batches) {
    State state;
    Metadata metadata{{"format", format}};
    add_model(state, "model", setup.model);
    for (const auto& [name, model] : setup.kept) add_model(state, "kept." + name, model);
    for (std::size_t i = 0; i < setup.parts.size(); ++i)
        append(state, optimizer_prefix(setup, i), setup.parts[i].optimizer.state_dict());
    if (setup.options.schedule) append(state, "schedule.", setup.options.schedule->state_dict());
    append(state, "log.", run.log.state_dict());
    for (std::size_t i = 0; i < run.sums.size(); ++i)
        if (run.sums[i].defined()) state.emplace_back("sums." + std::to_string(i), run.sums[i]);

    const Generator& generator = default_generator();
    state.emplace_back("run.position", integers({run.epoch, run.batch, run.trained, run.since_best, run.summed,
                                                 static_cast<std::int64_t>(run.sums.size()), run.history.best_epoch}));
    state.emplace_back("run.random", integers({signed_bits(generator.seed()), signed_bits(generator.counter())}));
    for (const auto& [name, p] : {std::pair("run.training", run.training), std::pair("run.validation", run.validation)})
        state.emplace_back(name, integers({signed_bits(p.seed), p.epoch, p.batch}));
    state.emplace_back("run.numbers", reals({run.seconds, run.history.best}));
    std::vector<std::string> names;
    std::vector<double> values;
    for (const auto& [name, value] : run.row) {
        names.push_back(name);
        values.push_back(value);
    }
    state.emplace_back("run.row", reals(values));
    metadata.emplace_back("row", joined(names));
    add_history(state, metadata, run.history);
    for (auto& entry : identity(setup, batches)) metadata.push_back(std::move(entry));
    return {std::move(state), std::move(metadata)};
}

void restore(TrainerCore::Setup& setup, RunState& run, std::int64_t batches, const std::string& path, Location where) {
    const Reader reader(path, where);
    for (const auto& [what, now] : identity(setup, batches)) reader.expect(what.c_str(), now);
    const State& state = reader.state();
    restore_model(state, "model", setup.model, where);
    for (const auto& [name, model] : setup.kept) restore_model(state, "kept." + name, model, where);
    for (std::size_t i = 0; i < setup.parts.size(); ++i)
        setup.parts[i].optimizer.load_state_dict(part_of(state, optimizer_prefix(setup, i)), where);
    if (setup.options.schedule) setup.options.schedule->load_state_dict(part_of(state, "schedule."), where);
    run.log.load_state_dict(part_of(state, "log."));

    const auto position = reader.numbers<std::int64_t>("run.position", 7);
    run.epoch = position[0];
    run.batch = position[1];
    run.trained = position[2] != 0;
    run.since_best = position[3];
    run.summed = position[4];
    if (position[5] < 0 || position[5] > static_cast<std::int64_t>(state.size()))
        reader.fail("run.position is missing or damaged");
    run.sums.assign(static_cast<std::size_t>(position[5]), Tensor());
    for (std::size_t i = 0; i < run.sums.size(); ++i)
        if (const Tensor* sum = find(state, "sums." + std::to_string(i))) run.sums[i] = *sum;
    run.history.best_epoch = position[6];

    const auto generator = reader.numbers<std::int64_t>("run.random", 2);
    default_generator() = Generator(unsigned_bits(generator[0]));
    default_generator().set_counter(unsigned_bits(generator[1]));
    for (const auto& [name, place] :
         {std::pair("run.training", &run.training), std::pair("run.validation", &run.validation)}) {
        const auto p = reader.numbers<std::int64_t>(name, 3);
        *place = {unsigned_bits(p[0]), p[1], p[2]};
    }
    const auto numbers = reader.numbers<double>("run.numbers", 2);
    run.seconds = numbers[0];
    run.history.best = numbers[1];
    const auto names = lines_of(reader.text("row"));
    const auto values = reader.numbers<double>("run.row", names.size());
    for (std::size_t i = 0; i < names.size(); ++i) run.row.emplace_back(names[i], values[i]);
    read_history(reader, run.history);
}

}  // namespace xgrad::nn::detail
