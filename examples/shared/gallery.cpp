// gallery DIR THEME/NAME...: from DIR/NAME/result.json, which the examples wrote, makes DIR/results.json and the page
// DIR/index.html.
//
// gallery DIR --failed NAME COMMAND WHY: records that NAME ended with an error, so that the page shows it.

#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "write_whole.hpp"

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr const char* head =
    R"(<!doctype html><html lang="en"><head><title>xgrad's examples</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --paper: #fcfcfa; --card: #fff; --ink: #222; --soft: #6b6b6b; --line: #e2e2dd; --good: #2f7d43; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1e2125; --ink: #e6e6e6; --soft: #9a9ea5; --line: #33373d; --good: #72c486; --bad: #ff8a80; } }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 8px; text-transform: capitalize; } h3 { font-size: 16px; margin: 0 0 2px; }
p { margin: 0 0 6px; } .soft { color: var(--soft); } a { color: inherit; }
article { padding: 16px; margin: 14px 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; }
table { border-collapse: collapse; margin: 8px 0; font-variant-numeric: tabular-nums; } td, th { padding: 3px 18px 3px 0; text-align: left; border-bottom: 1px solid var(--line); font-weight: 400; }
th { color: var(--soft); } .reached { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
.contents td { padding: 5px 0; } .contents a { text-decoration: none; } .entry { margin-left: 12px; white-space: nowrap; } .contents th { text-transform: capitalize; white-space: nowrap; }
@media (max-width: 600px) { body { padding: 12px; } td, th { padding-right: 6px; font-size: 13px; } article td:first-child { overflow-wrap: anywhere; } }
figure { margin: 12px 0 4px; } figure img { max-width: 100%; height: auto; } figcaption { color: var(--soft); font-size: 13px; }
code, pre { font: 13px/1.4 ui-monospace, monospace; } pre { white-space: pre-wrap; margin: 6px 0; }
</style></head><body>
)";

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
    return out;
}

Json read(const fs::path& path) {
    std::ifstream in(path);
    return Json::parse(in);
}

/// The word after a figure: reached, missed, or nothing.
std::string verdict(const Json& figure) {
    if (!figure.contains("target")) return "";
    return figure["reached"].get<bool>() ? "<span class=\"reached\">reached</span>"
                                         : "<span class=\"missed\">missed</span>";
}

std::string number(const Json& figure) {
    return figure["figure"].is_number() ? fmt::format("{:.6g}", figure["figure"].get<double>()) : "–";
}

/// The link to an example at the top of the page, with a mark for whether all its targets are reached.
std::string entry_of(const std::string& name, const Json& result) {
    const auto missed = [](const Json& figure) { return figure.contains("reached") && !figure["reached"].get<bool>(); };
    const bool bad = result.contains("failed") || std::ranges::any_of(result["figures"], missed);
    return fmt::format(
        "<span class=\"entry\"><a href=\"#{0}\">{0}</a> <span class=\"{1}\" title=\"{2}\">{3}</span></span>",
        escaped(name), bad ? "missed" : "reached", bad ? "a target was missed" : "all targets reached",
        bad ? "✗" : "✓");
}

std::string article(const std::string& name, const Json& result) {
    std::string html =
        fmt::format("<article id=\"{0}\"><h3>{0}</h3>\n<p>{1}</p>\n", escaped(name), escaped(result.value("what", "")));
    if (result.contains("failed")) html += "<p class=\"missed\">" + escaped(result["failed"]) + "</p>\n";
    if (!result["figures"].empty()) {
        html += "<table><tr><th></th><th>figure</th><th>target</th><th></th></tr>\n";
        for (const Json& figure : result["figures"])
            html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(figure["what"]),
                                number(figure), escaped(figure.value("target", "")), verdict(figure));
        html += "</table>\n";
    }
    for (const Json& note : result["notes"]) {
        const std::string text = note;
        html += text.find('\n') == text.npos ? "<p>" + escaped(text) + "</p>\n" : "<pre>" + escaped(text) + "</pre>\n";
    }
    for (const Json& picture : result["pictures"])
        html += fmt::format(
            "<figure><a href=\"{0}/{1}\"><img src=\"{0}/{1}\" alt=\"{2}\" "
            "loading=\"lazy\"></a><figcaption>{2}</figcaption></figure>\n",
            escaped(name), escaped(picture["file"]), escaped(picture["caption"]));
    return html + fmt::format("<p class=\"soft\">{:.0f} s{} · <code>{}</code></p></article>\n",
                              result.value("seconds", 0.0), result.value("brief", false) ? ", a brief run" : "",
                              escaped(result["command"]));
}

void write_page(const fs::path& folder, const std::vector<std::string>& order) {
    Json list = Json::array();
    std::string body, contents, theme, machine;
    int targets = 0, reached = 0;
    double seconds = 0;
    for (const std::string& entry : order) {  // "1_basics/xor"
        const auto slash = entry.find('/');
        const fs::path file = folder / entry.substr(slash + 1) / "result.json";
        if (!fs::exists(file)) continue;
        const Json result = read(file);
        const std::string folder_of = entry.substr(0, slash), title = folder_of.substr(folder_of.find('_') + 1);
        if (title != theme) {
            theme = title;
            body += "<h2>" + escaped(theme) + "</h2>\n";
            contents += "<tr><th>" + escaped(theme) + "</th><td>";
        }
        contents += entry_of(entry.substr(slash + 1), result) + "\n";
        body += article(entry.substr(slash + 1), result);
        machine = result.value("processor", machine);
        seconds += result.value("seconds", 0.0);
        if (result.contains("failed"))
            list.push_back({{"name", entry.substr(slash + 1)},
                            {"what", result["failed"]},
                            {"figure", nullptr},
                            {"target", "ends well"},
                            {"reached", false}});
        for (const Json& figure : result["figures"]) {
            const bool has = figure.contains("target");
            targets += has;
            reached += has && figure["reached"].get<bool>();
            list.push_back({{"name", entry.substr(slash + 1)},
                            {"what", figure["what"]},
                            {"figure", figure["figure"]},
                            {"target", has ? figure["target"] : Json()},
                            {"reached", has ? figure["reached"] : Json()}});
        }
    }
    write_whole(folder / "results.json", list.dump(1) + "\n");
    write_whole(
        folder / "index.html",
        head +
            fmt::format(
                "<h1>xgrad's examples</h1>\n<p class=\"soft\">{} of {} targets reached; {:.0f} minutes in all; {}; "
                "<a href=\"results.json\">results.json</a></p>\n",
                reached, targets, seconds / 60, escaped(machine)) +
            "<table class=\"contents\">" + contents + "</table>\n" + body + "</body></html>\n");
    fmt::print("{} of {} targets reached; the page is {}\n", reached, targets, (folder / "index.html").string());
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 3) {
        fmt::print(stderr, "usage: gallery DIR THEME/NAME...\n       gallery DIR --failed NAME COMMAND WHY\n");
        return 2;
    }
    const fs::path folder = argv[1];
    if (std::string(argv[2]) == "--failed" && argc == 6) {
        fs::create_directories(folder / argv[3]);
        write_whole(folder / argv[3] / "result.json", Json{{"name", argv[3]},
                                                           {"command", argv[4]},
                                                           {"failed", argv[5]},
                                                           {"figures", Json::array()},
                                                           {"pictures", Json::array()},
                                                           {"notes", Json::array()}}
                                                          .dump(1));
        return 0;
    }
    write_page(folder, std::vector<std::string>(argv + 2, argv + argc));
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "gallery: {}\n", error.what());
    return 2;
}
