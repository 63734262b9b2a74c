#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <autodiff/core/tensor.hpp>

#include "files.hpp"

// Element types of files, and tensors from their bytes: for use inside the library.

namespace xgrad::nn::detail {

enum class Element : std::uint8_t { f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, boolean };

/// Bytes of one element in a file.
std::int64_t size_of(Element element);
/// What it becomes in memory: f32 for the halves, i32 for the integers of 8 and 16 bits, i64 for u32 and u64,
/// otherwise itself.
DType dtype_of(Element element);
Element element_of(DType dtype);

/// Bytes of a tensor in a file; nothing when the shape has a negative size, or more than the 2^46 elements that a
/// tensor can have, zero sizes being no excuse.
std::optional<std::int64_t> bytes_of(const Shape& shape, Element element);

/// Puts the next bytes of some data where they are wanted.
using NextBytes = std::function<void(void* into, std::size_t bytes)>;

/// The tensor whose elements come next, in row-major order; bytes_of says how many bytes that are. Beside the tensor
/// itself little memory is needed. `swapped`: the bytes of each element are in the order that this machine does not
/// use. A bool is true for every byte but 0. FormatError for a u64 that i64 cannot hold.
Tensor decode(const NextBytes& next, Element element, const Shape& shape, bool swapped, const Source& source);
/// The same of bytes in memory.
Tensor decode(std::span<const std::byte> bytes, Element element, const Shape& shape, bool swapped,
              const Source& source);

/// A tensor's elements as bytes, in this machine's order.
std::span<const std::byte> bytes_of(const Tensor& t);

}  // namespace xgrad::nn::detail
