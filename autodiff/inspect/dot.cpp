#include <algorithm>
#include <map>

#include "detail/figures.hpp"
#include "inspect.hpp"

// A tape as a graph in DOT.

namespace xgrad {

using namespace detail;

namespace {

std::string dot_string(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        if (c == '\n') result += "\\n";
        else result += c;
    }
    return result + '"';
}

/// Nested boxes: one for each part of a name before its last dot.
struct Cluster {
    std::string path, label;
    std::map<std::string, Cluster> inner;
    std::vector<std::string> nodes;

    Cluster& at(const std::string& name) {
        Cluster* cluster = this;
        for (std::size_t from = 0; from < name.size();) {
            const std::size_t dot = std::min(name.find('.', from), name.size());
            const std::string part = name.substr(from, dot - from);
            Cluster& next = cluster->inner[part];
            next.path = name.substr(0, dot);
            next.label = part;
            cluster = &next;
            from = dot + 1;
        }
        return *cluster;
    }
    void write(std::string& out, const std::string& indent) const {
        for (const std::string& node : nodes) out += indent + node + '\n';
        for (const auto& [part, cluster] : inner) {
            out += indent + "subgraph " + dot_string("cluster_" + cluster.path) + " {\n" + indent +
                   "  label=" + dot_string(cluster.label) +
                   "; style=rounded; color=gray; fontname=\"sans-serif\"; fontsize=10;\n";
            cluster.write(out, indent + "  ");
            out += indent + "}\n";
        }
    }
};

}  // namespace

std::string to_dot(const Tape& tape, const DotOptions& options) {
    const Record& record = record_of(tape, "to_dot");
    std::map<std::uint64_t, std::string> names;
    for (const auto& [tensor, name] : options.names) names[TensorAccess::origin(tensor)] = name;
    std::size_t count = 0;
    for_each_entry(tape, record, [&](NodeId, Entry&) { ++count; });
    const std::size_t skipped = count > options.max_entries ? count - options.max_entries : 0;

    std::map<NodeId, std::string> named;  // sources
    Cluster root;
    std::string edges;
    std::size_t i = 0;
    NodeId first_drawn = no_node;
    for_each_entry(tape, record, [&](NodeId node, Entry& entry) {
        const std::string id = "n" + std::to_string(node);
        if (entry.is_source) {
            const auto name = names.find(entry.source());
            if (name != names.end()) named[node] = name->second;
        }
        if (i++ < skipped) return;
        if (first_drawn == no_node) first_drawn = node;
        std::string label = named.count(node) ? named[node] : std::string(entry.name);
        label += "\n" + shapes_of(entry) + "\n" + readable_bytes(bytes_of(entry));
        if (const std::string line = line_of(entry); !line.empty()) label += "\n" + line;
        std::string box;
        bool several = false;
        const auto belongs = [&](NodeId source) {
            const auto name = named.find(source);
            if (name == named.end()) return;
            const std::size_t dot = name->second.find_last_of('.');
            const std::string own = dot == std::string::npos ? "" : name->second.substr(0, dot);
            several = several || (!box.empty() && box != own);
            box = own;
        };
        belongs(node);
        for (std::uint32_t k = 0; k < entry.inputs; ++k) {
            const NodeId in = entry.input_nodes()[k];
            if (in == no_node) continue;
            belongs(in);
            if (in >= first_drawn || in < record.at(TapeAccess::depth(tape)).start)
                edges += "  n" + std::to_string(record.nodes[in]->first_node) + " -> " + id + ";\n";
        }
        root.at(several ? "" : box)
            .nodes.push_back(id + " [label=" + dot_string(label) +
                             (entry.is_source ? ", shape=box, style=filled, fillcolor=\"#e8f0fe\"" : "") + "];");
    });
    std::string out = "digraph tape {\n  rankdir=TB;\n  node [fontname=\"sans-serif\", fontsize=10, shape=ellipse];\n";
    if (skipped)
        out += "  label=" +
               dot_string("the last " + std::to_string(options.max_entries) + " of " + std::to_string(count) +
                          " entries") +
               ";\n";
    root.write(out, "  ");
    return out + edges + "}\n";
}

}  // namespace xgrad
