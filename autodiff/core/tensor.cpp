#include "tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>
#include <type_traits>

#include "apply.hpp"
#include "detail/parallel.hpp"
#include "detail/sizes.hpp"
#include "memory.hpp"

namespace xgrad {

const char* name_of(DType dtype) {
    constexpr const char* names[] = {"f32", "f64", "i32", "i64", "bool"};
    return names[static_cast<int>(dtype)];
}

void Shape::too_many_axes() { throw ShapeError("Shape: at most 8 axes are supported, got more"); }

namespace detail {
namespace {

Storage* new_storage(const Shape& shape, std::int64_t size, DType dtype, std::size_t block_bytes) {
    const std::uint8_t size_class = size_class_of(block_bytes);
    return initialise(allocate(size_class), size_class, shape, size, dtype);
}

/// Calls f with a null pointer of the element type.
template <class F>
void with_type(DType dtype, F&& f) {
    switch (dtype) {
        case DType::f32: return f(static_cast<float*>(nullptr));
        case DType::f64: return f(static_cast<double*>(nullptr));
        case DType::i32: return f(static_cast<std::int32_t*>(nullptr));
        case DType::i64: return f(static_cast<std::int64_t*>(nullptr));
        case DType::boolean: return f(static_cast<bool*>(nullptr));
    }
}

/// A value that an integer type cannot hold becomes the nearest one that it can, and NaN becomes 0; i64 to i32 keeps
/// the low bits, as in NumPy.
template <class To, class From>
To converted(From x) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && !std::is_same_v<To, bool>) {
        constexpr From low = static_cast<From>(std::numeric_limits<To>::min()), end = -low;  // powers of two
        if (x >= end) return std::numeric_limits<To>::max();
        if (x > low) return static_cast<To>(x);
        return x <= low ? std::numeric_limits<To>::min() : To(0);
    } else {
        return static_cast<To>(x);
    }
}

Tensor convert(const Tensor& x, DType dtype) {
    Tensor y = empty(x.shape(), dtype);
    with_type(x.dtype(), [&](auto* from_type) {
        with_type(dtype, [&](auto* to_type) {
            using From = std::remove_pointer_t<decltype(from_type)>;
            using To = std::remove_pointer_t<decltype(to_type)>;
            const auto* from = static_cast<const From*>(TensorAccess::data(x));
            auto* to = static_cast<To*>(TensorAccess::data(y));
            for (std::int64_t i = 0; i < x.size(); ++i) to[i] = converted<To>(from[i]);
        });
    });
    return y;
}

}  // namespace

std::string shape_and_type(const Shape& shape, DType dtype) {
    return "shape " + to_string(shape) + " " + name_of(dtype);
}

void destroy_without_elements(Storage* s) noexcept {
    if (s->base == s) {
        auto* const keeper = reinterpret_cast<Keeper*>(s + 1);
        keeper->destroy(keeper);
    } else {
        drop(s->base);
    }
    release(s, s->size_class);
}

Storage* new_foreign_storage(const Shape& shape, DType dtype, std::size_t keeper_bytes, Location where) {
    const std::int64_t size = count_elements(shape, "Shape", where);
    return named("Tensor", where, [&] {
        Storage* s = new_storage(shape, size, dtype, sizeof(Storage) + keeper_bytes);
        s->base = s;
        return s;
    });
}

std::int64_t count_elements(const Shape& shape, const char* operation, Location where) {
    std::int64_t size = 1;
    for (std::int64_t n : shape) {
        check<ShapeError>(n >= 0, where, [&] {
            return std::string(operation) + ": sizes must not be negative, got " + to_string(shape);
        });
        // Next to a 0 the other sizes must be valid too: strides are computed from them.
        n = std::max<std::int64_t>(n, 1);
        check<ShapeError>(size <= most_elements / n, where,
                          [&] { return std::string(operation) + ": too many elements, got " + to_string(shape); });
        size *= n;
    }
    return shape.size();
}

Tensor empty(const Shape& shape, DType dtype, Location where) {
    const std::int64_t size = count_elements(shape, "Shape", where);
    const auto bytes = static_cast<std::size_t>(size * size_of(dtype));
    try {
        return TensorAccess::from_storage(new_storage(shape, size, dtype, Storage::block_bytes(bytes)));
    } catch (const MemoryError&) {  // it knows the block's size, but not the tensor's
        throw MemoryError("Tensor", bytes, shape_and_type(shape, dtype), where);
    }
}

Tensor from_data(const void* data, std::int64_t count, DType dtype, const Shape& shape, Location where) {
    Tensor t = named("tensor", where, [&] { return empty(shape, dtype, where); });
    check<ShapeError>(t.size() == count, where, [&] {
        return "tensor: the shape must hold as many elements as are given, got " + std::to_string(count) + " for " +
               to_string(shape);
    });
    if (count) std::memcpy(TensorAccess::data(t), data, static_cast<std::size_t>(count * size_of(dtype)));
    return t;
}

Tensor TensorAccess::view(const Tensor& t, const Shape& shape, std::int64_t offset) {
    Storage* of = t.storage_;
    Storage* base = of->base ? of->base : of;
    Storage* s = new_storage(shape, shape.size(), of->dtype, sizeof(Storage));
    s->data = static_cast<char*>(of->data) + offset * size_of(of->dtype);
    s->base = base;
    retain(base);
    return from_storage(s);
}

}  // namespace detail

// --- Tensor ----------------------------------------------------------------------------------------------------------

void Tensor::throw_empty() {
    throw Error("Tensor: an empty tensor was used (default-constructed, moved from, or an absent gradient)");
}

void Operand::throw_number() const {
    throw ValueError(at("Operand: the argument must be a tensor, got a number", where_));
}

std::int64_t Tensor::shape(int axis) const {
    const int rank = ndim();
    check<IndexError>(axis >= -rank && axis < rank, {}, [&] {
        return "Tensor::shape: axis must be in [" + std::to_string(-rank) + ", " + std::to_string(rank) + "), got " +
               std::to_string(axis);
    });
    return shape()[axis < 0 ? axis + rank : axis];
}

void Tensor::throw_dtype(DType wanted, Location where) const {
    throw DTypeError(
        at(std::string("Tensor::data: the dtype must be the tensor's ") + name_of(dtype()) + ", got " + name_of(wanted),
           where));
}

namespace {
void check_one_element(const Tensor& t, Location where) {
    check<ShapeError>(t.size() == 1, where, [&] {
        return "Tensor::item: the tensor must have one element, got shape " + to_string(t.shape());
    });
}
}  // namespace

bool Tensor::truth() const {
    check<ShapeError>(size() == 1, {}, [&] {
        return "Tensor as a condition: one element is needed, got shape " + to_string(shape()) +
               "; any() and all() give one, defined() tells an "
               "empty tensor";
    });
    return dtype() == DType::f32 || dtype() == DType::f64 ? item_as_double({}) != 0 : item_as_int({}) != 0;
}

double Tensor::item_as_double(Location where) const {
    check_one_element(*this, where);
    double value = 0;
    detail::with_type(dtype(),
                      [&](auto* type) { value = static_cast<double>(*static_cast<decltype(type)>(storage_->data)); });
    return value;
}

std::int64_t Tensor::item_as_int(Location where) const {
    check_one_element(*this, where);
    std::int64_t value = 0;
    detail::with_type(
        dtype(), [&](auto* type) { value = static_cast<std::int64_t>(*static_cast<decltype(type)>(storage_->data)); });
    return value;
}

namespace {

struct To {
    static constexpr const char* name = "to";
    DType dtype = DType::f32;
    XGRAD_ATTRIBUTES(dtype)

    Tensor value(const Tensor& x) const { return detail::convert(x, dtype); }
    /// Only conversions between the two floating-point types are recorded.
    Tensor pullback(Tensor g) const { return g.to(dtype == DType::f32 ? DType::f64 : DType::f32, {}); }
};

}  // namespace

Tensor Tensor::to(DType wanted, Location where) const {
    if (dtype() == wanted) return *this;
    return apply(To{wanted}, {is_floating(wanted) ? *this : stop_gradient(*this)}, where);
}

// --- making tensors --------------------------------------------------------------------------------------------------

namespace {

/// A new tensor for the function `name`.
Tensor empty_of(const char* name, const Shape& shape, DType dtype, Location where) {
    return detail::named(name, where, [&] { return detail::empty(shape, dtype, where); });
}

/// Fills a new tensor with value(i), converted to its dtype.
template <class F>
Tensor generate(const char* name, const Shape& shape, DType dtype, Location where, F&& value) {
    Tensor t = empty_of(name, shape, dtype, where);
    detail::with_type(dtype, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        auto* data = static_cast<T*>(detail::TensorAccess::data(t));
        for (std::int64_t i = 0; i < t.size(); ++i) data[i] = static_cast<T>(value(i));
    });
    return t;
}

}  // namespace

bool PlainNumber::fits(DType dtype) const {
    if (is_floating(dtype)) return true;
    if (dtype == DType::boolean) return value_ == 0 || value_ == 1;
    if (exact_) return dtype == DType::i64 || std::in_range<std::int32_t>(integer_);
    const double limit = dtype == DType::i32 ? 0x1p31 : 0x1p63;
    return value_ == std::trunc(value_) && value_ >= -limit && value_ < limit;
}

std::string PlainNumber::text() const {
    if (exact_) return std::to_string(integer_);
    char text[32];
    std::snprintf(text, sizeof text, "%g", value_);
    return text;
}

namespace {
Tensor filled(const char* name, const Shape& shape, PlainNumber value, DType dtype, Location where) {
    check<ValueError>(value.fits(dtype), where,
                      [&] { return std::string(name) + ": " + name_of(dtype) + " cannot hold " + value.text(); });
    Tensor t = empty_of(name, shape, dtype, where);
    detail::with_type(dtype, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        std::fill_n(static_cast<T*>(detail::TensorAccess::data(t)), t.size(), value.as<T>());
    });
    return t;
}

}  // namespace

Tensor full(const Shape& shape, PlainNumber value, DType dtype, Location where) {
    return filled("full", shape, value, dtype, where);
}
Tensor zeros(const Shape& shape, DType dtype, Location where) {
    Tensor t = empty_of("zeros", shape, dtype, where);
    char* const to = static_cast<char*>(detail::TensorAccess::data(t));
    const std::int64_t bytes = t.size() * size_of(dtype);
    constexpr std::int64_t piece = 4096;
    detail::parallel_for((bytes + piece - 1) / piece, bytes / 8, [&](std::int64_t begin, std::int64_t end) {
        std::memset(to + begin * piece, 0, static_cast<std::size_t>(std::min(bytes, end * piece) - begin * piece));
    });
    return t;
}
Tensor ones(const Shape& shape, DType dtype, Location where) { return filled("ones", shape, 1, dtype, where); }
Tensor scalar(PlainNumber value, DType dtype, Location where) { return full({}, value, dtype, where); }
Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype(), {}); }
Tensor ones_like(const Tensor& t) { return full(t.shape(), 1, t.dtype(), {}); }
Tensor full_like(const Tensor& t, PlainNumber value, Location where) {
    return full(t.shape(), value, t.dtype(), where);
}

Tensor eye(std::int64_t n, std::int64_t m, DType dtype) {
    return generate("eye", {n, m}, dtype, {}, [m](std::int64_t i) { return i / m == i % m ? 1.0 : 0.0; });
}
Tensor eye(std::int64_t n, DType dtype) { return eye(n, n, dtype); }

namespace {

[[noreturn]] void throw_too_long(PlainNumber start, PlainNumber stop, PlainNumber step, Location where) {
    throw ValueError(at("arange: the result would be too long, got " + start.text() + " to " + stop.text() +
                            " in steps of " + step.text(),
                        where));
}

/// Computed with integers: exact if the elements fit.
Tensor integer_range(std::int64_t start, std::int64_t stop, std::int64_t step, DType dtype, Location where) {
    std::int64_t count = 0;
    if (step > 0 ? start < stop : start > stop) {
        std::int64_t span;
        if (__builtin_sub_overflow(stop, start, &span) || step == std::numeric_limits<std::int64_t>::min())
            throw_too_long(start, stop, step, where);
        count = span / step + (span % step != 0);
    }
    check<ValueError>(
        count == 0 || (PlainNumber(start).fits(dtype) && PlainNumber(start + (count - 1) * step).fits(dtype)), where,
        [&] {
            return std::string("arange: ") + name_of(dtype) + " cannot hold the elements from " +
                   std::to_string(start) + " to " + std::to_string(stop);
        });
    return generate("arange", {count}, dtype, where, [=](std::int64_t i) { return start + i * step; });
}

}  // namespace

Tensor arange(PlainNumber start, PlainNumber stop, PlainNumber step, std::optional<DType> dtype, Location where) {
    check<ValueError>(double{step} != 0, where, [] { return std::string("arange: the step must not be zero"); });
    const bool integers = start.is_integer() && stop.is_integer() && step.is_integer();
    if (integers)
        return integer_range(start.integer(), stop.integer(), step.integer(), dtype.value_or(DType::i64), where);
    check<ValueError>(std::isfinite(start) && std::isfinite(stop) && std::isfinite(step), where,
                      [] { return std::string("arange: start, stop and step must be finite"); });
    const double first = start, by = step, count = std::ceil((stop - first) / by);
    if (!(count < 1e15)) throw_too_long(start, stop, step, where);
    const auto element = [=](std::int64_t i) { return first + static_cast<double>(i) * by; };
    const auto size = std::max<std::int64_t>(0, static_cast<std::int64_t>(count));
    const DType type = dtype.value_or(DType::f32);
    check<ValueError>(
        size == 0 || is_floating(type) ||
            (PlainNumber(std::trunc(first)).fits(type) && PlainNumber(std::trunc(element(size - 1))).fits(type)),
        where, [&] {
            return std::string("arange: ") + name_of(type) + " cannot hold the elements from " + start.text() + " to " +
                   stop.text();
        });
    return generate("arange", {size}, type, where, element);
}
Tensor arange(PlainNumber stop, std::optional<DType> dtype, Location where) { return arange(0, stop, 1, dtype, where); }

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
    const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
    return generate("linspace", {count}, dtype, {}, [=](std::int64_t i) {
        return i == count - 1 && count > 1 ? stop : start + static_cast<double>(i) * step;
    });
}

}  // namespace xgrad
