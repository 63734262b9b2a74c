#include "arena.hpp"

#include <algorithm>

#include "autodiff/core/memory.hpp"

namespace xgrad::detail {

Arena::~Arena() { clear(); }

void Arena::next_chunk(std::size_t bytes) {
    std::size_t next = current_;
    while (next < chunks_.size() && chunks_[next].capacity < bytes) ++next;
    if (next == chunks_.size()) {
        std::size_t capacity = std::size_t{64} << 10;
        if (!chunks_.empty()) capacity = std::min(2 * chunks_.back().capacity, std::size_t{4} << 20);
        capacity = std::max(capacity, bytes);
        Chunk chunk{nullptr, capacity, 0};
        chunks_.reserve(chunks_.size() + 1);
        chunk.size_class = size_class_of(capacity);
        chunk.base = static_cast<char*>(detail::allocate(chunk.size_class));
        chunks_.push_back(chunk);
    }
    base_ = chunks_[next].base;
    capacity_ = chunks_[next].capacity;
    used_ = 0;
    current_ = next + 1;
}

Arena::Mark Arena::mark_at(const void* allocated) const {
    const auto* at = static_cast<const char*>(allocated);
    for (std::size_t i = current_; i-- > 0;)
        if (std::less_equal<>()(chunks_[i].base, at) && std::less<>()(at, chunks_[i].base + chunks_[i].capacity))
            return {i + 1, static_cast<std::size_t>(at - chunks_[i].base)};
    return mark();
}

void Arena::rewind(Mark mark) noexcept {
    current_ = mark.chunk;
    used_ = mark.used;
    base_ = current_ ? chunks_[current_ - 1].base : nullptr;
    capacity_ = current_ ? chunks_[current_ - 1].capacity : 0;
    while (chunks_.size() > current_ + 1) {
        release(chunks_.back().base, chunks_.back().size_class);
        chunks_.pop_back();
    }
}

void Arena::clear() noexcept {
    for (const Chunk& c : chunks_) release(c.base, c.size_class);
    chunks_.clear();
    rewind({});
}

}  // namespace xgrad::detail
