#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <autodiff/tensor.hpp>

// Texts as numbers: a vocabulary gives every token an id, 0 … size()-1. Special tokens such as "<pad>" come behind the others; encode never
// produces them, whatever the text, and decode writes their names.
//
// save writes a file of JSON: it appears under its name when it is whole and on the disk, and if anything fails, the old one stands. Errors, each
// with the user's line: Error when a file cannot be read or written (it is no regular file, for one), ValueError for a path with a zero byte,
// FormatError naming the file when it is no such vocabulary.

namespace xgrad::nn {

struct CharVocabularyOptions {
    std::vector<std::string> special = {};
    std::string unknown = {};  ///< the special token for characters that the vocabulary lacks; without one they are an error
};

/// Characters (Unicode code points in UTF-8), in the order of their code points.
class XGRAD_API CharVocabulary {
public:
    /// All characters of a text. ValueError unless it is UTF-8, or when a special token's name comes twice.
    explicit CharVocabulary(std::string_view text, const CharVocabularyOptions& options = {}, Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text's characters: (n) i64. ValueError for one that the vocabulary lacks, unless there is a token for unknown ones; or when
    /// the text is not UTF-8.
    Tensor encode(std::string_view text, Location where = Location::current()) const;
    /// The text of ids of any shape, in row-major order. IndexError for one out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a character or special token. IndexError when there is none.
    std::int64_t id_of(std::string_view token, Location where = Location::current()) const;

    void save(const std::string& path, Location where = Location::current()) const;
    static CharVocabulary load(const std::string& path, Location where = Location::current());
    static CharVocabulary parse(std::string_view json, const std::string& name = "vocabulary", Location where = Location::current());

private:
    struct Data;
    explicit CharVocabulary(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

struct BytePairOptions {
    std::vector<std::string> special = {};
};

/// Byte-pair encoding (Sennrich, Haddow, Birch 2016) of bytes (as in Radford et al. 2019): ids 0 … 255 are the bytes, and each further one
/// stands for a pair of earlier ones. Any text can be encoded, and comes back exactly as it was.
///
/// Tokens do not cross the borders of words: a word is one space and letters, digits or bytes above 127; or one space and other signs; or
/// spaces and line ends. Longer ones are cut after 128 bytes.
class XGRAD_API BytePairVocabulary {
public:
    /// Learns from a text: the pair of tokens that is most frequent in it (of several, the one with the smallest ids) becomes a token, again
    /// and again, until there are `size`, special ones not counted, or until no pair comes twice. ValueError unless size >= 256.
    BytePairVocabulary(std::string_view text, std::int64_t size, const BytePairOptions& options = {}, Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text: (n) i64. Pairs are joined in the order in which they were learned.
    Tensor encode(std::string_view text) const;
    /// The text of ids of any shape, in row-major order. IndexError for one out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a special token. IndexError when there is none.
    std::int64_t id_of(std::string_view special, Location where = Location::current()) const;

    void save(const std::string& path, Location where = Location::current()) const;
    static BytePairVocabulary load(const std::string& path, Location where = Location::current());
    static BytePairVocabulary parse(std::string_view json, const std::string& name = "vocabulary", Location where = Location::current());

private:
    struct Data;
    explicit BytePairVocabulary(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

}  // namespace xgrad::nn
