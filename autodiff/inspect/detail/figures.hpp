#pragma once

#include <string>
#include <vector>

#include "autodiff/core/detail/record.hpp"

// What the files inspect*.cpp share. Not for users.

namespace xgrad::detail {

inline const Record& record_of(const Tape& tape, const char* name) { return TapeAccess::record(tape, name, {}); }

/// f(node, entry) for the entries of a tape, in the order of recording.
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

/// Lines of cells as columns of one width each; a column whose bit is set stands to the right.
std::string columns(const std::vector<std::vector<std::string>>& lines, unsigned right);

}  // namespace xgrad::detail
