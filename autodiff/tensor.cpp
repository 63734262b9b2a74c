#include "tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "apply.hpp"
#include "memory.hpp"

namespace xgrad {

const char* name_of(DType dtype) {
    constexpr const char* names[] = {"f32", "f64", "i32", "i64", "bool"};
    return names[static_cast<int>(dtype)];
}

void Shape::too_many_axes() { throw ShapeError("Shape: at most 8 axes are supported, got more"); }

namespace detail {
namespace {

static_assert(sizeof(Storage) % 64 == 0, "elements start on a cache line");

Storage* new_storage(const Shape& shape, std::int64_t size, DType dtype, std::size_t data_bytes) {
    return initialise(allocate(size_class_of(sizeof(Storage) + data_bytes)), size_class_of(sizeof(Storage) + data_bytes), shape, size,
                      dtype);
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

Tensor convert(const Tensor& x, DType dtype) {
    Tensor y = empty(x.shape(), dtype);
    with_type(x.dtype(), [&](auto* from_type) {
        with_type(dtype, [&](auto* to_type) {
            using From = std::remove_pointer_t<decltype(from_type)>;
            using To = std::remove_pointer_t<decltype(to_type)>;
            const auto* from = static_cast<const From*>(TensorAccess::data(x));
            auto* to = static_cast<To*>(TensorAccess::data(y));
            for (std::int64_t i = 0; i < x.size(); ++i) to[i] = static_cast<To>(from[i]);
        });
    });
    return y;
}

}  // namespace

void destroy_view(Storage* s) noexcept {
    drop(s->base);
    release(s, s->size_class);
}

Tensor empty(const Shape& shape, DType dtype, Location where) {
    std::int64_t size = 1;
    for (std::int64_t n : shape) {
        check<ShapeError>(n >= 0, where, [&] { return "Shape: sizes must not be negative, got " + to_string(shape); });
        check<ShapeError>(n == 0 || size <= (std::int64_t{1} << 46) / n, where,
                          [&] { return "Shape: too many elements, got " + to_string(shape); });
        size *= n;
    }
    return TensorAccess::adopt(new_storage(shape, size, dtype, static_cast<std::size_t>(size * size_of(dtype))));
}

Tensor from_data(const void* data, std::int64_t count, DType dtype, const Shape& shape, Location where) {
    Tensor t = empty(shape, dtype, where);
    check<ShapeError>(t.size() == count, where, [&] {
        return "tensor: the shape must hold as many elements as are given, got " + std::to_string(count) + " for " + to_string(shape);
    });
    if (count) std::memcpy(TensorAccess::data(t), data, static_cast<std::size_t>(count * size_of(dtype)));
    return t;
}

Tensor TensorAccess::view(const Tensor& t, const Shape& shape, std::int64_t offset) {
    Storage* of = t.storage_;
    Storage* base = of->base ? of->base : of;
    Storage* s = new_storage(shape, shape.size(), of->dtype, 0);
    s->data = static_cast<char*>(of->data) + offset * size_of(of->dtype);
    s->base = base;
    retain(base);
    return adopt(s);
}

}  // namespace detail

// --- Tensor ---------------------------------------------------------------------------------------------------------

void Tensor::throw_empty() { throw Error("Tensor: an empty tensor was used (default-constructed, moved from, or an absent gradient)"); }

std::int64_t Tensor::shape(int axis) const {
    const int rank = ndim();
    check<IndexError>(axis >= -rank && axis < rank, {}, [&] {
        return "Tensor::shape: axis must be in [" + std::to_string(-rank) + ", " + std::to_string(rank) + "), got " + std::to_string(axis);
    });
    return shape()[axis < 0 ? axis + rank : axis];
}

void Tensor::check_dtype(DType wanted, const char* operation) const {
    check<DTypeError>(dtype() == wanted, {}, [&] {
        return std::string("Tensor::") + operation + ": the element type must be the tensor's " + name_of(dtype()) + ", got " +
               name_of(wanted);
    });
}

namespace {
void check_one_element(const Tensor& t) {
    check<ShapeError>(t.size() == 1, {},
                      [&] { return "Tensor::item: the tensor must have one element, got shape " + to_string(t.shape()); });
}
}  // namespace

bool Tensor::truth() const {
    check<ShapeError>(size() == 1, {}, [&] {
        return "Tensor as a condition: one element is needed, got shape " + to_string(shape()) +
               "; any() and all() give one, defined() tells an "
               "empty tensor";
    });
    return dtype() == DType::f32 || dtype() == DType::f64 ? item_as_double() != 0 : item_as_int() != 0;
}

double Tensor::item_as_double() const {
    check_one_element(*this);
    double value = 0;
    detail::with_type(dtype(), [&](auto* type) { value = static_cast<double>(*static_cast<decltype(type)>(storage_->data)); });
    return value;
}

std::int64_t Tensor::item_as_int() const {
    check_one_element(*this);
    std::int64_t value = 0;
    detail::with_type(dtype(), [&](auto* type) { value = static_cast<std::int64_t>(*static_cast<decltype(type)>(storage_->data)); });
    return value;
}

Tensor Tensor::to(DType wanted, Location where) const {
    if (dtype() == wanted) return *this;
    if (!is_floating(wanted) || !tracked(*this)) return detail::convert(*this, wanted);
    return apply(
        "to", {*this}, [wanted](const Tensor& x) { return detail::convert(x, wanted); },
        [from = dtype()](const Tensor& g) { return g.to(from); }, where);
}

// --- making tensors -------------------------------------------------------------------------------------------------

namespace {

/// Fills a new tensor with value(i), converted to its dtype.
template <class F>
Tensor generate(const Shape& shape, DType dtype, Location where, F&& value) {
    Tensor t = detail::empty(shape, dtype, where);
    detail::with_type(dtype, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        auto* data = static_cast<T*>(detail::TensorAccess::data(t));
        for (std::int64_t i = 0; i < t.size(); ++i) data[i] = static_cast<T>(value(i));
    });
    return t;
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype, Location where) {
    Tensor t = detail::empty(shape, dtype, where);
    detail::with_type(dtype, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        std::fill_n(static_cast<T*>(detail::TensorAccess::data(t)), t.size(), static_cast<T>(value));
    });
    return t;
}
Tensor zeros(const Shape& shape, DType dtype, Location where) {
    Tensor t = detail::empty(shape, dtype, where);
    std::memset(detail::TensorAccess::data(t), 0, static_cast<std::size_t>(t.size() * size_of(dtype)));
    return t;
}
Tensor ones(const Shape& shape, DType dtype, Location where) { return full(shape, 1, dtype, where); }
Tensor scalar(double value, DType dtype) { return full({}, value, dtype, {}); }
Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype(), {}); }
Tensor ones_like(const Tensor& t) { return full(t.shape(), 1, t.dtype(), {}); }
Tensor full_like(const Tensor& t, double value) { return full(t.shape(), value, t.dtype(), {}); }

Tensor eye(std::int64_t n, std::int64_t m, DType dtype) {
    return generate({n, m}, dtype, {}, [m](std::int64_t i) { return i / m == i % m ? 1.0 : 0.0; });
}
Tensor eye(std::int64_t n, DType dtype) { return eye(n, n, dtype); }

Tensor arange(double start, double stop, double step, DType dtype) {
    check<ValueError>(step != 0, {}, [] { return std::string("arange: the step must not be zero"); });
    const double count = std::ceil((stop - start) / step);
    check<ValueError>(std::isfinite(start) && std::isfinite(stop) && std::isfinite(step), {},
                      [] { return std::string("arange: start, stop and step must be finite"); });
    check<ValueError>(count < 1e15, {}, [&] { return "arange: the result would be too long, got " + std::to_string(count) + " elements"; });
    return generate({std::max<std::int64_t>(0, static_cast<std::int64_t>(count))}, dtype, {},
                    [=](std::int64_t i) { return start + static_cast<double>(i) * step; });
}
Tensor arange(double stop, DType dtype) { return arange(0, stop, 1, dtype); }

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
    const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
    return generate({count}, dtype, {},
                    [=](std::int64_t i) { return i == count - 1 && count > 1 ? stop : start + static_cast<double>(i) * step; });
}

}  // namespace xgrad
