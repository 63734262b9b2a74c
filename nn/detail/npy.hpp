#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "elements.hpp"

// The header of an npy file: internal to the library.

namespace xgrad::nn::detail {

struct NpyHeader {
    Element element = Element::f32;
    bool swapped = false;  ///< the bytes of each element are in the opposite order to this machine's
    bool fortran = false;  ///< elements along the first axis are contiguous
    Shape shape;
    std::size_t length = 0;      ///< bytes before the data
    std::size_t data_bytes = 0;  ///< bytes of data
    std::string unsupported =
        {};  ///< why no tensor can hold the array, whose shape and data are then not checked; "" when one can
    bool numbers = true;           ///< false: an array of texts, objects, records or times
};

/// Enough bytes for the longest header that is read.
inline constexpr std::size_t max_npy_header = 12 + 65536;

/// Reads the header that `bytes`, the beginning of a file of `total` bytes, starts with. FormatError unless it fits the
/// file in every respect.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::uint64_t total, const Source& source);
/// The array for that header, whose data_bytes come next.
Tensor decode_npy(const NpyHeader& header, const NextBytes& next, const Source& source);
std::string format_npy_header(const Tensor& t);

}  // namespace xgrad::nn::detail
