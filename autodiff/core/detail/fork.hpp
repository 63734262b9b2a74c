#pragma once

#include <mutex>

// What fork() leaves behind in the child. Not for users.

namespace xgrad::detail {

/// From now on fork() leaves a child that can use the library: `shared`, which guards what all threads have in common,
/// is free on both sides, and the forking thread has handed back its OpenMP threads, which would not be there in the
/// child; each side starts new ones when it needs them. Called once, before the library does anything.
void survive_fork(std::mutex& shared);

}  // namespace xgrad::detail
