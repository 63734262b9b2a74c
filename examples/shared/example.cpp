#include "example.hpp"

#include <omp.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <autodiff/core/precision.hpp>
#include <nn/core/random.hpp>

#include "write_whole.hpp"

struct Example::Parts {
    std::string name, out;
    std::uint64_t seed = 0;
    bool brief = false;
    int threads = 0;
    bool bf16 = false;
    CLI::App app;
    nlohmann::ordered_json figures = nlohmann::ordered_json::array(), pictures = nlohmann::ordered_json::array(),
                           notes = nlohmann::ordered_json::array();
    bool all_reached = true;
};

namespace {

/// The processor, as the system names it; figures of time and speed refer to it.
std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
    return "unknown";
}

}  // namespace

Example::Example(std::string name, std::string what) : parts_(std::make_unique<Parts>()) {
    parts_->name = std::move(name);
    parts_->out = "out/" + parts_->name;
    parts_->app.name(parts_->name);
    parts_->app.description(std::move(what));
}

Example::~Example() = default;

void Example::option(const std::string& flag, std::int64_t& value, const std::string& help, std::int64_t least) {
    parts_->app.add_option(flag, value, help)
        ->check(least > 0 ? CLI::Validator(CLI::PositiveNumber) : CLI::Validator(CLI::NonNegativeNumber))
        ->capture_default_str();
}
void Example::option(const std::string& flag, double& value, const std::string& help) {
    parts_->app.add_option(flag, value, help)->check(CLI::NonNegativeNumber)->capture_default_str();
}
void Example::option(const std::string& flag, std::string& value, const std::string& help) {
    parts_->app.add_option(flag, value, help)->capture_default_str();
}
void Example::option(const std::string& flag, bool& value, const std::string& help) {
    parts_->app.add_flag(flag, value, help);
}

void Example::default_threads(int threads) { parts_->threads = threads; }

int Example::run(int argc, char** argv, const std::function<void()>& body) try {
    Parts& p = *parts_;
    p.app.add_flag("--brief", p.brief, "A short run that still has to learn, as the tests make it");
    p.app.add_option("--seed", p.seed, "Seed of all random numbers")->capture_default_str();
    p.app.add_option("--threads", p.threads, "Threads to use; 0: one for each core")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    p.app.add_flag("--bf16", p.bf16,
                   "Multiply in bf16: several times as fast on some processors; targets are those of f32");
    p.app.add_option("--out", p.out, "Folder for pictures and result.json")->type_name("DIR")->capture_default_str();
    try {
        p.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return p.app.exit(error) == 0 ? 0 : 2;
    }
    if (p.threads > 0) omp_set_num_threads(p.threads);
    xgrad::nn::manual_seed(p.seed);
    std::filesystem::create_directories(p.out);

    const auto start = std::chrono::steady_clock::now();
    const xgrad::Autocast precision(p.bf16 ? xgrad::Precision::bf16 : xgrad::Precision::full);
    body();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    std::string command = "examples/run.sh " + p.name;
    for (int i = 1; i < argc; ++i) {
        if (std::string(argv[i]) == "--out") ++i;  // the folder does not affect the results
        else command += std::string(" ") + argv[i];
    }
    const nlohmann::ordered_json result = {
        {"name", p.name},       {"what", p.app.get_description()}, {"command", command},
        {"seconds", seconds},   {"processor", processor()},        {"brief", p.brief},
        {"figures", p.figures}, {"pictures", p.pictures},          {"notes", p.notes}};
    write_whole(path("result.json"), result.dump(1) + "\n");
    return p.all_reached ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", parts_->name, error.what());
    return 2;
}

std::uint64_t Example::seed() const { return parts_->seed; }
bool Example::brief() const { return parts_->brief; }
std::string Example::path(const std::string& file) const { return parts_->out + "/" + file; }

void Example::figure(const std::string& what, double value, const Target& target) {
    const auto least = brief() ? target.brief_at_least : target.at_least,
               most = brief() ? target.brief_at_most : target.at_most;
    std::string wanted;
    if (least) wanted += fmt::format("at least {:.6g}", *least);
    if (most) wanted += fmt::format("{}at most {:.6g}", least ? ", " : "", *most);
    // A figure that is NaN does not reach its target.
    const bool reached = (!least || value >= *least) && (!most || value <= *most);
    nlohmann::ordered_json figure = {{"what", what}, {"figure", value}};
    if (!wanted.empty()) {
        figure["target"] = wanted;
        figure["reached"] = reached;
        parts_->all_reached = parts_->all_reached && reached;
    }
    parts_->figures.push_back(figure);
    fmt::print("{} {:.6g}{}\n", what, value,
               wanted.empty() ? "" : fmt::format(" ({}: {})", wanted, reached ? "reached" : "MISSED"));
    std::fflush(stdout);
}

void Example::picture(const std::string& file, const std::string& caption, const std::vector<xgrad::nn::Plot>& plots,
                      int columns) {
    if (parts_->pictures.empty()) fmt::print("pictures and result.json go to {}\n", parts_->out);
    xgrad::nn::save_svg(path(file), plots, {.columns = columns});
    parts_->pictures.push_back({{"file", file}, {"caption", caption}});
}

void Example::note(const std::string& text) {
    parts_->notes.push_back(text);
    fmt::print("{}\n", text);
    std::fflush(stdout);
}
