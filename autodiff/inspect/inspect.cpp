#include "inspect.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "autodiff/core/memory.hpp"
#include "detail/figures.hpp"

namespace xgrad {
namespace detail {

std::int64_t now_in_nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

namespace {

std::string padded(std::string text, std::size_t width, bool right = false) {
    if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
    return text;
}

template <class T>
std::int64_t first_not_finite(const Tensor& values) {
    const auto data = values.data<T>();
    for (std::size_t i = 0; i < data.size(); ++i)
        if (!std::isfinite(data[i])) return static_cast<std::int64_t>(i);
    return -1;
}

/// The index of element i. It is stored in a Shape, which prints like an index.
Shape index_of(const Shape& shape, std::int64_t i) {
    Shape index = shape;
    for (int k = shape.rank(); k-- > 0; i /= shape[k]) index[k] = i % shape[k];
    return index;
}

std::string input_shapes(const Record& record, std::span<const NodeId> inputs) {
    std::string text;
    for (const NodeId node : inputs)
        if (node != no_node)
            text += (text.empty() ? " from recorded inputs " : " and ") + to_string(record.nodes[node]->shape_of(node));
    return text;
}

}  // namespace

void check_finite(const char* operation, const std::string& result, const Tensor& values, const std::string& context,
                  Location where) {
    if (!is_floating(values.dtype())) return;
    const std::int64_t i =
        values.dtype() == DType::f32 ? first_not_finite<float>(values) : first_not_finite<double>(values);
    check<ValueError>(i < 0, where, [&] {
        const double value = values.dtype() == DType::f32
                                 ? static_cast<double>(values.data<float>()[static_cast<std::size_t>(i)])
                                 : values.data<double>()[static_cast<std::size_t>(i)];
        return std::string(operation) + ": " + result + " must be finite (check_finite), got " +
               (std::isnan(value) ? "nan"
                : value > 0       ? "inf"
                                  : "-inf") +
               " at " + to_string(index_of(values.shape(), i)) + " of shape " + to_string(values.shape()) + context;
    });
}

std::string columns(const std::vector<std::vector<std::string>>& lines, unsigned right) {
    std::vector<std::size_t> width;
    for (const auto& line : lines)
        for (std::size_t c = 0; c < line.size(); ++c) {
            if (c == width.size()) width.push_back(0);
            width[c] = std::max(width[c], line[c].size());
        }
    std::string text;
    for (const auto& line : lines) {
        std::string row;
        for (std::size_t c = 0; c < line.size(); ++c) row += padded(line[c], width[c], right >> c & 1) + "  ";
        row.erase(row.find_last_not_of(' ') + 1);
        text += row + '\n';
    }
    return text;
}

void Record::observe(const char* name, std::span<const NodeId> inputs, std::span<const Tensor> outputs, TapeMask tapes,
                     Location where) {
    if (checking & tapes)
        for (const Tensor& y : outputs) check_finite(name, "the result", y, input_shapes(*this, inputs), where);
    if (profiling & tapes) {
        const std::int64_t now = now_in_nanoseconds();
        timings.resize(nodes.size() + outputs.size());
        timings[nodes.size()] = {last_time, now - last_time, 0, 0};
        last_time = now_in_nanoseconds();
    }
}

}  // namespace detail

using namespace detail;

// --- summary ---------------------------------------------------------------------------------------------------------

std::string summary(const Tape& tape, std::size_t most) {
    const Record& record = record_of(tape, "summary");
    std::size_t count = 0;
    std::int64_t bytes = 0;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> totals;
    for_each_entry(tape, record, [&](NodeId, Entry& entry) {
        ++count;
        const std::int64_t own = bytes_of(entry);
        bytes += own;
        auto& total = totals[entry.name];
        ++total.first;
        total.second += own;
    });
    const std::size_t head = count > most ? (most + 1) / 2 : count, tail = count > most ? most / 2 : 0;
    std::vector<std::vector<std::string>> lines{{"node", "operation", "result", "bytes", "inputs", "line"}};
    std::size_t i = 0;
    for_each_entry(tape, record, [&](NodeId node, Entry& entry) {
        if (i == head && count > head + tail) lines.push_back({"…", std::to_string(count - head - tail) + " more"});
        if (i < head || i >= count - tail) {
            std::string inputs;
            for (std::uint32_t k = 0; k < entry.inputs; ++k) {
                const NodeId in = entry.input_nodes()[k];
                inputs += (k ? " " : "") + (in == no_node ? std::string("-") : std::to_string(in));
            }
            lines.push_back({std::to_string(node), entry.name, shapes_of(entry), readable_bytes(bytes_of(entry)),
                             inputs, line_of(entry)});
        }
        ++i;
    });
    std::string text = columns(lines, 0b001001);
    text +=
        std::to_string(count) + (count == 1 ? " entry, results " : " entries, results ") + readable_bytes(bytes) + '\n';
    std::vector<std::vector<std::string>> sums;
    for (const auto& [name, total] : totals)
        sums.push_back({"  " + name, std::to_string(total.first) + " x", readable_bytes(total.second)});
    return text + columns(sums, 0b110);
}

std::vector<TapeEntry> entries(const Tape& tape, const std::vector<std::pair<Tensor, std::string>>& names) {
    const Record& record = record_of(tape, "entries");
    std::map<std::uint64_t, std::string> named;
    for (const auto& [tensor, name] : names) named[TensorAccess::origin(tensor)] = name;
    std::map<NodeId, std::size_t> places;  // positions of nodes in the list
    std::vector<TapeEntry> list;
    for_each_entry(tape, record, [&](NodeId, Entry& entry) {
        TapeEntry next{.operation = entry.name,
                       .results = {},
                       .dtype = entry.dtype,
                       .inputs = {},
                       .source = entry.is_source,
                       .name = {}};
        for (NodeId k = entry.first_node; k < entry.first_node + entry.outputs; ++k) {
            next.results.push_back(entry.shape_of(k));
            places[k] = list.size();
        }
        for (std::uint32_t k = 0; k < entry.inputs; ++k)
            if (const auto place = places.find(entry.input_nodes()[k]); place != places.end())
                next.inputs.push_back(place->second);
        if (next.source)
            if (const auto name = named.find(entry.source()); name != named.end()) next.name = name->second;
        list.push_back(std::move(next));
    });
    return list;
}

// --- memory ----------------------------------------------------------------------------------------------------------

std::string memory_report() {
    const MemoryStats stats = memory_stats();
    std::int64_t kept = 0, kept_blocks = 0;
    if (thread_cache)
        for (int c = 0; c < ThreadCache::classes; ++c) {
            const auto blocks = static_cast<std::int64_t>(thread_cache->free[c].count);
            kept_blocks += blocks;
            kept += blocks * static_cast<std::int64_t>(bytes_of_class(static_cast<std::uint8_t>(c)));
        }
    return "in use by this thread: " + readable_bytes(stats.bytes_in_use) + " (at most " +
           readable_bytes(stats.peak_bytes) +
           " since the last reset_peak_memory)\nkept for reuse by this thread: " + readable_bytes(kept) + " in " +
           std::to_string(kept_blocks) +
           " blocks\nhanded out since the thread started: " + std::to_string(stats.blocks) + " blocks, " +
           std::to_string(stats.system_blocks) + " of them had to be asked of the system\n";
}

// --- why_no_gradient -------------------------------------------------------------------------------------------------

namespace {

constexpr const char* not_watching =
    "The open tapes do not watch parameters by themselves (watch_parameters = false): use tape.watch.";

std::string described(Entry& entry) {
    const std::string line = line_of(entry);
    return std::string(entry.name) + " " + to_string(*entry.shape) + (line.empty() ? "" : " [" + line + "]");
}

}  // namespace

/// Why y itself has no gradient; empty if there is no such reason.
std::string detail::why_not_recorded(const Record& record, const Tensor& y) {
    if (!y.defined()) return "is an empty tensor.";
    const std::uint64_t origin = TensorAccess::origin(y);
    if (origin == 0) {
        std::string text = "is a constant: it was not recorded.";
        if (!is_floating(y.dtype()))
            return text + " It is " + name_of(y.dtype()) + ", and only f32 and f64 have gradients.";
        if (record.open.empty()) text += " No tape is open on this thread: open one before it is computed.";
        else
            text +=
                " Either nothing that it was computed from is watched (tape.watch(x), or a Parameter), or on the way "
                "it went through "
                "stop_gradient, through item() or data(), or through an operation without gradient such as a "
                "comparison, argmax or round.";
        return text;
    }
    if (Origin::is_parameter(origin)) return record.watchers ? "" : "is a parameter. " + std::string(not_watching);
    const NodeId node = record.find(origin);
    if (node == no_node)
        return "was recorded on a tape that is gone, or by another thread: take the gradient while its tape lives.";
    return "";
}

std::string why_no_gradient(const Tensor& loss, const Tensor& w) {
    Record& record = record_of_this_thread();
    if (!w.defined()) return "The source is an empty tensor.";
    if (!is_floating(w.dtype()))
        return std::string("The source is ") + name_of(w.dtype()) + ", and only f32 and f64 have gradients.";
    if (std::string text = why_not_recorded(record, loss); !text.empty()) return "The loss " + text;

    const std::uint64_t origin = TensorAccess::origin(w);
    NodeId source = no_node;
    if (origin == 0)
        return "The source is a constant for every tape. Watch it, and compute with what watch returns: Tensor w = "
               "tape.watch(value). If "
               "it is "
               "a parameter, it is frozen.";
    if (Origin::is_parameter(origin)) {
        source = record.last_capture(origin);
        if (source == no_node)
            return record.watchers ? "No recorded operation used this parameter since the tape was opened: the model "
                                     "that computed the loss has "
                                     "another copy of it, or took its value() or a stop_gradient of it."
                                   : not_watching;
    } else {
        source = record.find(origin);
        if (source == no_node)
            return "The source was watched or recorded on a tape that is gone, or by another thread; for the open tape "
                   "it is a constant. "
                   "Watch it again.";
    }
    const NodeId target =
        Origin::is_parameter(TensorAccess::origin(loss)) ? source : Origin::node_of(TensorAccess::origin(loss));
    // Each tape has its own source for a parameter: start from the first, as all of them represent the parameter.
    for (NodeId before; Origin::is_parameter(origin) && (before = record.nodes[source]->captured_before()) != no_node;)
        source = before;
    if (source > target) return "The source was recorded after the loss, which therefore cannot depend on it.";
    const auto stands_for_source = [&](NodeId node) {
        Entry& entry = *record.nodes[node];
        return node == source || (entry.is_source && entry.source() == origin);
    };

    // Mark all nodes in between that depend on the source, and find where the dependence ends.
    std::vector<unsigned char> reached(target + std::size_t{1});
    reached[source] = 1;
    std::vector<NodeId> users;
    std::vector<unsigned char> used(target + std::size_t{1});
    for (NodeId node = source; node <= target; ++node) {
        Entry* entry = record.nodes[node];
        if (entry->first_node != node) continue;
        bool depends = stands_for_source(node);
        for (std::uint32_t k = 0; k < entry->inputs; ++k) {
            const NodeId in = entry->input_nodes()[k];
            if (in == no_node || in > target || in < source || !reached[in]) continue;
            depends = true;
            used[in] = 1;
            if (stands_for_source(in) && !stands_for_source(node)) users.push_back(node);
        }
        for (NodeId k = node; depends && k < node + entry->outputs && k <= target; ++k) reached[k] = 1;
    }
    if (reached[target]) {
        std::string text = "The loss does depend on it, through ";
        for (std::size_t i = 0; i < users.size() && i < 3; ++i)
            text += (i ? ", " : "") + described(*record.nodes[users[i]]);
        if (stands_for_source(target)) text += "nothing: it is the loss itself";
        if (users.size() > 3) text += " and " + std::to_string(users.size() - 3) + " more";
        return text +
               ". If the gradient is still absent, a pullback on the way said that its result does not depend on that "
               "input (an empty "
               "tensor); if it is zero, look at the operations on the way with to_dot(tape).";
    }
    if (users.empty())
        return "Nothing that was recorded before the loss used it. Compute with the tensor that watch returned, not "
               "with the one that was "
               "given to it.";
    std::string text = "It was used by ";
    for (std::size_t i = 0; i < users.size() && i < 3; ++i)
        text += (i ? ", " : "") + described(*record.nodes[users[i]]);
    if (users.size() > 3) text += " and " + std::to_string(users.size() - 3) + " more";
    text += ", but nothing of it reaches the loss. Recorded results that depend on it end at ";
    std::string ends;
    int shown = 0;
    for (NodeId node = target + 1; node-- > source && shown < 3;)
        if (reached[node] && !used[node]) ends += (shown++ ? ", " : "") + described(*record.nodes[node]);
    return text + ends +
           "; from there on they were unused, or went through stop_gradient, item(), data() or an operation without "
           "gradient.";
}

std::string why_no_gradient(const Tensor& loss, const Parameter& w) {
    if (w.defined() && w.frozen())
        return "The parameter is frozen: it is a constant for every tape until freeze(false).";
    return why_no_gradient(loss, static_cast<const Tensor&>(w));
}

}  // namespace xgrad
