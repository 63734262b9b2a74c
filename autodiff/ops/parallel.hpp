#pragma once

#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace xgrad::detail {

/// Below this many elements of work a second thread does not pay.
inline constexpr std::int64_t parallel_work = 65536;

/// body(begin, end) over [0, n), in one piece or split evenly among the threads. The pieces must be independent of each other.
template <class Body>
void parallel_for(std::int64_t n, [[maybe_unused]] std::int64_t work, const Body& body) {
#ifdef _OPENMP
    if (work >= parallel_work && n > 1 && omp_get_max_threads() > 1 && !omp_in_parallel()) {
#pragma omp parallel
        {
            const std::int64_t id = omp_get_thread_num(), threads = omp_get_num_threads();
            if (const auto begin = n * id / threads, end = n * (id + 1) / threads; begin < end) body(begin, end);
        }
        return;
    }
#endif
    if (n > 0) body(std::int64_t{0}, n);
}

}  // namespace xgrad::detail
