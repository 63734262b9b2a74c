#include "summary.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include <autodiff/inspect/inspect.hpp>

namespace xgrad::nn {

namespace detail {

namespace {

/// "encoder.0" of "encoder.0.weight".
std::string layer_of(const std::string& name) {
    const std::size_t dot = name.find_last_of('.');
    return dot == std::string::npos ? "" : name.substr(0, dot);
}

/// Everything in a model that a run may change, and everything that is counted.
struct Contents final : Visitor {
    struct OneParameter {
        Parameter* parameter;
        std::string name;
        Tensor value;
        bool frozen;
    };
    struct OneBuffer {
        Tensor* tensor;
        std::string name;
        Tensor value;
    };
    struct Stream {
        RandomStream* stream;
        std::uint64_t seed, calls;
    };
    void parameter(const Path& path, Parameter& p) override {
        if (std::none_of(parameters.begin(), parameters.end(),
                         [&](const auto& other) { return other.parameter == &p; }))
            parameters.push_back({&p, path.str(), p.value(), p.frozen()});
    }
    void buffer(const Path& path, Tensor& t) override {
        if (std::none_of(buffers.begin(), buffers.end(), [&](const auto& other) { return other.tensor == &t; }))
            buffers.push_back({&t, path.str(), t});
    }
    void training(bool& flag) override { flags.emplace_back(&flag, flag); }
    void random(const Path&, RandomStream& stream) override {
        streams.push_back({&stream, stream.seed(), stream.calls()});
    }

    std::vector<OneParameter> parameters;
    std::vector<OneBuffer> buffers;
    std::vector<std::pair<bool*, bool>> flags;
    std::vector<Stream> streams;
};

}  // namespace

struct Observation::Inside {
    explicit Inside(ModelRef model) {
        model.visit(contents);
        for (auto& p : contents.parameters) p.parameter->freeze(false);
        for (auto& [flag, value] : contents.flags) *flag = false;
        tape.emplace();
    }
    ~Inside() {
        tape.reset();
        for (auto& p : contents.parameters) {
            *p.parameter = p.value;
            p.parameter->freeze(p.frozen);
        }
        for (auto& b : contents.buffers) *b.tensor = b.value;
        for (auto& [flag, value] : contents.flags) *flag = value;
        for (auto& s : contents.streams) s.stream->set(s.seed, s.calls);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

    Contents contents;
    std::optional<Tape> tape;
    std::vector<Tensor> inputs;
};

namespace {
constexpr const char* input_name = "(input)";  // the name of a watched tensor among a tape's sources
}

Observation::Observation(ModelRef model) : inside_(std::make_unique<Inside>(model)) {}
Observation::~Observation() = default;

Tensor Observation::watch(const Tensor& input) {
    return is_floating(input.dtype()) ? inside_->inputs.emplace_back(inside_->tape->watch(input)) : input;
}

Tensor Observation::zeros_for(const Shape& shape) const {
    const auto& parameters = inside_->contents.parameters;
    return zeros(shape, parameters.empty() ? DType::f32 : parameters[0].value.dtype());
}

namespace {

/// Reads a tape as the path of the data through layers. An entry whose inputs include data and a parameter is part of
/// the parameter's layer; a result of parameters alone, such as a normalised weight, counts as a parameter.
class Reader {
public:
    explicit Reader(const std::vector<TapeEntry>& entries) : entries_(entries), facts_(entries.size()) {
        // Data is what was watched; if nothing was, as with indices, the results of lookups; otherwise every result.
        any_data_ =
            std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.source && e.name == input_name; });
        any_lookup_ =
            std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.operation == "embedding"; });
    }

    std::vector<Summary::Row> rows() {
        for (std::size_t i = 0; i < entries_.size(); ++i) read(i);
        return std::move(rows_);
    }

private:
    struct Fact {
        bool data = false, parameter = false;
        std::string layer;
    };

    void read(std::size_t i) {
        const TapeEntry& entry = entries_[i];
        Fact& fact = facts_[i];
        if (entry.source) {
            fact.data = entry.name == input_name;
            fact.parameter = !fact.data;
            fact.layer = entry.name.empty() ? Summary::unnamed : layer_of(entry.name);
            return;
        }
        for (const std::size_t k : entry.inputs) {
            const Fact& input = facts_[k];
            fact.data = fact.data || input.data;
            if (!input.parameter || fact.parameter) continue;
            fact.parameter = true;
            fact.layer = input.layer;
        }
        fact.data = fact.data || entry.operation == "embedding" || (!any_data_ && !any_lookup_);
        if (!fact.data) return;
        if (!fact.parameter) {
            rows_.push_back({.is_layer = false, .layer = {}, .operation = entry.operation, .output = entry.results[0]});
            return;
        }
        const auto [place, is_new] = places_.emplace(fact.layer, rows_.size());
        if (is_new) rows_.push_back({.is_layer = true, .layer = fact.layer, .operation = {}, .output = {}});
        rows_[place->second].operation = entry.operation;
        rows_[place->second].output = entry.results[0];
        fact.parameter = false;
    }

    const std::vector<TapeEntry>& entries_;
    std::vector<Fact> facts_;
    std::map<std::string, std::size_t> places_;  // rows of layers
    std::vector<Summary::Row> rows_;
    bool any_data_ = false, any_lookup_ = false;
};

}  // namespace

Summary Observation::summary() const {
    const Contents& contents = inside_->contents;
    std::vector<std::pair<Tensor, std::string>> names;
    for (const auto& p : contents.parameters) names.emplace_back(*p.parameter, p.name.empty() ? "parameter" : p.name);
    for (const Tensor& input : inside_->inputs) names.emplace_back(input, input_name);
    const std::vector<TapeEntry> list = entries(*inside_->tape, names);
    Summary summary;
    summary.rows = Reader(list).rows();
    const auto row_of = [&](const std::string& layer) {
        const auto found = std::find_if(summary.rows.begin(), summary.rows.end(),
                                        [&](const auto& row) { return row.is_layer && row.layer == layer; });
        return found == summary.rows.end() ? nullptr : &*found;
    };
    for (const auto& p : contents.parameters) {
        Summary::Row* row = row_of(layer_of(p.name));
        if (!row)
            row = &summary.rows.emplace_back(
                Summary::Row{.is_layer = true, .layer = layer_of(p.name), .operation = {}, .output = {}});
        const std::int64_t bytes = p.value.size() * size_of(p.value.dtype());
        (p.frozen ? row->frozen : row->trainable) += p.value.size();
        (p.frozen ? summary.frozen : summary.trainable) += p.value.size();
        row->bytes += bytes;
        summary.bytes += bytes;
    }
    for (const auto& b : contents.buffers) {
        const std::int64_t bytes = b.value.size() * size_of(b.value.dtype());
        summary.bytes += bytes;
        if (Summary::Row* row = row_of(layer_of(b.name))) row->bytes += bytes;
    }
    return summary;
}

}  // namespace detail

namespace {

/// 1234567 as "1,234,567".
std::string grouped(std::int64_t n) {
    std::string text = std::to_string(n);
    for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
    return text;
}

using Line = std::vector<std::string>;

/// Columns, each of uniform width; numbers, from the fourth column on, are right-aligned.
std::string columns(const std::vector<Line>& lines) {
    std::vector<std::size_t> width(lines[0].size(), 0);
    for (const Line& line : lines)
        for (std::size_t c = 0; c < line.size(); ++c) width[c] = std::max(width[c], line[c].size());
    std::string text;
    for (const Line& line : lines) {
        std::string row;
        for (std::size_t c = 0; c < line.size(); ++c) {
            const std::string space(width[c] - line[c].size(), ' ');
            row += (c < 3 ? line[c] + space : space + line[c]) + "  ";
        }
        row.erase(row.find_last_not_of(' ') + 1);
        text += row + '\n';
    }
    return text;
}

constexpr std::size_t most_operations = 8;  // shown in a row without a layer between them

}  // namespace

std::string to_string(const Summary& summary) {
    std::vector<Line> lines{{"layer", "operation", "output", "trainable", "frozen", "bytes"}};
    const auto& rows = summary.rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Summary::Row& row = rows[i];
        if (row.is_layer) {
            lines.push_back({row.layer.empty() ? "(model)" : row.layer,
                             row.operation.empty() ? "not used" : row.operation,
                             row.operation.empty() ? "" : to_string(row.output), grouped(row.trainable),
                             grouped(row.frozen), xgrad::detail::readable_bytes(row.bytes)});
            continue;
        }
        std::size_t end = i;
        while (end < rows.size() && !rows[end].is_layer) ++end;
        const std::size_t hidden = end - i > most_operations ? end - i - most_operations : 0;
        if (hidden) lines.push_back({"", "... " + std::to_string(hidden) + " operations", ""});
        for (i += hidden; i < end; ++i) lines.push_back({"", rows[i].operation, to_string(rows[i].output)});
        --i;
    }
    lines.push_back({"total", "", "", grouped(summary.trainable), grouped(summary.frozen),
                     xgrad::detail::readable_bytes(summary.bytes)});
    return columns(lines);
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) { return out << to_string(summary); }

}  // namespace xgrad::nn
