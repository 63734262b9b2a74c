#pragma once

#include <mutex>

// The state of the library in the child after fork(). Not for users.

namespace xgrad::detail {

/// From now on a child created by fork() can use the library: `shared`, which guards the state shared by all threads,
/// is unlocked in both processes, and the forking thread has released its OpenMP threads, which would not exist in the
/// child; each process starts new ones when it needs them. Called once, before the library does anything.
void survive_fork(std::mutex& shared);

}  // namespace xgrad::detail
