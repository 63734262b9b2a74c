#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

// Byte-pair encoding as BytePairVocabulary describes it, and what WordPieceVocabulary shares of it: for use inside the
// library.

namespace xgrad::nn::detail {

using BytePair = std::pair<std::int32_t, std::int32_t>;

inline constexpr std::size_t max_word = 128;

/// The word that a text, which is not empty, begins with.
std::string_view first_word(std::string_view text);

/// A word of a text as tokens, and how often it comes.
struct CountedWord {
    std::vector<std::int32_t> tokens;
    std::int64_t count;
};
/// Joins the most frequent pair of neighbours, the smallest of several, in all words, again and again, until none comes
/// twice: token_of(pair) says which token it becomes; a negative one ends it.
void join_pairs(std::vector<CountedWord> words, const std::function<std::int32_t(BytePair)>& token_of);

/// What becomes token 256, 257, …: at most `count` pairs.
std::vector<BytePair> learn_byte_pairs(std::string_view text, std::size_t count);

constexpr std::uint64_t key_of(BytePair pair) {
    return static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint32_t>(pair.second);
}

}  // namespace xgrad::nn::detail
