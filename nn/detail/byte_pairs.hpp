#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

// Byte-pair encoding as BytePairVocabulary describes it, and the parts of it that WordPieceVocabulary shares: internal
// to the library.

namespace xgrad::nn::detail {

using BytePair = std::pair<std::int32_t, std::int32_t>;

inline constexpr std::size_t max_word = 128;

/// The first word of a non-empty text.
std::string_view first_word(std::string_view text);

/// A word of a text as tokens, and how often it occurs.
struct CountedWord {
    std::vector<std::int32_t> tokens;
    std::int64_t count;
};
/// Merges the most frequent pair of neighbours (the smallest, if several) in all words, repeatedly, until no pair
/// occurs twice. token_of(pair) returns the token that the pair becomes; a negative token ends the merging.
void join_pairs(std::vector<CountedWord> words, const std::function<std::int32_t(BytePair)>& token_of);

/// The pairs that become tokens 256, 257, …: at most `count`.
std::vector<BytePair> learn_byte_pairs(std::string_view text, std::size_t count);

constexpr std::uint64_t key_of(BytePair pair) {
    return static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint32_t>(pair.second);
}

}  // namespace xgrad::nn::detail
