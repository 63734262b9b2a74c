#pragma once

#include <string>
#include <vector>

#include "autodiff/core/detail/record.hpp"

// Helpers shared by the files in inspect/. Not for users.

namespace xgrad::detail {

inline const Record& record_of(const Tape& tape, const char* name) { return TapeAccess::record(tape, name, {}); }

/// Calls f(node, entry) for the entries of a tape, in recording order.
template <class F>
void for_each_entry(const Tape& tape, const Record& record, F&& f) {
    for (std::size_t node = record.at(TapeAccess::depth(tape)).start; node < record.nodes.size();) {
        Entry& entry = *record.nodes[node];
        f(static_cast<NodeId>(node), entry);
        node += entry.outputs;
    }
}

inline std::int64_t bytes_of(Entry& entry) {
    std::int64_t elements = 0;
    for (NodeId k = entry.first_node; k < entry.first_node + entry.outputs; ++k) elements += entry.shape_of(k).size();
    return elements * size_of(entry.dtype);
}

inline std::string line_of(const Entry& entry) {
    if (!entry.file || !*entry.file) return "";
    const std::string path = entry.file;
    return path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(entry.line);
}

inline std::string shapes_of(Entry& entry) {
    std::string text;
    for (NodeId k = entry.first_node; k < entry.first_node + entry.outputs; ++k)
        text += (text.empty() ? "" : " ") + to_string(entry.shape_of(k));
    return text + " " + name_of(entry.dtype);
}

/// Lays out lines of cells in columns of fixed width; a column whose bit is set in `right` is right-aligned.
std::string columns(const std::vector<std::vector<std::string>>& lines, unsigned right);

}  // namespace xgrad::detail
