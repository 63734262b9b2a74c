#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dtype.hpp"
#include "error.hpp"
#include "export.hpp"
#include "shape.hpp"
#include "storage.hpp"

namespace xgrad {

class Tensor;

namespace detail {

struct TensorAccess;

/// Converts a tensor to another library's array of type A: `static A from(const Tensor&)`, specialised by a bridge such
/// as xtensor.hpp.
template <class A>
struct Bridge;
template <class A>
concept Bridged = requires(const Tensor& tensor) { Bridge<A>::from(tensor); };

}  // namespace detail

/// The index in x[…]: an integer or a Slice, with the source line it was written on.
struct RowIndex {
    Slice slice;
    bool drop;
    Location where;
    template <detail::Integer I>
    RowIndex(I index, Location at = Location::current())
        : slice{static_cast<std::int64_t>(index)}, drop(true), where(at) {}
    RowIndex(const Slice& range, Location at = Location::current()) : slice(range), drop(false), where(at) {}
};

/// A handle to an immutable, contiguous, row-major array and, if it was recorded, to its place on a tape.
///
/// Copies share the elements and cost one reference-count update. A default-constructed Tensor is empty: it has no
/// value, and any use of it throws an error that says so. Values never change once created, so handles may be shared
/// between threads.
class XGRAD_API Tensor {
public:
    Tensor() noexcept = default;
    Tensor(const Tensor& other) noexcept : storage_(other.storage_), origin_(other.origin_) {
        detail::retain(storage_);
    }
    Tensor(Tensor&& other) noexcept
        : storage_(std::exchange(other.storage_, nullptr)), origin_(std::exchange(other.origin_, 0)) {}
    Tensor& operator=(const Tensor& other) noexcept {
        detail::retain(other.storage_);
        detail::drop(std::exchange(storage_, other.storage_));
        origin_ = other.origin_;
        return *this;
    }
    Tensor& operator=(Tensor&& other) noexcept {
        std::swap(storage_, other.storage_);
        std::swap(origin_, other.origin_);
        return *this;
    }
    ~Tensor() { detail::drop(storage_); }

    /// False for an empty tensor (default-constructed or moved from). A tensor of zero elements is defined.
    bool defined() const noexcept { return storage_ != nullptr; }
    /// The truth value of the only element, as in NumPy: `if (loss < best)`. False for an empty tensor. ShapeError for
    /// zero or several elements; use any() or all() to reduce them to one.
    explicit operator bool() const { return storage_ && truth(); }

    const Shape& shape() const { return storage().shape; }
    /// Size along `axis`; negative axes count from the end. IndexError when out of range.
    std::int64_t shape(int axis) const;
    int ndim() const { return storage().shape.rank(); }
    std::int64_t size() const { return storage().size; }
    DType dtype() const { return storage().dtype; }

    /// The elements in row-major order; valid while any handle to them exists. DTypeError unless T is the element type.
    template <class T>
    std::span<const T> data(Location where = Location::current()) const {
        if (dtype() != dtype_of<T>()) [[unlikely]]
            throw_dtype(dtype_of<T>(), where);
        return {static_cast<const T*>(storage_->data), static_cast<std::size_t>(storage_->size)};
    }
    /// The only element, converted to T. ShapeError unless there is exactly one.
    template <class T = double>
    T item(Location where = Location::current()) const {
        if constexpr (std::is_floating_point_v<T>) return static_cast<T>(item_as_double(where));
        else return static_cast<T>(item_as_int(where));
    }
    /// x[i]: the i-th slice along the first axis, which is dropped (`select`); x[Slice{1, 3}]: a range of that axis
    /// (`slice`). Negative indices count from the end.
    Tensor operator[](const RowIndex& index) const;
    /// The elements converted to `dtype`; differentiable between f32 and f64. A value that an integer type cannot hold
    /// becomes the nearest one that it can, and NaN becomes 0. Returns the same handle if the tensor already has that
    /// type.
    Tensor to(DType dtype, Location where = Location::current()) const;
    /// A copy of the elements as another library's array: with <autodiff/xtensor.hpp>, tensors convert to xt::xarray
    /// and xt::xtensor.
    template <class A>
        requires detail::Bridged<A>
    operator A() const {
        return detail::Bridge<A>::from(*this);
    }

private:
    friend struct detail::TensorAccess;
    explicit Tensor(detail::Storage* owned) noexcept : storage_(owned) {}

    const detail::Storage& storage() const {
        if (!storage_) [[unlikely]]
            throw_empty();
        return *storage_;
    }
    [[noreturn]] void throw_dtype(DType wanted, Location where) const;
    double item_as_double(Location where) const;
    bool truth() const;
    std::int64_t item_as_int(Location where) const;
    [[noreturn]] static void throw_empty();

    detail::Storage* storage_ = nullptr;
    std::uint64_t origin_ = 0;  // 0: a constant; otherwise a node of a record or a parameter (tape.hpp)
};

using Tensors = std::vector<Tensor>;

struct PrintOptions {
    int digits = 4;  ///< after the decimal point
    std::int64_t threshold = 1000;  ///< a tensor with more elements is abbreviated
    std::int64_t edge_items = 3;  ///< shown at either end of an abbreviated axis
    bool dtype = false;  ///< append the element type
};
/// The tensor as NumPy prints it: the elements shown determine the number format. ValueError for digits outside [0, 17]
/// or negative counts.
XGRAD_API std::string to_string(const Tensor& tensor, const PrintOptions& options = {},
                                Location where = Location::current());
/// The same with the default options.
XGRAD_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// An argument of an operation: a tensor or a plain number (which takes the other operand's dtype), with the source
/// line it was written on. Users never name this type; they pass tensors and numbers.
class Operand {
public:
    /// `{}`: no tensor, for an optional argument: `conv2d(x, w, {}, {.stride = 2})`.
    Operand() : tensor_(&none()) {}
    Operand(const Tensor& tensor, Location where = Location::current()) : tensor_(&tensor), where_(where) {}
    Operand(Tensor&& tensor, Location where = Location::current())
        : tensor_(&tensor), where_(where), temporary_(true) {}
    template <class T>
        requires std::is_arithmetic_v<T>
    Operand(T number, Location where = Location::current()) : number_(number), where_(where) {}
    Operand(const PlainNumber& number, Location where = Location::current()) : number_(number), where_(where) {}

    bool is_tensor() const { return tensor_ != nullptr; }
    /// ValueError for a plain number.
    const Tensor& tensor() const {
        if (!tensor_) [[unlikely]]
            throw_number();
        return *tensor_;
    }
    const PlainNumber& number() const { return number_; }
    Location where() const { return where_; }
    /// True if the tensor is a temporary: its buffer may be reused for the result.
    bool temporary() const { return temporary_; }
    /// The same operand for a composition that reads it more than once: no operation reuses its buffer.
    Operand without_reuse() const {
        Operand operand = *this;
        operand.temporary_ = false;
        return operand;
    }

    // The most common queries, so that an operand reads like its tensor.
    operator const Tensor&() const { return tensor(); }
    const Shape& shape() const { return tensor().shape(); }
    std::int64_t shape(int axis) const { return tensor().shape(axis); }
    int ndim() const { return tensor().ndim(); }
    std::int64_t size() const { return tensor().size(); }
    DType dtype() const { return tensor().dtype(); }

private:
    [[noreturn]] XGRAD_API void throw_number() const;
    static const Tensor& none() {
        static const Tensor empty;
        return empty;
    }

    const Tensor* tensor_ = nullptr;
    PlainNumber number_ = 0;
    Location where_;
    bool temporary_ = false;
};

// --- making tensors --------------------------------------------------------------------------------------------------

namespace detail {

/// An uninitialised tensor; the caller must fill it before sharing it.
XGRAD_API Tensor empty(const Shape& shape, DType dtype, Location where = {});
XGRAD_API Tensor from_data(const void* data, std::int64_t count, DType dtype, const Shape& shape, Location where);

/// The only access to a tensor's internals, for the engine's own files.
struct TensorAccess {
    static Storage* storage(const Tensor& t) { return t.storage_; }
    static std::uint64_t origin(const Tensor& t) { return t.origin_; }
    static void set_origin(Tensor& t, std::uint64_t origin) { t.origin_ = origin; }
    static Tensor from_storage(Storage* owned) { return Tensor(owned); }
    static void* data(const Tensor& t) { return t.storage_->data; }
    /// Whether this is the only handle to the elements, which may then be overwritten.
    static bool unique(const Tensor& t) {
        return t.storage_->owners.load(std::memory_order_acquire) == 1 && !t.storage_->base;
    }
    /// An uninitialised tensor of t's shape and dtype.
    static Tensor empty_like(const Tensor& t) {
        const Storage& s = *t.storage_;
        const std::uint8_t size_class =
            s.base ? size_class_of(Storage::block_bytes(static_cast<std::size_t>(s.size * size_of(s.dtype))))
                   : s.size_class;
        return from_storage(initialise(allocate(size_class), size_class, s.shape, s.size, s.dtype));
    }
    /// The same elements under another shape.
    XGRAD_API static Tensor view(const Tensor& t, const Shape& shape, std::int64_t offset = 0);
    /// The same elements as a constant.
    static Tensor constant(Tensor t) {
        t.origin_ = 0;
        return t;
    }
};

template <class T>
Tensor from_rows(std::initializer_list<std::initializer_list<T>> rows, Location where) {
    std::vector<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>>
        flat;  // not vector<bool>, which is not an array of bools
    const std::size_t width = rows.size() ? rows.begin()->size() : 0;
    for (const auto& row : rows) {
        check<ShapeError>(row.size() == width, where, [&] {
            return "tensor: rows must have equal lengths, got " + std::to_string(width) + " and " +
                   std::to_string(row.size());
        });
        flat.insert(flat.end(), row.begin(), row.end());
    }
    return from_data(flat.data(), static_cast<std::int64_t>(flat.size()), dtype_of<T>(),
                     {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(width)}, where);
}

}  // namespace detail

/// A tensor of the given numbers: `tensor({1.0, 2.0})`, `tensor({{1.f, 2.f}, {3.f, 4.f}})`; up to three nested levels.
/// The element type determines the dtype.
template <class T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
Tensor tensor(std::initializer_list<T> values, Location where = Location::current()) {
    return detail::from_data(values.begin(), static_cast<std::int64_t>(values.size()), dtype_of<T>(),
                             {static_cast<std::int64_t>(values.size())}, where);
}
inline Tensor tensor(std::initializer_list<bool> values, Location where = Location::current()) {
    return detail::from_data(values.begin(), static_cast<std::int64_t>(values.size()), DType::boolean,
                             {static_cast<std::int64_t>(values.size())}, where);
}
template <class T>
    requires std::is_arithmetic_v<T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows, Location where = Location::current()) {
    return detail::from_rows<T>(rows, where);
}
template <class T>
    requires std::is_arithmetic_v<T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes,
              Location where = Location::current()) {
    std::vector<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>> flat;
    Shape shape{static_cast<std::int64_t>(planes.size()), 0, 0};
    for (const auto& plane : planes) {
        const Tensor rows = detail::from_rows<T>(plane, where);
        if (&plane == planes.begin()) shape = {shape[0], rows.shape()[0], rows.shape()[1]};
        check<ShapeError>(rows.shape()[0] == shape[1] && rows.shape()[1] == shape[2], where,
                          [&] { return std::string("tensor: planes must have equal shapes"); });
        const auto values = rows.data<T>();
        flat.insert(flat.end(), values.begin(), values.end());
    }
    return detail::from_data(flat.data(), static_cast<std::int64_t>(flat.size()), dtype_of<T>(), shape, where);
}
/// A copy of `values`, which are in row-major order. ShapeError unless their number matches `shape`.
template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape, Location where = Location::current()) {
    return detail::from_data(values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>(), shape, where);
}
template <class T>
    requires(!std::is_const_v<T>)
Tensor tensor(std::span<T> values, const Shape& shape, Location where = Location::current()) {
    return tensor(std::span<const T>(values), shape, where);
}
template <class T>
    requires std::is_arithmetic_v<T>
Tensor tensor(std::initializer_list<T> values, const Shape& shape, Location where = Location::current()) {
    return detail::from_data(values.begin(), static_cast<std::int64_t>(values.size()), dtype_of<T>(), shape, where);
}
template <class T>
    requires(!std::is_same_v<T, bool>)
Tensor tensor(const std::vector<T>& values, const Shape& shape, Location where = Location::current()) {
    return tensor(std::span<const T>(values), shape, where);
}
template <class T>
    requires(!std::is_same_v<T, bool>)
Tensor tensor(const std::vector<T>& values, Location where = Location::current()) {
    return tensor(std::span<const T>(values), Shape{static_cast<std::int64_t>(values.size())}, where);
}

inline Tensor tensor(const std::vector<bool>& values, Location where = Location::current()) {
    const std::vector<unsigned char> bytes(values.begin(), values.end());
    return detail::from_data(bytes.data(), static_cast<std::int64_t>(bytes.size()), DType::boolean,
                             {static_cast<std::int64_t>(bytes.size())}, where);
}

/// A rank-0 tensor. An `int` becomes i32, a `double` f64.
template <class T>
    requires std::is_arithmetic_v<T>
Tensor scalar(T value, Location where = Location::current()) {
    return detail::from_data(&value, 1, dtype_of<T>(), {}, where);
}
/// A rank-0 tensor of the given dtype. ValueError if the dtype cannot hold the number.
XGRAD_API Tensor scalar(PlainNumber value, DType dtype, Location where = Location::current());

XGRAD_API Tensor zeros(const Shape& shape, DType dtype = DType::f32, Location where = Location::current());
XGRAD_API Tensor ones(const Shape& shape, DType dtype = DType::f32, Location where = Location::current());
/// ValueError if the dtype cannot hold the number: a fraction, NaN or an out-of-range number for an integer dtype.
XGRAD_API Tensor full(const Shape& shape, PlainNumber value, DType dtype = DType::f32,
                      Location where = Location::current());
XGRAD_API Tensor zeros_like(const Tensor& tensor);
XGRAD_API Tensor ones_like(const Tensor& tensor);
XGRAD_API Tensor full_like(const Tensor& tensor, PlainNumber value, Location where = Location::current());
/// The identity matrix (n, n), or (n, m) with ones on its diagonal.
XGRAD_API Tensor eye(std::int64_t n, DType dtype = DType::f32);
XGRAD_API Tensor eye(std::int64_t n, std::int64_t m, DType dtype = DType::f32);
/// 0, 1, …, stop-1, or start, start+step, … up to but excluding stop: i64 if all arguments are integers, as in NumPy,
/// else f32, unless a dtype is given. ValueError for a zero step, non-finite numbers, or elements that the dtype cannot
/// hold.
XGRAD_API Tensor arange(PlainNumber stop, std::optional<DType> dtype = {}, Location where = Location::current());
XGRAD_API Tensor arange(PlainNumber start, PlainNumber stop, PlainNumber step = 1, std::optional<DType> dtype = {},
                        Location where = Location::current());
/// `count` evenly spaced numbers from start to stop, both included.
XGRAD_API Tensor linspace(double start, double stop, std::int64_t count, DType dtype = DType::f32);

}  // namespace xgrad
