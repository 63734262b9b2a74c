#pragma once

#include <autodiff/autodiff.hpp>
#include <cstdint>
#include <exception>

/// f(i) for i = 0 … count - 1, as many in parallel as there are threads (a single small network leaves them idle). Each
/// call uses its own seed, seed + i, so that the results do not depend on the number of threads.
template <class F>
void for_each_seed(std::uint64_t seed, std::int64_t count, const F& f) {
    std::exception_ptr error;
#pragma omp parallel for schedule(dynamic, 1)
    for (std::int64_t i = 0; i < count; ++i) try {
            xgrad::manual_seed(seed + static_cast<std::uint64_t>(i));
            f(i);
        } catch (...) {
#pragma omp critical(for_each_seed_error)
            error = std::current_exception();
        }
    if (error) std::rethrow_exception(error);
}
