#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "dtype.hpp"
#include "export.hpp"
#include "memory.hpp"
#include "shape.hpp"

// The block of memory that handles to one tensor share.

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define XGRAD_SINGLE_THREADED __libc_single_threaded
#else
#define XGRAD_SINGLE_THREADED false
#endif

namespace xgrad {
namespace detail {

/// The owner of elements that the library did not allocate (foreign.hpp), and how to destroy it.
struct Keeper {
    void (*destroy)(Keeper*) noexcept;
};

/// One block: this header with the elements, inside it if they fit, else directly after it. A view has no elements of
/// its own and keeps `base` alive. If `base` is the storage itself, the elements are foreign and a Keeper follows the
/// header.
struct alignas(64) Storage {
    static constexpr std::size_t room = 24;
    std::atomic<std::uint32_t> owners{1};
    DType dtype = DType::f32;
    std::uint8_t size_class = 0;
    std::int64_t size = 0;
    void* data = nullptr;
    Storage* base = nullptr;
    Shape shape;
    alignas(8) unsigned char inside[room];

    /// The size of a block for that many bytes of elements.
    static constexpr std::size_t block_bytes(std::size_t element_bytes) {
        return sizeof(Storage) + (element_bytes <= room ? 0 : element_bytes);
    }
};
static_assert(sizeof(Storage) == 128, "two cache lines, without a gap between shape and elements");

inline Storage* initialise(void* block, std::uint8_t size_class, const Shape& shape, std::int64_t size, DType dtype) {
    auto* s = static_cast<Storage*>(block);
    ::new (&s->owners) std::atomic<std::uint32_t>(1);
    s->dtype = dtype;
    s->size_class = size_class;
    s->size = size;
    // By the block's size: what fits the header alone is inside it.
    s->data = size_class == size_class_of(sizeof(Storage)) ? static_cast<void*>(s->inside) : s + 1;
    s->base = nullptr;
    ::new (&s->shape) Shape(shape);
    return s;
}

XGRAD_API void destroy_without_elements(Storage* storage) noexcept;
inline void destroy(Storage* storage) noexcept {
    if (storage->base) destroy_without_elements(storage);
    else release(storage, storage->size_class);
}

// While the process has a single thread, the counter is updated without atomic instructions, as in libstdc++'s
// shared_ptr.
inline void retain(Storage* s) noexcept {
    if (!s) return;
    if (XGRAD_SINGLE_THREADED)
        s->owners.store(s->owners.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else s->owners.fetch_add(1, std::memory_order_relaxed);
}
inline void drop(Storage* s) noexcept {
    if (!s) return;
    if (XGRAD_SINGLE_THREADED) {
        const auto left = s->owners.load(std::memory_order_relaxed) - 1;
        s->owners.store(left, std::memory_order_relaxed);
        if (left == 0) destroy(s);
    } else if (s->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        destroy(s);
    }
}

}  // namespace detail

}  // namespace xgrad
