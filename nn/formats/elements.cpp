#include "elements.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <type_traits>

namespace xgrad::nn::detail {

namespace {

/// A number of 16 bits that stands for an f32.
struct Half {
    using Bits = std::uint16_t;
    static float value(Bits h) {
        const std::uint32_t sign = std::uint32_t{h} >> 15 << 31, exponent = h >> 10 & 31, fraction = h & 1023;
        // Zeros and subnormals: fraction times 2^-24, exact in f32.
        if (exponent == 0) return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
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
/// An element of C++ type From, kept as To.
template <class From, class To>
struct Plain {
    using Bits = From;
    static To value(From x) { return static_cast<To>(x); }
};

template <class E>
Tensor convert(std::span<const std::byte> bytes, const Shape& shape, bool swapped) {
    using Bits = typename E::Bits;
    using To = decltype(E::value(Bits()));
    const std::size_t count = bytes.size() / sizeof(Bits);
    if (std::is_same_v<Bits, To> && !swapped)
        return xgrad::detail::from_data(bytes.data(), static_cast<std::int64_t>(count), xgrad::dtype_of<To>(), shape, {});
    const std::unique_ptr<To[]> values(new To[count]);  // not a vector: that of bool is none
    for (std::size_t i = 0; i < count; ++i) {
        std::byte raw[sizeof(Bits)];
        std::memcpy(raw, bytes.data() + i * sizeof(Bits), sizeof(Bits));
        if (swapped) std::reverse(raw, raw + sizeof(Bits));
        Bits bits;
        std::memcpy(&bits, raw, sizeof(Bits));
        values[i] = E::value(bits);
    }
    return xgrad::detail::from_data(values.get(), static_cast<std::int64_t>(count), xgrad::dtype_of<To>(), shape, {});
}

}  // namespace

std::int64_t size_of(Element element) {
    constexpr std::int64_t sizes[] = {2, 2, 4, 8, 1, 1, 2, 2, 4, 4, 8, 1};
    return sizes[static_cast<int>(element)];
}

DType dtype_of(Element element) {
    constexpr DType types[] = {DType::f32, DType::f32, DType::f32, DType::f64, DType::i32, DType::i32,
                               DType::i32, DType::i32, DType::i32, DType::i64, DType::i64, DType::boolean};
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

Tensor decode(std::span<const std::byte> bytes, Element element, const Shape& shape, bool swapped) {
    switch (element) {
        case Element::f16: return convert<Half>(bytes, shape, swapped);
        case Element::bf16: return convert<BFloat>(bytes, shape, swapped);
        case Element::f32: return convert<Plain<float, float>>(bytes, shape, swapped);
        case Element::f64: return convert<Plain<double, double>>(bytes, shape, swapped);
        case Element::i8: return convert<Plain<std::int8_t, std::int32_t>>(bytes, shape, swapped);
        case Element::u8: return convert<Plain<std::uint8_t, std::int32_t>>(bytes, shape, swapped);
        case Element::i16: return convert<Plain<std::int16_t, std::int32_t>>(bytes, shape, swapped);
        case Element::u16: return convert<Plain<std::uint16_t, std::int32_t>>(bytes, shape, swapped);
        case Element::i32: return convert<Plain<std::int32_t, std::int32_t>>(bytes, shape, swapped);
        case Element::u32: return convert<Plain<std::uint32_t, std::int64_t>>(bytes, shape, swapped);
        case Element::i64: return convert<Plain<std::int64_t, std::int64_t>>(bytes, shape, swapped);
        case Element::boolean: break;
    }
    return convert<Byte>(bytes, shape, swapped);
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
