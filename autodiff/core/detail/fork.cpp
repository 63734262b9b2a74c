#include "fork.hpp"

#include <omp.h>
#include <pthread.h>

namespace xgrad::detail {
namespace {

std::mutex* guarded = nullptr;

// A thread's OpenMP pool does not survive fork(), although the child still has its bookkeeping: the next parallel
// region, ours or OpenBLAS's, would wait for threads that do not exist.
// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=60035; OpenBLAS built on pthreads also ends its own threads before
// fork().) Within a parallel region this does nothing, and the child, which is then inside that region, is
// single-threaded.
void before() {
    omp_pause_resource(omp_pause_soft, omp_get_initial_device());
    guarded->lock();
}
void after() { guarded->unlock(); }

}  // namespace

void survive_fork(std::mutex& shared) {
    guarded = &shared;
    pthread_atfork(before, after, after);
}

}  // namespace xgrad::detail
