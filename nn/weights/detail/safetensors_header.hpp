#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/detail/elements.hpp"
#include "nn/weights/safetensors.hpp"

// The header of a safetensors file: internal to the library.

namespace xgrad::nn::detail {

struct SafetensorsEntry {
    std::string name = {};
    Element element = {};
    Shape shape = {};
    std::uint64_t begin = 0, end = 0;  ///< in bytes, from the end of the header
    std::string unsupported = {};  ///< why no tensor can hold this entry, whose size is then not checked; "" when one
                                   ///< can
};
struct SafetensorsHeader {
    std::vector<SafetensorsEntry> entries;
    Metadata metadata;
};

/// FormatError unless the text is a header that fits `data_bytes` bytes of tensors in every respect.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const Source& source);
/// The header's text, padded with spaces so that the tensors after it start at a multiple of 8 bytes.
std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace xgrad::nn::detail
