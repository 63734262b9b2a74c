#include "memory.hpp"

#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "detail/fork.hpp"
#include "detail/record.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
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
#define XGRAD_NO_CACHE 0  // under AddressSanitizer every block comes from malloc, so that it sees all uses after free
#endif

// Each thread keeps a list of free blocks per size class. A list that gets long is moved as one bundle to a pool shared
// by all threads, and a thread that runs out of blocks takes a bundle from there. Small blocks are carved from slabs,
// which can go back to the system when all of their blocks are in the pool.

namespace xgrad {
namespace {

using namespace detail;
using Block = FreeBlock;
using List = FreeList;
constexpr int classes = ThreadCache::classes;

constexpr std::size_t slab_bytes = std::size_t{256} << 10,
                      slab_limit = 8192;  // blocks up to slab_limit are carved from slabs
constexpr std::size_t huge_page = std::size_t{2} << 20;

/// The header in the first 64 bytes of a slab, which is aligned to slab_bytes; the blocks follow.
struct alignas(64) Slab {
    std::size_t free;  // used only while searching for slabs to return

    static Slab* of(Block* block) {
        return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_bytes - 1));
    }
    static std::size_t blocks_of(std::size_t bytes) { return (slab_bytes - sizeof(Slab)) / bytes; }
};

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
    list.head->count = list.count;
    shared.bundles[size_class].head = list.head;
    list = {};
}

constinit thread_local ThreadCache* own_or_null = nullptr;
constinit thread_local bool thread_ends = false, ran_out = false;

struct CacheOwner {
    ~CacheOwner() {
        for (int c = 0; c < classes; ++c) give_bundle(own_or_null->free[c], c);
        thread_ends = true;
        thread_cache = nullptr;
        delete std::exchange(own_or_null, nullptr);
    }
};

/// This thread's cache; null during thread exit. Without caching, `thread_cache` stays null and every call comes here.
ThreadCache* own_cache() {
    if (own_or_null || thread_ends) return own_or_null;
    own_or_null = new ThreadCache;
    thread_local CacheOwner owner;
    static_cast<void>(owner);
    if (!XGRAD_NO_CACHE) thread_cache = own_or_null;
    return own_or_null;
}

void* aligned(std::size_t alignment, std::size_t bytes) {
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

/// Calls f() for memory and, if that fails, once more after returning everything kept for reuse to the system.
template <class F>
void* from_system(std::size_t bytes, F&& f) {
    if (void* memory = f()) return memory;
    release_cached_memory();
    if (void* memory = f()) return memory;
    ran_out = true;
    throw MemoryError("Tensor", bytes, "", {});
}

// Mapped directly from the system: the C library may never release memory that is freed in the middle of its heap.
#if defined(__linux__)
void* map_pages(std::size_t bytes, std::size_t alignment) {
    void* const all = mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return nullptr;
    char* const begin = static_cast<char*>(all);
    const std::size_t before = (alignment - reinterpret_cast<std::uintptr_t>(begin) % alignment) % alignment;
    if (before) munmap(begin, before);
    munmap(begin + before + bytes, alignment - before);
    return begin + before;
}
void unmap_pages(void* memory, std::size_t bytes) noexcept { munmap(memory, bytes); }
#else
void* map_pages(std::size_t bytes, std::size_t alignment) { return aligned(alignment, bytes); }
void unmap_pages(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

void* new_slab() { return map_pages(slab_bytes, slab_bytes); }
void free_slab(Slab* slab) noexcept { unmap_pages(slab, slab_bytes); }

/// Blocks of at least this size are mapped; their sizes are whole pages.
constexpr std::size_t mapped_from = std::size_t{1} << 20, page = 4096;

void* large_block(std::size_t bytes) {
    if (bytes < mapped_from) return from_system(bytes, [&] { return aligned(64, bytes); });
    const bool huge = bytes >= 2 * huge_page;
    void* block = from_system(bytes, [&] { return map_pages(bytes, huge ? huge_page : page); });
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (huge) madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
}
void free_large_block(void* block, std::size_t bytes) noexcept {
    if (bytes < mapped_from) std::free(block);
    else unmap_pages(block, bytes);
}

void refill(ThreadCache* own, List& list, std::uint8_t size_class) {
    Pool& shared = pool();
    {
        const std::lock_guard lock(shared.mutex);
        if (Block* bundle = shared.bundles[size_class].head) {
            shared.bundles[size_class].head = bundle->next_bundle;
            list = {bundle, bundle->count};
            return;
        }
    }
    const std::size_t bytes = bytes_of_class(size_class);
    if (own) ++own->stats.system_blocks;
    if (bytes > slab_limit) {
        list.head = static_cast<Block*>(large_block(bytes));
        list.head->next = nullptr;
        list.count = 1;
        return;
    }
    auto* const blocks = static_cast<char*>(from_system(bytes, new_slab)) + sizeof(Slab);
    for (std::size_t i = 0; i < Slab::blocks_of(bytes); ++i) {
        auto* block = reinterpret_cast<Block*>(blocks + i * bytes);
        block->next = list.head;
        list.head = block;
        ++list.count;
    }
}

/// Calls f(block) for the pool's free blocks of one class; f must not keep the block.
template <class F>
void for_each_block(const Pool& shared, int size_class, F&& f) {
    for (Block* bundle = shared.bundles[size_class].head; bundle; bundle = bundle->next_bundle)
        for (Block* block = bundle; block; block = block->next) f(block);
}

/// Releases the slabs whose blocks are all free, and makes one bundle of the remaining blocks.
void release_slabs(Pool& shared, int size_class) {
    const std::size_t all = Slab::blocks_of(bytes_of_class(static_cast<std::uint8_t>(size_class)));
    for_each_block(shared, size_class, [](Block* block) { Slab::of(block)->free = 0; });
    for_each_block(shared, size_class, [](Block* block) { ++Slab::of(block)->free; });
    List stay;
    Block* bundle = std::exchange(shared.bundles[size_class].head, nullptr);
    while (bundle) {
        Block* block = std::exchange(bundle, bundle->next_bundle);
        while (block) {
            Block* const next = block->next;
            Slab* const slab = Slab::of(block);
            if (slab->free < all) {
                block->next = stay.head;
                stay.head = block;
                ++stay.count;
            } else if (slab->free++ == 2 * all - 1) {  // the last of its blocks
                free_slab(slab);
            }
            block = next;
        }
    }
    if (!stay.head) return;
    stay.head->next_bundle = nullptr;
    stay.head->count = stay.count;
    shared.bundles[size_class].head = stay.head;
}

}  // namespace

namespace detail {

constinit thread_local ThreadCache* thread_cache = nullptr;

bool memory_ran_out() noexcept { return std::exchange(ran_out, false); }

void rethrow_named(const std::string& operation, Location where, const std::string& tensor) {
    try {
        throw;
    } catch (const MemoryError& error) {
        throw MemoryError(operation, error.bytes(), error.tensor().empty() ? tensor : error.tensor(), where);
    } catch (const std::bad_alloc&) {
        ran_out = true;
        throw MemoryError(operation, 0, tensor, where);
    }
}

std::uint8_t large_size_class_of(std::size_t bytes) {
    const int exponent = std::bit_width(bytes - 1) - 1;  // 2^exponent < bytes <= 2^(exponent+1)
    const std::size_t quarter = (bytes - 1) >> (exponent - 2) & 3;
    const std::size_t index = small_classes + static_cast<std::size_t>(exponent - 10) * 4 + quarter;
    if (index >= classes) throw MemoryError("Tensor", bytes, "", {});
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
        const std::size_t bytes = bytes_of_class(size_class);
        return from_system(bytes, [bytes] { return aligned(64, bytes); });
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
    trim_record_of_this_thread();
    if (XGRAD_NO_CACHE) return;
    if (ThreadCache* own = own_cache())
        for (int c = 0; c < classes; ++c) give_bundle(own->free[c], c);
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    for (int c = 0; c < classes; ++c) {
        if (bytes_of_class(static_cast<std::uint8_t>(c)) <= slab_limit) {
            release_slabs(shared, c);
            continue;
        }
        while (Block* bundle = shared.bundles[c].head) {
            shared.bundles[c].head = bundle->next_bundle;
            while (bundle)
                free_large_block(std::exchange(bundle, bundle->next), bytes_of_class(static_cast<std::uint8_t>(c)));
        }
    }
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

}  // namespace xgrad
