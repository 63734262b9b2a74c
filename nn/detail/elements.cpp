#include "elements.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace xgrad::nn::detail {

namespace {

/// A 16-bit number that is converted to f32.
struct Half {
    using Bits = std::uint16_t;
    static float value(Bits h) {
        const std::uint32_t sign = std::uint32_t{h} >> 15 << 31, exponent = h >> 10 & 31, fraction = h & 1023;
        // Zeros and subnormals: fraction times 2^-24, exact in f32.
        if (exponent == 0)
            return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
        const std::uint32_t wide = exponent == 31 ? 255 : exponent + 127 - 15;
        return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
    }
};
struct BFloat {
    using Bits = std::uint16_t;
    static float value(Bits b) { return std::bit_cast<float>(std::uint32_t{b} << 16); }
};
struct Byte {
    using Bits = std::uint8_t;
    static bool value(Bits b) { return b != 0; }
};
/// An element of C++ type From, stored as To.
template <class From, class To>
struct Plain {
    using Bits = From;
    static To value(From x) { return static_cast<To>(x); }
};

template <class E>
Tensor convert(const NextBytes& next, const Shape& shape, bool swapped, const Source& source) {
    using Bits = typename E::Bits;
    using To = decltype(E::value(Bits()));
    const Tensor t = xgrad::detail::empty(shape, xgrad::dtype_of<To>(), source.where);
    auto* to = static_cast<To*>(xgrad::detail::TensorAccess::data(t));
    auto left = static_cast<std::size_t>(t.size());
    if (std::is_same_v<Bits, To> && !swapped) {
        if (left > 0) next(to, left * sizeof(Bits));
        return t;
    }
    constexpr std::size_t most = 16384 / sizeof(Bits);
    Bits some[most];
    while (left > 0) {
        const std::size_t count = std::min(left, most);
        next(some, count * sizeof(Bits));
        for (std::size_t i = 0; i < count; ++i) {
            std::byte raw[sizeof(Bits)];
            std::memcpy(raw, some + i, sizeof(Bits));
            if (swapped) std::reverse(raw, raw + sizeof(Bits));
            Bits bits;
            std::memcpy(&bits, raw, sizeof(Bits));
            *to++ = E::value(bits);
        }
        left -= count;
    }
    return t;
}

/// Unsigned 64-bit numbers, of which i64 can hold the lower half.
Tensor convert_u64(const NextBytes& next, const Shape& shape, bool swapped, const Source& source) {
    const Tensor t = convert<Plain<std::uint64_t, std::int64_t>>(next, shape, swapped, source);
    for (const std::int64_t x : t.data<std::int64_t>())
        if (x < 0)
            source.fail("an unsigned number of 64 bits must fit i64, as which it is read, got " +
                        std::to_string(static_cast<std::uint64_t>(x)));
    return t;
}

}  // namespace

std::int64_t size_of(Element element) {
    constexpr std::int64_t sizes[] = {2, 2, 4, 8, 1, 1, 2, 2, 4, 4, 8, 8, 1};
    return sizes[static_cast<int>(element)];
}

DType dtype_of(Element element) {
    constexpr DType types[] = {DType::f32, DType::f32, DType::f32, DType::f64, DType::i32, DType::i32,    DType::i32,
                               DType::i32, DType::i32, DType::i64, DType::i64, DType::i64, DType::boolean};
    return types[static_cast<int>(element)];
}

Element element_of(DType dtype) {
    constexpr Element elements[] = {Element::f32, Element::f64, Element::i32, Element::i64, Element::boolean};
    return elements[static_cast<int>(dtype)];
}

std::optional<std::int64_t> bytes_of(const Shape& shape, Element element) {
    std::int64_t bound = 1;
    for (const std::int64_t n : shape) {
        if (n < 0 || (n > 0 && bound > (std::int64_t{1} << 46) / n)) return std::nullopt;
        bound *= std::max<std::int64_t>(n, 1);
    }
    return shape.size() * size_of(element);
}

Tensor decode(const NextBytes& next, Element element, const Shape& shape, bool swapped, const Source& source) {
    switch (element) {
        case Element::f16: return convert<Half>(next, shape, swapped, source);
        case Element::bf16: return convert<BFloat>(next, shape, swapped, source);
        case Element::f32: return convert<Plain<float, float>>(next, shape, swapped, source);
        case Element::f64: return convert<Plain<double, double>>(next, shape, swapped, source);
        case Element::i8: return convert<Plain<std::int8_t, std::int32_t>>(next, shape, swapped, source);
        case Element::u8: return convert<Plain<std::uint8_t, std::int32_t>>(next, shape, swapped, source);
        case Element::i16: return convert<Plain<std::int16_t, std::int32_t>>(next, shape, swapped, source);
        case Element::u16: return convert<Plain<std::uint16_t, std::int32_t>>(next, shape, swapped, source);
        case Element::i32: return convert<Plain<std::int32_t, std::int32_t>>(next, shape, swapped, source);
        case Element::u32: return convert<Plain<std::uint32_t, std::int64_t>>(next, shape, swapped, source);
        case Element::i64: return convert<Plain<std::int64_t, std::int64_t>>(next, shape, swapped, source);
        case Element::u64: return convert_u64(next, shape, swapped, source);
        case Element::boolean: break;
    }
    return convert<Byte>(next, shape, swapped, source);
}

Tensor decode(std::span<const std::byte> bytes, Element element, const Shape& shape, bool swapped,
              const Source& source) {
    const NextBytes next = [&](void* into, std::size_t count) {
        std::memcpy(into, bytes.data(), count);
        bytes = bytes.subspan(count);
    };
    return decode(next, element, shape, swapped, source);
}

std::span<const std::byte> bytes_of(const Tensor& t) {
    switch (t.dtype()) {
        case DType::f32: return std::as_bytes(t.data<float>());
        case DType::f64: return std::as_bytes(t.data<double>());
        case DType::i32: return std::as_bytes(t.data<std::int32_t>());
        case DType::i64: return std::as_bytes(t.data<std::int64_t>());
        case DType::boolean: break;
    }
    return std::as_bytes(t.data<bool>());
}

}  // namespace xgrad::nn::detail
