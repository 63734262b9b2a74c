#include "memory.hpp"

#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "fork.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define XGRAD_NO_CACHE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XGRAD_NO_CACHE 1
#endif
#endif
#ifndef XGRAD_NO_CACHE
#define XGRAD_NO_CACHE 0  // under AddressSanitizer every block comes from malloc, so that it sees each use after free
#endif

// Each thread keeps a list of free blocks per size class; a list that gets long is handed as one bundle to a pool that all threads share, and
// a thread that runs dry takes a bundle from there.

namespace xgrad {
namespace {

using namespace detail;
using Block = FreeBlock;
using List = FreeList;
constexpr int classes = ThreadCache::classes;

constexpr std::size_t slab_bytes = std::size_t{256} << 10, slab_limit = 8192;  // blocks up to slab_limit are carved from slabs
constexpr std::size_t huge_page = std::size_t{2} << 20;

struct Pool {
    std::mutex mutex;
    List bundles[classes];
};
Pool& pool() {
    static Pool* const shared = new Pool;  // never destroyed: tensors in static storage are released after main
    return *shared;
}
[[maybe_unused]] const bool forks = (survive_fork(pool().mutex), true);

void give_bundle(List& list, int size_class) noexcept {
    if (!list.head) return;
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    list.head->next_bundle = shared.bundles[size_class].head;
    shared.bundles[size_class].head = list.head;
    list = {};
}

enum class Life { unborn, alive, dead };
thread_local Life life = Life::unborn;
thread_local ThreadCache* own_or_null = nullptr;

struct OwnCache : ThreadCache {
    ~OwnCache() {
        for (int c = 0; c < classes; ++c) give_bundle(free[c], c);
        thread_cache = own_or_null = nullptr;
        life = Life::dead;
    }
};

/// This thread's cache; null in the thread's last moments. Without caching, `thread_cache` stays null and every call comes here.
ThreadCache* own_cache() {
    if (own_or_null || life == Life::dead) return own_or_null;
    thread_local OwnCache own;
    life = Life::alive;
    if (!XGRAD_NO_CACHE) thread_cache = &own;
    return own_or_null = &own;
}

void* from_system(std::size_t bytes) {
    const bool huge = bytes >= 2 * huge_page;
    const std::size_t alignment = huge ? huge_page : 64;
    void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!block) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (huge) madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
}

void refill(ThreadCache* own, List& list, std::uint8_t size_class) {
    Pool& shared = pool();
    {
        const std::lock_guard lock(shared.mutex);
        if (Block* bundle = shared.bundles[size_class].head) {
            shared.bundles[size_class].head = bundle->next_bundle;
            list.head = bundle;
            list.count = 0;
            for (Block* b = bundle; b; b = b->next) ++list.count;
            return;
        }
    }
    const std::size_t bytes = bytes_of_class(size_class);
    if (own) ++own->stats.system_blocks;
    if (bytes > slab_limit) {
        list.head = static_cast<Block*>(from_system(bytes));
        list.head->next = nullptr;
        list.count = 1;
        return;
    }
    auto* slab = static_cast<char*>(from_system(slab_bytes));
    for (std::size_t at = 0; at + bytes <= slab_bytes; at += bytes) {
        auto* block = reinterpret_cast<Block*>(slab + at);
        block->next = list.head;
        list.head = block;
        ++list.count;
    }
}

}  // namespace

namespace detail {

__attribute__((tls_model("initial-exec"))) thread_local ThreadCache* thread_cache = nullptr;

std::uint8_t large_size_class_of(std::size_t bytes) {
    const int exponent = std::bit_width(bytes - 1) - 1;  // 2^exponent < bytes <= 2^(exponent+1)
    const std::size_t quarter = (bytes - 1) >> (exponent - 2) & 3;
    const std::size_t index = small_classes + static_cast<std::size_t>(exponent - 10) * 4 + quarter;
    if (index >= classes) throw std::bad_alloc();
    return static_cast<std::uint8_t>(index);
}

void* allocate_slowly(std::uint8_t size_class) {
    ThreadCache* own = own_cache();
    if (XGRAD_NO_CACHE) {
        if (own) {
            ++own->stats.blocks;
            ++own->stats.system_blocks;
            own->stats.bytes_in_use += static_cast<std::int64_t>(bytes_of_class(size_class));
            if (own->stats.bytes_in_use > own->stats.peak_bytes) own->stats.peak_bytes = own->stats.bytes_in_use;
        }
        return from_system(bytes_of_class(size_class));
    }
    if (own) {
        if (!own->free[size_class].head) refill(own, own->free[size_class], size_class);
        return allocate(size_class);
    }
    List list;
    refill(nullptr, list, size_class);
    Block* block = list.head;
    list = {block->next, list.count - 1};
    give_bundle(list, size_class);
    return block;
}

void release_slowly(void* memory, std::uint8_t size_class) noexcept {
    ThreadCache* own = own_cache();
    const std::size_t bytes = bytes_of_class(size_class);
    if (own) own->stats.bytes_in_use -= static_cast<std::int64_t>(bytes);
    if (XGRAD_NO_CACHE) return std::free(memory);
    auto* block = static_cast<Block*>(memory);
    block->next = nullptr;
    if (!own) {
        List list{block, 1};
        return give_bundle(list, size_class);
    }
    List& list = own->free[size_class];
    if (!own->keeps(size_class)) give_bundle(list, size_class);
    block->next = list.head;
    list.head = block;
    ++list.count;
}

}  // namespace detail

MemoryStats memory_stats() {
    ThreadCache* own = own_cache();
    return own ? own->stats : MemoryStats{};
}

void reset_peak_memory() {
    if (ThreadCache* own = own_cache()) own->stats.peak_bytes = own->stats.bytes_in_use;
}

void release_cached_memory() {
    if (XGRAD_NO_CACHE) return;
    if (ThreadCache* own = own_cache())
        for (int c = 0; c < classes; ++c) give_bundle(own->free[c], c);
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    for (int c = 0; c < classes; ++c) {
        if (bytes_of_class(static_cast<std::uint8_t>(c)) <= slab_limit) continue;  // carved from slabs, which stay
        while (Block* bundle = shared.bundles[c].head) {
            shared.bundles[c].head = bundle->next_bundle;
            while (bundle) std::free(std::exchange(bundle, bundle->next));
        }
    }
}

}  // namespace xgrad
