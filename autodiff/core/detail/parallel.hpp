#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>

// The only place where the engine starts threads. Not for users.

namespace xgrad::detail {

/// Calls part(begin, end) over [0, n) in `threads` threads, each with its own piece; the pieces must be independent of
/// each other. An exception from a part (a user's function, or a failed allocation) is rethrown at the end; if there
/// are several, one of them.
template <class Part>
void in_threads(std::int64_t threads, std::int64_t n, const Part& part) {
    if (threads <= 1) {
        part(std::int64_t{0}, n);
        return;
    }
    std::exception_ptr error;
#ifdef _OPENMP
#pragma omp parallel for num_threads(static_cast<int>(threads)) schedule(static)
#endif
    for (std::int64_t t = 0; t < threads; ++t) {
        try {
            if (const std::int64_t begin = n * t / threads, end = n * (t + 1) / threads; begin < end) part(begin, end);
        } catch (...) {
#ifdef _OPENMP
#pragma omp critical(xgrad_in_threads)
#endif
            error = std::current_exception();
        }
    }
    if (error) std::rethrow_exception(error);
}

/// Work is counted in elements of an element-wise operation. This much of it pays for a thread.
inline constexpr std::int64_t work_per_thread = std::int64_t{1} << 15;
/// The work of that many multiplications with additions in a product.
constexpr std::int64_t work_of_product(std::int64_t multiplications) { return multiplications / 16; }

/// How many threads share `work` in up to `pieces` pieces.
inline std::int64_t threads_for(std::int64_t work, std::int64_t pieces) {
    if (work < 2 * work_per_thread || omp_in_parallel()) return 1;
    return std::min({std::int64_t{omp_get_max_threads()}, work / work_per_thread, pieces});
}

/// body(begin, end) over [0, n), in one piece or split evenly among threads.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t work, const Body& body) {
    if (n > 0) in_threads(threads_for(work, n), n, body);
}

}  // namespace xgrad::detail
