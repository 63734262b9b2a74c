#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

// Byte-pair encoding as BytePairVocabulary describes it: for use inside the library.

namespace xgrad::nn::detail {

using BytePair = std::pair<std::int32_t, std::int32_t>;

inline constexpr std::size_t max_word = 128;

/// The word that a text, which is not empty, begins with.
std::string_view first_word(std::string_view text);

/// What becomes token 256, 257, …: at most `count` pairs.
std::vector<BytePair> learn_byte_pairs(std::string_view text, std::size_t count);

constexpr std::uint64_t key_of(BytePair pair) {
    return static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint32_t>(pair.second);
}

}  // namespace xgrad::nn::detail
