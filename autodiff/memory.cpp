#include "memory.hpp"

#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

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

// Blocks come in size classes: multiples of 64 bytes up to 1 KiB, then four steps per doubling. Each thread keeps a list of free blocks per
// class; a list that gets long is handed as one bundle to a pool that all threads share, and a thread that runs dry takes a bundle from there.

namespace xgrad {
namespace {

constexpr std::size_t small_step = 64, small_limit = 1024;
constexpr std::size_t small_classes = small_limit / small_step;
constexpr int classes = 200;
constexpr std::size_t slab_bytes = std::size_t{256} << 10, slab_limit = 8192;  // blocks up to slab_limit are carved from slabs
constexpr std::size_t bundle_bytes = std::size_t{4} << 20;                     // what a thread keeps per class before it shares
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::uint8_t class_of(std::size_t bytes) {
    if (bytes <= small_limit) return static_cast<std::uint8_t>(bytes == 0 ? 0 : (bytes - 1) / small_step);
    const int exponent = std::bit_width(bytes - 1) - 1;                       // 2^exponent < bytes <= 2^(exponent+1)
    const std::size_t quarter = (bytes - 1) >> (exponent - 2) & 3;
    const std::size_t index = small_classes + static_cast<std::size_t>(exponent - 10) * 4 + quarter;
    if (index >= classes) throw std::bad_alloc();
    return static_cast<std::uint8_t>(index);
}

std::size_t bytes_of(std::uint8_t size_class) {
    if (size_class < small_classes) return (size_class + std::size_t{1}) * small_step;
    const std::size_t i = size_class - small_classes;
    return (std::size_t{5} + i % 4) << (8 + i / 4);
}

struct Block {
    Block* next;
    Block* next_bundle;
};

struct List {
    Block* head = nullptr;
    std::size_t count = 0;
};

struct Pool {
    std::mutex mutex;
    List bundles[classes];
};
Pool& pool() {
    static Pool* const shared = new Pool;  // never destroyed: tensors in static storage are released after main
    return *shared;
}

void give_bundle(List& list, int size_class) noexcept {
    if (!list.head) return;
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    list.head->next_bundle = shared.bundles[size_class].head;
    shared.bundles[size_class].head = list.head;
    list = {};
}

struct Cache {
    List free[classes];
    MemoryStats stats;
    ~Cache();
};

enum class Life { unborn, alive, dead };
thread_local Life life = Life::unborn;
__attribute__((tls_model("initial-exec"))) thread_local Cache* cache = nullptr;

Cache::~Cache() {
    for (int c = 0; c < classes; ++c) give_bundle(free[c], c);
    cache = nullptr;
    life = Life::dead;
}

Cache* make_cache() {
    if (life == Life::dead) return nullptr;
    thread_local Cache own;
    life = Life::alive;
    return cache = &own;
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

void refill(Cache* own, List& list, std::uint8_t size_class) {
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
    const std::size_t bytes = bytes_of(size_class);
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

void* allocate(std::size_t bytes, std::uint8_t& size_class) {
    size_class = class_of(bytes);
    const std::size_t rounded = bytes_of(size_class);
    Cache* own = cache ? cache : make_cache();
    if (own) {
        ++own->stats.blocks;
        own->stats.bytes_in_use += static_cast<std::int64_t>(rounded);
        if (own->stats.bytes_in_use > own->stats.peak_bytes) own->stats.peak_bytes = own->stats.bytes_in_use;
    }
    if (XGRAD_NO_CACHE) {
        if (own) ++own->stats.system_blocks;
        return from_system(rounded);
    }
    if (!own) {  // a thread's last moments
        List list;
        refill(nullptr, list, size_class);
        Block* block = list.head;
        list = {block->next, list.count - 1};
        give_bundle(list, size_class);
        return block;
    }
    List& list = own->free[size_class];
    if (!list.head) refill(own, list, size_class);
    Block* block = list.head;
    list.head = block->next;
    --list.count;
    return block;
}

void release(void* memory, std::uint8_t size_class) noexcept {
    const std::size_t bytes = bytes_of(size_class);
    Cache* own = cache ? cache : make_cache();
    if (own) own->stats.bytes_in_use -= static_cast<std::int64_t>(bytes);
    if (XGRAD_NO_CACHE) return std::free(memory);
    auto* block = static_cast<Block*>(memory);
    if (!own) {
        block->next = nullptr;
        List list{block, 1};
        return give_bundle(list, size_class);
    }
    List& list = own->free[size_class];
    // A thread keeps what one step is likely to need again; a stream of blocks made by another thread flows back through the pool.
    if (list.count >= 64 && list.count * bytes >= bundle_bytes) give_bundle(list, size_class);
    block->next = list.head;
    list.head = block;
    ++list.count;
}

}  // namespace detail

MemoryStats memory_stats() {
    Cache* own = cache ? cache : make_cache();
    return own ? own->stats : MemoryStats{};
}

void reset_peak_memory() {
    if (Cache* own = cache ? cache : make_cache()) own->stats.peak_bytes = own->stats.bytes_in_use;
}

void release_cached_memory() {
    if (XGRAD_NO_CACHE) return;
    if (Cache* own = cache ? cache : make_cache())
        for (int c = 0; c < classes; ++c) give_bundle(own->free[c], c);
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    for (int c = 0; c < classes; ++c) {
        if (bytes_of(static_cast<std::uint8_t>(c)) <= slab_limit) continue;  // carved from slabs, which stay
        while (Block* bundle = shared.bundles[c].head) {
            shared.bundles[c].head = bundle->next_bundle;
            while (bundle) std::free(std::exchange(bundle, bundle->next));
        }
    }
}

}  // namespace xgrad
