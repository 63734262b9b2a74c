#pragma once

// The common part of both sides of the comparison: options, and a report of the BLAS that is actually loaded.

#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

namespace side {

/// Prints each BLAS library mapped into this process, one path per line, and the core whose kernels OpenBLAS has
/// chosen: "core Haswell". If another core's kernels would be faster, "better SkylakeX". Also prints xgrad's
/// instruction set: "isa avx512".
inline void print_blas(const char* better_core, const char* isa) {
    std::ifstream maps("/proc/self/maps");
    std::set<std::string> paths;
    for (std::string line; std::getline(maps, line);) {
        const auto slash = line.find('/');
        if (slash != std::string::npos && line.find("blas", slash) != std::string::npos)
            paths.insert(line.substr(slash));
    }
    for (const auto& path : paths) std::cout << path << '\n';
    if (void* name = dlsym(RTLD_DEFAULT, "openblas_get_corename"))
        std::cout << "core " << reinterpret_cast<const char* (*)()>(name)() << '\n';
    if (better_core) std::cout << "better " << better_core << '\n';
    if (isa) std::cout << "isa " << isa << '\n';
}

/// `--blas` prints the loaded BLAS; anything else goes to Google Benchmark.
inline int run(int argc, char** argv, const char* better_core = nullptr, const char* isa = nullptr) {
    if (argc == 2 && std::strcmp(argv[1], "--blas") == 0) {
        print_blas(better_core, isa);
        return 0;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}

template <class F>
void add(const char* name, F f) {
    benchmark::RegisterBenchmark(name, [f](benchmark::State& state) { f(state); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
}

/// Whether products use f32 operands unchanged, or round them to bf16.
enum class Products { f32, bf16 };

/// A workload in f32 under its name, and in bf16 as `name`_bf16.
template <class F>
void add_precisions(const std::string& name, F f) {
    add(name.c_str(), [f](benchmark::State& state) { f(state, Products::f32); });
    add((name + "_bf16").c_str(), [f](benchmark::State& state) { f(state, Products::bf16); });
}

/// The cotangent that is pulled back: varying numbers, or the ones of a plain sum, which a side may exploit.
enum class Cotangent { varies, ones };

/// A workload with varying numbers under its name, and with ones as `name`_sum.
template <class F>
void add_both(const std::string& name, F f) {
    add(name.c_str(), [f](benchmark::State& state) { f(state, Cotangent::varies); });
    add((name + "_sum").c_str(), [f](benchmark::State& state) { f(state, Cotangent::ones); });
}

}  // namespace side
