#include "random.hpp"

#include <atomic>
#include <mutex>

namespace xgrad::nn {

namespace {

/// What all threads' streams derive from.
struct Process {
    std::mutex mutex;  // of seed and streams
    std::uint64_t seed = 0, streams = 0;  // how many threads have taken a stream of this seed
    std::atomic<std::uint64_t> reseeded{1};  // how often, so that a thread notices
};
Process& process() {
    static Process shared;
    return shared;
}

struct ThreadStream {
    Generator generator;
    std::uint64_t reseeded = 0;  // as it was when the generator was derived
    bool seeded_here = false;  // by manual_seed: others' calls do not matter
};
ThreadStream& thread_stream() {
    thread_local ThreadStream stream;
    return stream;
}

}  // namespace

Generator& default_generator() {
    ThreadStream& own = thread_stream();
    Process& shared = process();
    if (!own.seeded_here && own.reseeded != shared.reseeded.load(std::memory_order_acquire)) {
        const std::lock_guard lock(shared.mutex);
        const std::uint64_t number = shared.streams++;
        own.generator = Generator(number == 0 ? shared.seed : detail::mix(shared.seed, number));
        own.reseeded = shared.reseeded.load(std::memory_order_relaxed);
    }
    return own.generator;
}

void manual_seed(std::uint64_t seed) {
    Process& shared = process();
    {
        const std::lock_guard lock(shared.mutex);
        shared.seed = seed;
        shared.streams = 1;  // the first is this thread's
        shared.reseeded.fetch_add(1, std::memory_order_release);
    }
    ThreadStream& own = thread_stream();
    own.generator = Generator(seed);
    own.seeded_here = true;
}

std::uint64_t detail::draw_seed() {
    auto& generator = default_generator();
    const std::uint64_t high = generator();
    return high << 32 | generator();
}

}  // namespace xgrad::nn
