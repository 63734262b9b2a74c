#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <autodiff/core/tensor.hpp>

// The IDX format of the MNIST family: 0, 0, element type, number of axes, then one big-endian 32-bit size per axis,
// then the elements, big-endian. (Y. LeCun, C. Cortes: The MNIST database of handwritten digits.) A file may be
// gzipped.
//
// Errors, each with the user's line: Error when a file cannot be read, ValueError for a path with a zero byte;
// FormatError naming the file when it is not IDX, truncated, damaged, longer than its header says, or has a header that
// claims more than the file can hold. Reading needs little more memory than the result.

namespace xgrad::nn {

/// An array of bytes, such as images and labels.
struct IdxBytes {
    Shape shape;
    std::vector<std::uint8_t> bytes;  ///< row-major
};

struct IdxLimits {
    /// The largest result in memory, in bytes, for a gzipped file, whatever the file's own size: a small one can be
    /// made to expand to a thousand times its size.
    std::int64_t max_bytes = std::int64_t{4} << 30;
};

/// An array of any element type: bytes, signed bytes and 16-bit integers become i32; i32, f32 and f64 are kept.
XGRAD_API Tensor read_idx(const std::string& path, const IdxLimits& limits = {}, Location where = Location::current());
/// The same from bytes in memory; `name` replaces the file name in errors.
XGRAD_API Tensor parse_idx(std::span<const std::byte> file, const std::string& name = "idx",
                           const IdxLimits& limits = {}, Location where = Location::current());
/// An array of unsigned bytes, unconverted, which takes a quarter of the memory. FormatError for another element type.
XGRAD_API IdxBytes read_idx_bytes(const std::string& path, const IdxLimits& limits = {},
                                  Location where = Location::current());

}  // namespace xgrad::nn
