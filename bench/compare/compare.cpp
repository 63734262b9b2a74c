// Runs the same workloads with xgrad and with libtorch, in turn (A B A B ...), and compares the medians.

#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "../processor.hpp"

namespace {

namespace fs = std::filesystem;

struct Workload {
    const char* name;
    double target;  // upper limit for xgrad's time over libtorch's
};

constexpr Workload workloads[] = {
    {"chain_n1", 0.02},
    {"chain_n16", 0.02},
    {"chain_n256", 0.02},
    {"chain_n16_forward", 0.05},
    {"xor_step", 0.03},
    {"mlp_784_256_10_b64_sgd", 0.75},
    {"mlp_784_256_10_b64_adam", 0.45},
    {"mlp_784_512_512_10_b128_adam", 0.75},
    {"mlp_1024x3_b256_sgd", 0.90},
    {"mlp_784_512_512_10_b128_adam_bf16", 0.90},
    {"mlp_1024x3_b256_sgd_bf16", 0.90},
    {"elementwise_1m", 0.30},
    {"map_elementwise_1m", 0.08},
    {"softmax_512x1024", 0.60},
    {"bias_add_512x1024", 0.70},
    {"bias_add_512x1024_sum", 0.70},
    {"matmul_256", 0.95},
    {"matmul_256_sum", 0.95},
    {"gather_512x1024", 0.80},
    {"gather_512x1024_sum", 0.80},
    {"embedding_10000x128_2048", 0.60},
    {"embedding_10000x128_2048_sum", 0.60},
    {"lstm_T35_B20_I200_H200_L2", 0.70},
    {"gru_T35_B20_I200_H200_L2", 0.65},
    {"rnn_T35_B20_I200_H200_L1", 0.70},
    {"lstm_T50_B1_I16_H32", 0.02},
    {"lstm_primitives_T35_B20_H200", 0.75},
    {"transformer_2L_64x16_d128", 0.70},
    {"transformer_2L_64x16_d128_bf16", 0.90},
    {"layernorm_512x1024", 0.60},
    {"conv2d_lenet", 0.70},
    {"convblock", 1.00},
    {"convblock_bf16", 0.90},
    {"lenet_b64_adam", 0.60},
    {"adam_10m", 0.50},
    {"attention_64", 0.70},
    {"attention_512", 0.70},
    {"cumsum_512x1024", 0.80},
    {"sort_512x1024", 0.80},
    {"cholesky_256", 1.0},
    {"solve_256", 1.0},
};

struct Options {
    std::string filter = ".*";
    int rounds = 5;
    int threads = 1;
    double seconds = 0.3;
    fs::path out = {};
    bool speedup = false;
    bool allow_different_blas = false;
};

struct Side {
    fs::path program;
    std::string environment;
};

struct Result {
    const Workload* workload;
    double xgrad, libtorch;              // microseconds
    std::optional<double> floor = {};    // time of the products' arithmetic
    std::optional<double> speedup = {};  // of two threads compared with one
    double least = 0, most = 0;          // of the ratios of the rounds
    double ratio() const { return xgrad / libtorch; }
};

/// The program's standard output. Throws when it cannot be run or fails.
std::string output_of(const Side& side, const std::string& arguments) {
    const std::string command = fmt::format("{} '{}' {}", side.environment, side.program.string(), arguments);
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run " + command);
    std::string text;
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    const int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed: " + command);
    return text;
}

struct Blas {
    fs::path file;
    std::string core;    ///< the core whose kernels it has chosen
    std::string isa;     ///< xgrad's instruction set
    std::string better;  ///< a better core that the processor supports, if there is one
};

/// The OpenBLAS that the program actually loads, with links resolved: programs ask for libopenblas.so.0, and which file
/// that is depends on the loader's path and the system's alternatives.
Blas blas_of(const Side& side) {
    std::istringstream lines(output_of(side, "--blas"));
    Blas blas;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("core ")) blas.core = line.substr(5);
        else if (line.starts_with("better ")) blas.better = line.substr(7);
        else if (line.starts_with("isa ")) blas.isa = line.substr(4);
        else if (blas.file.empty() && fs::path(line).filename().string().starts_with("libopenblas"))
            blas.file = fs::canonical(line);
    }
    return blas;
}

enum class Clock { wall = 1, processor = 2 };

/// One run of one workload, in microseconds.
double measure(const Side& side, const std::string& name, Clock clock, const Options& options) {
    const auto csv = output_of(
        side, fmt::format("--benchmark_filter='^{}/' --benchmark_min_time={} --benchmark_format=csv 2>/dev/null", name,
                          options.seconds));
    // "chain_n16/real_time",1234,345.6,345.5,us,,,,,
    static const std::regex row("\"[^\"]*\",\\d+,([^,]+),([^,]+),us,");
    std::smatch match;
    if (!std::regex_search(csv, match, row))
        throw std::runtime_error(fmt::format("{}: no figure for {}", side.program.string(), name));
    return std::stod(match[static_cast<std::size_t>(clock)]);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto n = values.size();
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// The command line that gives a program this many threads.
std::string environment_of(int threads) {
    return fmt::format("OMP_NUM_THREADS={0} OPENBLAS_NUM_THREADS={0} OMP_PROC_BIND={1}", threads,
                       threads > 1 ? "true" : "false");
}

/// The median of one side's rounds.
double median_of(const Side& side, const std::string& name, Clock clock, const Options& options) {
    std::vector<double> times;
    for (int round = 0; round < options.rounds; ++round) times.push_back(measure(side, name, clock, options));
    return median(times);
}

/// The workloads of one side.
std::set<std::string> workloads_of(const Side& side) {
    std::istringstream lines(output_of(side, "--benchmark_list_tests"));
    std::set<std::string> names;
    for (std::string line; std::getline(lines, line);)
        names.insert(line.substr(0, line.rfind('/')));  // without "/real_time"
    return names;
}

/// Wall time with one thread over that with two.
double speedup_of(const Workload& workload, const Side& xgrad, const Options& options) {
    return median_of({xgrad.program, environment_of(1)}, workload.name, Clock::wall, options) /
           median_of({xgrad.program, environment_of(2)}, workload.name, Clock::wall, options);
}

Result compare(const Workload& workload, const Side& xgrad, const Side& libtorch, const Options& options) {
    // With one thread, processor time is used: it equals wall time on an idle machine and is less disturbed by other
    // processes.
    const Clock clock = options.threads == 1 ? Clock::processor : Clock::wall;
    std::vector<double> ours, theirs;
    for (int round = 0; round < options.rounds; ++round) {
        ours.push_back(measure(xgrad, workload.name, clock, options));
        theirs.push_back(measure(libtorch, workload.name, clock, options));
    }
    Result result{&workload, median(ours), median(theirs)};
    result.least = result.most = ours[0] / theirs[0];
    for (std::size_t i = 1; i < ours.size(); ++i) {
        result.least = std::min(result.least, ours[i] / theirs[i]);
        result.most = std::max(result.most, ours[i] / theirs[i]);
    }
    if (const std::string floor = fmt::format("floor/{}", workload.name); workloads_of(xgrad).count(floor))
        result.floor = measure(xgrad, floor, Clock::wall, options);
    if (options.speedup) result.speedup = speedup_of(workload, xgrad, options);
    return result;
}

void print(const Result& r) {
    fmt::print("{:<30} {:>12.2f} {:>12.2f} {:>12} {:>8.4f}   {:>5.2f}  {}{}\n", r.workload->name, r.xgrad, r.libtorch,
               r.floor ? fmt::format("{:.2f}", *r.floor) : "", r.ratio(), r.workload->target,
               r.ratio() <= r.workload->target ? "reached" : "missed ",
               r.speedup ? fmt::format("  {:>5.2f}x", *r.speedup) : "");
    std::fflush(stdout);
}

/// "compare-intel-r-xeon-r-processor-avx512-1.json": one file per processor type and number of threads.
fs::path file_for(const std::string& processor, const std::string& isa, int threads) {
    std::string name = "compare-";
    for (const char c : processor + " " + isa)
        if (std::isalnum(static_cast<unsigned char>(c)))
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (name.back() != '-') name += '-';
    return fmt::format("bench/results/{}-{}.json", name, threads);
}

void write(const std::vector<Result>& results, const Options& options, const nlohmann::ordered_json& about) {
    if (options.out.has_parent_path()) fs::create_directories(options.out.parent_path());
    const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
    nlohmann::ordered_json json = about;
    for (const auto& r : results) {
        nlohmann::ordered_json row{{"workload", r.workload->name},
                                   {"xgrad_us", rounded(r.xgrad)},
                                   {"libtorch_us", rounded(r.libtorch)},
                                   {"ratio", rounded(r.ratio())}};
        row["spread"] = {rounded(r.least), rounded(r.most)};
        if (r.floor) row["floor_us"] = rounded(*r.floor);
        if (r.speedup) row["speedup_of_two_threads"] = rounded(*r.speedup);
        json["workloads"].push_back(row);
    }
    std::ofstream file(options.out);
    file << json.dump(1) << '\n';
    if (!file) throw std::runtime_error("cannot write " + options.out.string());
}

int run(Options options, const fs::path& here) {
    const std::string threads = environment_of(options.threads);
    const Side xgrad{here / "xgrad_side", threads};
    // If OpenBLAS ran several times slower than it could, OpenBLAS would be compared instead of the libraries: unless
    // the user has chosen a core, both sides use the better one.
    const Blas found = blas_of(xgrad);
    const bool other_core = !found.better.empty() && setenv("OPENBLAS_CORETYPE", found.better.c_str(), 0) == 0;
    const Blas blas = other_core ? blas_of(xgrad) : found;
    const Side libtorch{here / "libtorch_side",
                        fmt::format("{} LD_LIBRARY_PATH='{}'", threads, blas.file.parent_path().string())};
    const Blas their_blas = blas_of(libtorch);
    fmt::print("processor      {}, {}\nxgrad loads    {}, {}\nlibtorch loads {}, {}\n", processor(), blas.isa,
               blas.file.string(), blas.core, their_blas.file.string(), their_blas.core);
    if (blas.core != found.core)
        fmt::print("OpenBLAS took this processor for {}; both sides run with OPENBLAS_CORETYPE={}\n", found.core,
                   found.better);
    if ((blas.file != their_blas.file || blas.core != their_blas.core) && !options.allow_different_blas) {
        fmt::print(stderr,
                   "the two sides load different BLAS libraries; --allow-different-blas compares them all the same\n");
        return 3;
    }

    fmt::print(
        "threads {}, medians of {} interleaved runs; floor: the products' arithmetic at the processor's peak\n\n",
        options.threads, options.rounds);
    fmt::print("{:<30} {:>12} {:>12} {:>12} {:>8}   {:>5}{}\n", "workload", "xgrad us", "libtorch us", "floor us",
               "ratio", "goal", options.speedup ? "         two threads" : "");
    const std::regex filter(options.filter);
    std::vector<Result> results;
    if (options.out.empty()) options.out = file_for(processor(), blas.isa, options.threads);
    const nlohmann::ordered_json about{{"processor", processor()},
                                       {"instruction_set", blas.isa},
                                       {"openblas_core", blas.core},
                                       {"threads", options.threads},
                                       {"rounds", options.rounds}};
    for (const auto& workload : workloads) {
        if (!std::regex_search(workload.name, filter)) continue;
        results.push_back(compare(workload, xgrad, libtorch, options));
        print(results.back());
        write(results, options, about);  // after each workload, so that an interrupted run keeps its measurements
    }
    if (results.empty()) {
        fmt::print(stderr, "no workload matches {}\n", options.filter);
        return 2;
    }
    for (const auto& r : results)
        if (std::string_view(r.workload->name) == "chain_n16")
            fmt::print("\nchain_n16: {:.4f} us per operation, goal 0.12\n", r.xgrad / 3000);
    double logs = 0;
    for (const auto& r : results) logs += std::log(r.ratio());
    fmt::print("\ngeometric mean of the ratios: {:.3f}\n", std::exp(logs / static_cast<double>(results.size())));
    fmt::print("\nwritten to {}\n", options.out.string());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"xgrad against libtorch on the same workloads"};
    app.option_defaults()->always_capture_default();
    app.add_option("--filter", options.filter, "regular expression: only workloads that match");
    app.add_option("--rounds", options.rounds, "runs of each side")->check(CLI::Range(1, 1000));
    app.add_option("--threads", options.threads, "threads of OpenMP and OpenBLAS")->check(CLI::Range(1, 1024));
    app.add_flag("--speedup", options.speedup,
                 "also how much faster xgrad is with two threads than with one, in wall time");
    app.add_option("--seconds", options.seconds, "least time of one run")->check(CLI::Range(0.01, 60.0));
    app.add_option("--out", options.out,
                   "the JSON file to write; by default bench/results/compare-<processor>-<threads>.json");
    app.add_flag("--allow-different-blas", options.allow_different_blas,
                 "do not refuse when the sides load different BLAS libraries");
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options, fs::canonical("/proc/self/exe").parent_path());
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
