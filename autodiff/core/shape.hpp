#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dtype.hpp"
#include "error.hpp"
#include "export.hpp"

// Shapes, axes and ranges along them.

namespace xgrad {

/// Sizes along each axis, outermost first; at most `max_rank` axes. The shape of a scalar is empty.
class Shape {
public:
    static constexpr int max_rank = 8;

    constexpr Shape() = default;
    constexpr Shape(std::initializer_list<std::int64_t> sizes) : Shape(sizes.begin(), static_cast<int>(sizes.size())) {}
    constexpr Shape(const std::int64_t* sizes, int rank) {
        for (int i = 0; i < rank; ++i) push_back(sizes[i]);
    }
    Shape(const std::vector<std::int64_t>& sizes) : Shape(sizes.data(), static_cast<int>(sizes.size())) {}

    constexpr int rank() const { return rank_; }
    constexpr std::int64_t size() const {  ///< number of elements: the product of the sizes, 1 for a scalar
        std::int64_t n = 1;
        for (int i = 0; i < rank_; ++i) n *= sizes_[i];
        return n;
    }
    constexpr std::int64_t operator[](int axis) const { return sizes_[axis]; }
    constexpr std::int64_t& operator[](int axis) { return sizes_[axis]; }
    constexpr std::int64_t back() const { return sizes_[rank_ - 1]; }
    constexpr const std::int64_t* begin() const { return sizes_; }
    constexpr const std::int64_t* end() const { return sizes_ + rank_; }
    constexpr void push_back(std::int64_t size) {
        if (rank_ == max_rank) too_many_axes();
        sizes_[rank_++] = size;
    }

    [[gnu::always_inline]] friend constexpr bool operator==(const Shape& a, const Shape& b) {
        if (a.rank_ != b.rank_) return false;
        for (int i = 0; i < a.rank_; ++i)
            if (a.sizes_[i] != b.sizes_[i]) return false;
        return true;
    }

private:
    [[noreturn]] XGRAD_API static void too_many_axes();

    std::int64_t sizes_[max_rank] = {};
    int rank_ = 0;
};

/// "(2, 3)", "(4,)", "()".
XGRAD_API std::string to_string(const Shape& shape);
XGRAD_API std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// The axes of an operation: one integer, or several in braces; default-constructed means all axes.
class Axes {
public:
    Axes() = default;
    template <detail::Integer... I>
        requires(sizeof...(I) > 0)
    Axes(I... axes) : axes_{as_axis(axes)...}, count_(sizeof...(I)) {
        static_assert(sizeof...(I) <= Shape::max_rank, "xgrad: a tensor has at most 8 axes");
    }
    template <std::same_as<bool> B>
    Axes(B) {
        static_assert(
            !sizeof(B),
            "xgrad: an axis is an integer, not a bool; keepdims follows the axes: sum(x, 1, true), sum(x, {}, true)");
    }
    Axes(const std::vector<int>& axes) : Axes(std::span<const int>(axes)) {}
    Axes(std::span<const int> axes) : count_(static_cast<int>(axes.size())) {
        check<IndexError>(axes.size() <= Shape::max_rank, {},
                          [&] { return "Axes: a tensor has at most 8 axes, got " + std::to_string(axes.size()); });
        for (int i = 0; i < count_; ++i) axes_[i] = axes[static_cast<std::size_t>(i)];
    }

    bool all() const { return count_ < 0; }
    std::span<const int> list() const { return {axes_, static_cast<std::size_t>(count_ < 0 ? 0 : count_)}; }

private:
    /// A value that does not fit an int is out of range for any tensor.
    template <class I>
    static constexpr int as_axis(I axis) {
        return std::in_range<int>(static_cast<std::int64_t>(axis)) ? static_cast<int>(axis)
                                                                   : std::numeric_limits<int>::max();
    }

    int axes_[Shape::max_rank] = {};
    int count_ = -1;  // all
};

/// One axis of a slice, like Python's start:stop:step; a missing bound is the array's bound. The axis is kept.
struct Slice {
    std::optional<std::int64_t> start = {}, stop = {};
    std::int64_t step = 1;
};

namespace detail {

/// "shape (3, 4) f64"
XGRAD_API std::string shape_and_type(const Shape& shape, DType dtype);

}  // namespace detail
}  // namespace xgrad
