#pragma once

#include <cstddef>
#include <cstdint>

#include "export.hpp"

namespace xgrad {

/// What the caching allocator did on the calling thread, in blocks and bytes.
struct MemoryStats {
    std::int64_t blocks = 0;           ///< blocks handed out since the thread started
    std::int64_t system_blocks = 0;    ///< of these, how many had to be asked of the system: 0 once warm
    std::int64_t bytes_in_use = 0;     ///< handed out and not yet given back by this thread
    std::int64_t peak_bytes = 0;       ///< highest bytes_in_use since the last reset_peak_memory()
};

XGRAD_API MemoryStats memory_stats();
XGRAD_API void reset_peak_memory();

/// Gives the blocks cached by the calling thread and those shared by all threads back to the system.
XGRAD_API void release_cached_memory();

namespace detail {

/// A block of at least `bytes`, 64-byte aligned, from the caches; `size_class` is to be handed to `release`.
XGRAD_API void* allocate(std::size_t bytes, std::uint8_t& size_class);
XGRAD_API void release(void* block, std::uint8_t size_class) noexcept;

}  // namespace detail
}  // namespace xgrad
