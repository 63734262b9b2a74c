#pragma once

#include <cstddef>
#include <string_view>

// Internal to the library.

namespace xgrad::nn::detail {

/// Bytes of the code point that begins at `at`; 0 when none does: overlong forms, surrogates and values beyond the last
/// code point are invalid.
std::size_t utf8_length(std::string_view text, std::size_t at);
/// The first byte where no code point begins; the text's size when all of it is UTF-8.
std::size_t utf8_valid(std::string_view text);

}  // namespace xgrad::nn::detail
