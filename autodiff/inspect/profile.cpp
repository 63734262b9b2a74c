#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "detail/figures.hpp"
#include "inspect.hpp"

// The profile of a tape.

namespace xgrad {

using namespace detail;

Profile profile(const Tape& tape) {
    const Record& record = record_of(tape, "profile");
    check<TapeError>(record.profiling & Record::bit(TapeAccess::depth(tape)), {}, [] {
        return std::string(
            "profile: the tape must be opened for it, Tape tape({.profile = true}), got one that was not");
    });
    Profile result;
    std::map<std::string, Profile::Row> rows;
    nlohmann::json events = nlohmann::json::array();
    std::int64_t origin = -1;
    for_each_entry(tape, record, [&](NodeId node, Entry& entry) {
        const Timing time = node < record.timings.size() ? record.timings[node] : Timing{};
        if (origin < 0 && time.forward_start) origin = time.forward_start;
        if (entry.is_source) return;
        Profile::Row& row = rows[entry.name];
        row.operation = entry.name;
        ++row.count;
        row.forward_us += static_cast<double>(time.forward) * 1e-3;
        row.backward_us += static_cast<double>(time.backward) * 1e-3;
        row.bytes += bytes_of(entry);
        const auto event = [&](const char* phase, std::int64_t start, std::int64_t duration, int lane) {
            if (!start) return;
            events.push_back({{"name", entry.name},
                              {"cat", phase},
                              {"ph", "X"},
                              {"ts", static_cast<double>(start - origin) * 1e-3},
                              {"dur", static_cast<double>(duration) * 1e-3},
                              {"pid", 1},
                              {"tid", lane},
                              {"args", {{"result", shapes_of(entry)}, {"line", line_of(entry)}, {"node", node}}}});
        };
        event("forward", time.forward_start, time.forward, 1);
        event("backward", time.backward_start, time.backward, 2);
    });
    for (const int lane : {1, 2})
        events.push_back({{"name", "thread_name"},
                          {"ph", "M"},
                          {"pid", 1},
                          {"tid", lane},
                          {"args", {{"name", lane == 1 ? "forward" : "backward"}}}});
    for (auto& [name, row] : rows) {
        result.forward_us += row.forward_us;
        result.backward_us += row.backward_us;
        result.bytes += row.bytes;
        result.rows.push_back(std::move(row));
    }
    const double whole = result.forward_us + result.backward_us;
    for (auto& row : result.rows) row.share = whole > 0 ? (row.forward_us + row.backward_us) / whole : 0;
    std::stable_sort(result.rows.begin(), result.rows.end(),
                     [](const auto& a, const auto& b) { return a.share > b.share; });
    result.chrome_trace = nlohmann::json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ns"}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);  // a name may contain any bytes
    return result;
}

namespace {

std::string number(const char* format, double value) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

}  // namespace

std::string to_string(const Profile& profile) {
    std::vector<std::vector<std::string>> lines{{"operation", "count", "forward us", "backward us", "bytes", "share"}};
    const auto line = [&](const Profile::Row& row) {
        lines.push_back({row.operation, std::to_string(row.count), number("%.1f", row.forward_us),
                         number("%.1f", row.backward_us), readable_bytes(row.bytes),
                         number("%.1f %%", 100 * row.share)});
    };
    Profile::Row all{
        "total", 0, profile.forward_us, profile.backward_us, profile.bytes, profile.rows.empty() ? 0.0 : 1.0};
    for (const auto& row : profile.rows) {
        line(row);
        all.count += row.count;
    }
    line(all);
    return columns(lines, 0b111110);
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) { return out << to_string(profile); }

}  // namespace xgrad
