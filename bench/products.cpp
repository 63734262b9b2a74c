// Matrix products over a grid of shapes: this library's (as operations and layers call them), OpenBLAS's and oneDNN's
// in turn, each as a fraction of the peak of the processor's fused multiplications and additions, measured in the same
// run.

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <dnnl.h>
#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <autodiff/autodiff.hpp>
#include <autodiff/kernels/kernels.hpp>
#include <autodiff/ops/linalg/detail/gemm.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "peak.hpp"
#include "processor.hpp"

extern "C" __attribute__((weak)) char* openblas_get_corename();

namespace {

using namespace xgrad;

enum class Layout {
    nn,
    nt,
    tn
};  // which operand is transposed: x·w, x·wᵀ as in a linear layer, xᵀ·g as in its weight's gradient
constexpr std::array layouts{"nn", "nt", "tn"};
constexpr std::array sides{"xgrad", "openblas", "onednn"};

struct Shape3 {
    std::int64_t m, n, k;
    std::string name(Layout layout) const {
        return fmt::format("{}x{}x{}/{}", m, n, k, layouts[static_cast<std::size_t>(layout)]);
    }
    double work() const { return 2.0 * static_cast<double>(m * n * k); }
    const char* kind() const {
        if (std::min(m, n) <= 8) return "up to 8 rows or columns";
        if (std::min({m, n, k}) >= 128) return "all sizes from 128";
        return m * n * k < 1 << 20 ? "others below a million" : "others";
    }
};

std::vector<Shape3> grid() {
    std::vector<Shape3> shapes;
    for (const std::int64_t m : {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024})
        for (const auto& [n, k] : std::initializer_list<std::pair<int, int>>{
                 {10, 256}, {16, 16}, {64, 64}, {256, 256}, {256, 784}, {800, 200}, {512, 512}, {1024, 1024}})
            shapes.push_back({m, n, k});
    return shapes;
}

void peak(benchmark::State& state) {
    double operations = 0;
    for (auto _ : state) operations = run_fused_chains();
    state.counters["work"] = operations;
}

void product(benchmark::State& state, const Shape3& s, Layout layout, std::size_t side) {
    Generator generator(0);
    const bool ta = layout == Layout::tn, tb = layout == Layout::nt;
    const Tensor a = rand(ta ? Shape{s.k, s.m} : Shape{s.m, s.k}, generator),
                 b = rand(tb ? Shape{s.n, s.k} : Shape{s.k, s.n}, generator);
    const float *pa = a.data<float>().data(), *pb = b.data<float>().data();
    const std::int64_t lda = ta ? s.m : s.k, ldb = tb ? s.k : s.n;
    std::vector<float> c(static_cast<std::size_t>(s.m * s.n));
    for (auto _ : state) {
        if (side == 0) {
            detail::gemm({ta, tb, s.m, s.n, s.k}, pa, pb, c.data());
        } else if (side == 1) {
            const auto of = [](std::int64_t n) { return static_cast<int>(n); };
            cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, of(s.m), of(s.n),
                        of(s.k), 1, pa, of(lda), pb, of(ldb), 0, c.data(), of(s.n));
        } else {
            dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', s.m, s.n, s.k, 1, pa, lda, pb, ldb, 0, c.data(), s.n);
        }
        benchmark::ClobberMemory();
    }
    state.counters["work"] = s.work();
}

/// Stores the operations per second of every repetition, and reports progress.
class Collector : public benchmark::BenchmarkReporter {
public:
    explicit Collector(std::size_t expected) : expected_(expected) {}
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs)
            if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
                const auto name = run.run_name.function_name;
                speeds_[name].push_back(run.counters.at("work").value * static_cast<double>(run.iterations) /
                                        run.real_accumulated_time);
            }
        if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r{} of {}", speeds_.size(), expected_);
    }
    bool has(const std::string& name) const { return speeds_.count(name) > 0; }
    double median(const std::string& name) const {
        auto values = speeds_.at(name);
        std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
        return values[values.size() / 2];
    }

private:
    std::size_t expected_;
    std::map<std::string, std::vector<double>> speeds_;
};

struct Row {
    std::string name, kind;
    std::array<double, 3> shares;
    double ratio() const { return shares[0] / std::max(shares[1], shares[2]); }
};

void print(const std::vector<Row>& rows) {
    fmt::print("{:<26} {:>6} {:>8} {:>8} {:>8} {:>8} {:>10}   {}\n", "per cent of the peak", "shapes", "xgrad",
               "openblas", "onednn", "ratio", "below 0.95", "least ratio");
    std::map<std::string, std::vector<const Row*>> kinds;
    for (const Row& row : rows) kinds[row.kind].push_back(&row);
    for (const auto& [kind, some] : kinds) {
        std::array<double, 4> logs{};
        for (const Row* row : some) {
            for (std::size_t i = 0; i < 3; ++i) logs[i] += std::log(row->shares[i]);
            logs[3] += std::log(row->ratio());
        }
        const auto mean = [&](std::size_t i) { return std::exp(logs[i] / static_cast<double>(some.size())); };
        const Row* worst =
            *std::min_element(some.begin(), some.end(), [](auto* a, auto* b) { return a->ratio() < b->ratio(); });
        const auto below = std::count_if(some.begin(), some.end(), [](auto* row) { return row->ratio() < 0.95; });
        fmt::print("{:<26} {:>6} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.2f} {:>10}   {:.2f} {}\n", kind, some.size(),
                   100 * mean(0), 100 * mean(1), 100 * mean(2), mean(3), below, worst->ratio(), worst->name);
    }
}

void write(const std::vector<Row>& rows, double peak, const std::filesystem::path& path) {
    nlohmann::json json{{"processor", processor()}, {"threads", omp_get_max_threads()}, {"peak_gflops", peak / 1e9}};
    for (const Row& row : rows)
        json["products"].push_back({{"name", row.name},
                                    {"kind", row.kind},
                                    {"xgrad", row.shares[0]},
                                    {"openblas", row.shares[1]},
                                    {"onednn", row.shares[2]}});
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << json.dump(1) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    // With kernels for an older processor, OpenBLAS would not be a fair reference.
    if (const char* better = xgrad::detail::better_blas_core(); better && !std::getenv("OPENBLAS_CORETYPE")) {
        setenv("OPENBLAS_CORETYPE", better, 1);
        execv("/proc/self/exe", argv);
    }
    std::vector<std::string> words{argv[0], "--benchmark_enable_random_interleaving=true", "--benchmark_repetitions=5",
                                   "--benchmark_min_time=0.01"};
    words.insert(words.end(), argv + 1, argv + argc);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

    benchmark::RegisterBenchmark("peak", peak)->UseRealTime();
    std::size_t expected = 1;
    for (const Shape3& shape : grid())
        for (const Layout layout : {Layout::nn, Layout::nt, Layout::tn})
            for (std::size_t side = 0; side < 3; ++side, ++expected)
                benchmark::RegisterBenchmark((shape.name(layout) + "/" + sides[side]).c_str(),
                                             [=](benchmark::State& state) { product(state, shape, layout, side); })
                    ->UseRealTime();
    Collector collector(expected);
    benchmark::RunSpecifiedBenchmarks(&collector);
    if (!collector.has("peak")) return fmt::print(stderr, "the filter must keep 'peak'\n"), 2;
    const double most = collector.median("peak") * omp_get_max_threads();
    fmt::print("\n{}, {}, {} thread{}, peak {:.0f} Gflop/s, OpenBLAS for {}\n", processor(), kernels::active().isa,
               omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s", most / 1e9,
               openblas_get_corename ? openblas_get_corename() : "?");
    std::vector<Row> rows;
    for (const Shape3& shape : grid())
        for (const Layout layout : {Layout::nn, Layout::nt, Layout::tn}) {
            const std::string name = shape.name(layout);
            if (!std::ranges::all_of(sides, [&](const char* side) { return collector.has(name + "/" + side); }))
                continue;
            Row row{name, shape.kind(), {}};
            for (std::size_t i = 0; i < 3; ++i) row.shares[i] = collector.median(name + "/" + sides[i]) / most;
            rows.push_back(row);
        }
    print(rows);
    write(rows, most, "bench/results/products.json");
}
