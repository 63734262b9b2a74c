#pragma once

#include <cstddef>
#include <cstdint>

#include "export.hpp"

namespace xgrad {

/// Statistics of the caching allocator for the calling thread, in blocks and bytes.
struct MemoryStats {
    std::int64_t blocks = 0;           ///< blocks handed out since the thread started
    std::int64_t system_blocks = 0;    ///< of these, blocks that came from the system: constant once warm
    std::int64_t bytes_in_use = 0;     ///< handed out and not yet returned by this thread
    std::int64_t peak_bytes = 0;       ///< highest bytes_in_use since the last reset_peak_memory()
};

XGRAD_API MemoryStats memory_stats();
XGRAD_API void reset_peak_memory();

/// Returns memory kept for reuse to the system: the calling thread's free blocks, those shared by all threads and, if
/// no tape is open on the thread, the memory that its tapes have used. The library does so itself when the system
/// refuses a request, before throwing a MemoryError.
XGRAD_API void release_cached_memory();

namespace detail {

struct FreeBlock {
    FreeBlock* next;
    // Of the first block of a bundle in the pool: the next bundle, and how many blocks this one has.
    FreeBlock* next_bundle;
    std::size_t count;
};
struct FreeList {
    FreeBlock* head = nullptr;
    std::size_t count = 0;
};

/// One thread's free blocks. Null before the thread's first allocation and after its last.
struct ThreadCache {
    static constexpr int classes = 200;
    FreeList free[classes];
    MemoryStats stats;
    /// Whether a freed block stays with the thread: blocks that the next step is likely to need do, while a stream of
    /// blocks allocated by another thread flows back through the pool.
    bool keeps(std::uint8_t size_class) const;
};
// Do not use the initial-exec TLS model here or elsewhere: a plug-in's whole thread-local block would have to fit into
// the few bytes that the loader keeps spare. If the library is linked into a program, the linker relaxes the access to
// one instruction anyway.
extern XGRAD_API constinit thread_local ThreadCache* thread_cache;

// Blocks come in size classes: multiples of 64 bytes up to 1 KiB, then four steps per doubling.
inline constexpr std::size_t small_step = 64, small_limit = 1024, small_classes = small_limit / small_step;

/// The class of blocks of at least `bytes` bytes. MemoryError beyond 2^55 bytes.
XGRAD_API std::uint8_t large_size_class_of(std::size_t bytes);
inline std::uint8_t size_class_of(std::size_t bytes) {
    if (bytes <= small_limit) return static_cast<std::uint8_t>(bytes == 0 ? 0 : (bytes - 1) / small_step);
    return large_size_class_of(bytes);
}
inline std::size_t bytes_of_class(std::uint8_t size_class) {
    if (size_class < small_classes) return (size_class + std::size_t{1}) * small_step;
    const std::size_t i = size_class - small_classes;
    return (std::size_t{5} + i % 4) << (8 + i / 4);
}

/// Returns true once after the system has refused a request of this thread.
bool memory_ran_out() noexcept;

XGRAD_API void* allocate_slowly(std::uint8_t size_class);
XGRAD_API void release_slowly(void* block, std::uint8_t size_class) noexcept;

inline bool ThreadCache::keeps(std::uint8_t size_class) const {
    constexpr std::size_t few = 64, many_bytes = std::size_t{4} << 20;
    const std::size_t count = free[size_class].count;
    return count < few || count * bytes_of_class(size_class) < many_bytes;
}

/// A 64-byte aligned block, from the caches if possible; pass the same size class to `release`. MemoryError if there is
/// no memory.
inline void* allocate(std::uint8_t size_class) {
    ThreadCache* own = thread_cache;
    if (!own || !own->free[size_class].head) [[unlikely]]
        return allocate_slowly(size_class);
    FreeList& list = own->free[size_class];
    FreeBlock* block = list.head;
    list.head = block->next;
    --list.count;
    ++own->stats.blocks;
    own->stats.bytes_in_use += static_cast<std::int64_t>(bytes_of_class(size_class));
    if (own->stats.bytes_in_use > own->stats.peak_bytes) own->stats.peak_bytes = own->stats.bytes_in_use;
    return block;
}
inline void release(void* memory, std::uint8_t size_class) noexcept {
    ThreadCache* own = thread_cache;
    if (!own || !own->keeps(size_class)) [[unlikely]]
        return release_slowly(memory, size_class);
    auto* block = static_cast<FreeBlock*>(memory);
    FreeList& list = own->free[size_class];
    block->next = list.head;
    list.head = block;
    ++list.count;
    own->stats.bytes_in_use -= static_cast<std::int64_t>(bytes_of_class(size_class));
}

}  // namespace detail
}  // namespace xgrad
