#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <autodiff/core/tensor.hpp>

#include "files.hpp"

// Element types of files, and tensors from their bytes: internal to the library.

namespace xgrad::nn::detail {

enum class Element : std::uint8_t { f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, boolean };

/// Bytes of one element in a file.
std::int64_t size_of(Element element);
/// The dtype in memory: f32 for the half types, i32 for the integers of 8 and 16 bits, i64 for u32 and u64, otherwise
/// the same type.
DType dtype_of(Element element);
Element element_of(DType dtype);

/// Bytes of a tensor in a file; nullopt when the shape has a negative size or more than the 2^46 elements that a tensor
/// can have, even if another size is zero.
std::optional<std::int64_t> bytes_of(const Shape& shape, Element element);

/// Copies the next bytes of some data to `into`.
using NextBytes = std::function<void(void* into, std::size_t bytes)>;

/// The tensor whose elements come next, in row-major order; bytes_of returns how many bytes are read. Little memory is
/// needed besides the tensor itself. `swapped`: the bytes of each element are in the opposite order to this machine's.
/// A bool is true for every byte except 0. FormatError for a u64 that i64 cannot hold.
Tensor decode(const NextBytes& next, Element element, const Shape& shape, bool swapped, const Source& source);
/// The same from bytes in memory.
Tensor decode(std::span<const std::byte> bytes, Element element, const Shape& shape, bool swapped,
              const Source& source);

/// A tensor's elements as bytes, in this machine's order.
std::span<const std::byte> bytes_of(const Tensor& t);

}  // namespace xgrad::nn::detail
