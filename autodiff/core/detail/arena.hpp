#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// The memory of a record. Not for users.

namespace xgrad::detail {

/// Bump allocation in chunks. When rewinding, all but one of the chunks after the mark go back to the allocator's
/// caches.
class Arena {
public:
    struct Mark {
        std::size_t chunk = 0, used = 0;
    };

    ~Arena();
    void* allocate(std::size_t bytes) {
        bytes = (bytes + 15) & ~std::size_t{15};
        if (used_ + bytes > capacity_) [[unlikely]]
            next_chunk(bytes);
        void* at = base_ + used_;
        used_ += bytes;
        return at;
    }
    Mark mark() const { return {current_, used_}; }
    Mark mark_at(const void* allocated) const;
    void rewind(Mark mark) noexcept;
    /// Returns all chunks; nothing may be allocated.
    void clear() noexcept;

private:
    struct Chunk {
        char* base;
        std::size_t capacity;
        std::uint8_t size_class;
    };
    void next_chunk(std::size_t bytes);

    std::vector<Chunk> chunks_;
    std::size_t current_ = 0;  // chunks_[current_ - 1] is in use; 0: none
    char* base_ = nullptr;
    std::size_t capacity_ = 0, used_ = 0;
};

}  // namespace xgrad::detail
