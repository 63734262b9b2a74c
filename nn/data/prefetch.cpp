#include "prefetch.hpp"

#include <omp.h>

#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include <autodiff/core/error.hpp>

namespace xgrad::nn::detail {

BatchSource::~BatchSource() = default;

struct Prefetch::Shared {
    struct Slot {
        bool ready = false;
        std::exception_ptr error;
    };

    Shared(BatchSource& s, std::int64_t first, int workers, std::size_t count)
        : source(s), next(first), taken(first), slots(count) {
        try {
            for (int i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
        } catch (const std::system_error& error) {
            const std::size_t started = threads.size();
            stop();
            throw Error("DataLoader: the system must have room for num_workers = " + std::to_string(workers) +
                        " threads, got " + std::to_string(started) + " (" + error.what() + ")");
        } catch (...) {
            stop();
            throw;
        }
    }
    ~Shared() { stop(); }

    void stop() {
        {
            const std::lock_guard lock(mutex);
            stopped = true;
        }
        room.notify_all();
        for (std::thread& thread : threads) thread.join();
        threads.clear();
    }

    std::size_t slot_of(std::int64_t at) const { return static_cast<std::size_t>(at) % slots.size(); }

    void work() {
        omp_set_num_threads(1);  // for this thread only: the workers provide the parallelism
        std::int64_t at = 0;
        while (claim(at)) {
            std::exception_ptr error;
            try {
                source.make(at, slot_of(at));
            } catch (...) {
                error = std::current_exception();
            }
            publish(at, std::move(error));
        }
    }

    /// Takes the next batch number and fetches for it; false when there is none.
    bool claim(std::int64_t& at) {
        const std::lock_guard in_order(fetching);
        {
            std::unique_lock lock(mutex);
            room.wait(lock, [&] { return stopped || next < taken + static_cast<std::int64_t>(slots.size()); });
            if (stopped || next >= end) return false;
            at = next++;
        }
        std::exception_ptr error;
        bool more = false;
        try {
            more = source.fetch(at, slot_of(at));
        } catch (...) {
            error = std::current_exception();
        }
        if (more) return true;
        {
            const std::lock_guard lock(mutex);
            end = error ? at + 1 : at;
        }
        if (error) publish(at, std::move(error));
        else filled.notify_all();
        return false;
    }

    void publish(std::int64_t at, std::exception_ptr error) {
        {
            const std::lock_guard lock(mutex);
            slots[slot_of(at)] = {true, std::move(error)};
        }
        filled.notify_all();
    }

    bool wait_for(std::int64_t at) {
        {
            const std::lock_guard lock(mutex);
            taken = at;
        }
        room.notify_all();
        std::exception_ptr error;
        {
            std::unique_lock lock(mutex);
            Slot& slot = slots[slot_of(at)];
            filled.wait(lock, [&] { return slot.ready || at >= end; });
            if (at >= end) return false;
            error = std::exchange(slot, Slot()).error;
        }
        if (error) std::rethrow_exception(error);
        return true;
    }

    BatchSource& source;
    std::mutex fetching, mutex;
    std::condition_variable room, filled;
    std::int64_t next, taken, end = std::numeric_limits<std::int64_t>::max();
    bool stopped = false;
    std::vector<Slot> slots;
    std::vector<std::thread> threads;
};

Prefetch::Prefetch(BatchSource& source, std::int64_t first, int workers, std::size_t slots)
    : source_(source),
      at_(first),
      shared_(workers > 0 ? std::make_unique<Shared>(source, first, workers, slots) : nullptr) {}

Prefetch::~Prefetch() = default;

bool Prefetch::next(std::size_t& slot) {
    const std::int64_t at = at_++;
    if (shared_) {
        slot = shared_->slot_of(at);
        return shared_->wait_for(at);
    }
    slot = 0;
    if (!source_.fetch(at, slot)) return false;
    source_.make(at, slot);
    return true;
}

}  // namespace xgrad::nn::detail
