#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <autodiff/core/tensor.hpp>

// Tokenizers: a vocabulary assigns every token an id, 0 … size()-1. Special tokens such as "<pad>" come after the
// others; encode never produces them, whatever the text, and decode writes their names.
//
// save writes a file (JSON, unless stated otherwise): it appears under its name once it is complete and on the disk; if
// anything fails, the old file is kept. Errors, each with the user's line: Error when a file cannot be read or written
// (because it is not a regular file, for example), ValueError for a path with a zero byte, FormatError naming the file
// when it is not such a vocabulary.

namespace xgrad::nn {

struct CharVocabularyOptions {
    std::vector<std::string> special = {};
    std::string unknown = {};  ///< the special token for characters that the vocabulary lacks; without one, unknown
                               ///< characters are an error
};

/// Characters (Unicode code points in UTF-8), in the order of their code points.
class XGRAD_API CharVocabulary {
public:
    /// All characters of a text. ValueError unless it is UTF-8, or for a duplicate special token.
    explicit CharVocabulary(std::string_view text, const CharVocabularyOptions& options = {},
                            Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text's characters: (n) i64. ValueError for a character that the vocabulary lacks, unless there is a
    /// token for unknown characters, or when the text is not UTF-8.
    Tensor encode(std::string_view text, Location where = Location::current()) const;
    /// The text for ids of any shape, in row-major order. IndexError for an id out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a character or special token. IndexError when there is none.
    std::int64_t id_of(std::string_view token, Location where = Location::current()) const;

    void save(const std::string& path, Location where = Location::current()) const;
    static CharVocabulary load(const std::string& path, Location where = Location::current());
    static CharVocabulary parse(std::string_view json, const std::string& name = "vocabulary",
                                Location where = Location::current());

private:
    struct Data;
    explicit CharVocabulary(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

struct BytePairOptions {
    std::vector<std::string> special = {};
};

/// Byte-pair encoding (Sennrich, Haddow, Birch 2016) of bytes (as in Radford et al. 2019): ids 0 … 255 are the bytes,
/// and each further id is a pair of earlier ones. Any text can be encoded, and decoding restores it exactly.
///
/// Tokens do not cross word boundaries: a word is one space and letters, digits or bytes above 127; or one space and
/// other characters; or spaces and line ends. Longer words are cut after 128 bytes.
class XGRAD_API BytePairVocabulary {
public:
    /// Learns from a text: the most frequent pair of tokens in it (of several, the one with the smallest ids) becomes a
    /// token, repeatedly, until there are `size` tokens, not counting special ones, or until no pair occurs twice.
    /// ValueError unless size >= 256.
    BytePairVocabulary(std::string_view text, std::int64_t size, const BytePairOptions& options = {},
                       Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text: (n) i64. Pairs are merged in the order in which they were learned.
    Tensor encode(std::string_view text) const;
    /// The text for ids of any shape, in row-major order. IndexError for an id out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a special token. IndexError when there is none.
    std::int64_t id_of(std::string_view special, Location where = Location::current()) const;

    void save(const std::string& path, Location where = Location::current()) const;
    static BytePairVocabulary load(const std::string& path, Location where = Location::current());
    static BytePairVocabulary parse(std::string_view json, const std::string& name = "vocabulary",
                                    Location where = Location::current());

private:
    struct Data;
    explicit BytePairVocabulary(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

struct WordPieceOptions {
    bool lower_case = true;  ///< capitals A to Z are converted to lower case, as "uncased" models require
};

/// WordPiece (Schuster, Nakajima 2012) as in BERT (Devlin et al. 2018): tokens are words and pieces of words; pieces
/// that do not begin a word are written with ## before them: "begetting" may be "beget ##ting".
///
/// Words end at spaces; each punctuation mark and each Chinese character is its own word; control characters are left
/// out. A word is split into the longest piece that it begins with, then the longest that the rest begins with, and so
/// on; a word that cannot be split this way, or has more than 100 characters, is [UNK]. Beyond ASCII, letters are
/// unchanged: neither case nor accents are altered.
///
/// Its file is BERT's vocab.txt: one token per line; the line number, from 0, is the token's id.
class XGRAD_API WordPieceVocabulary {
public:
    /// Learns from a text: [PAD], [UNK], [CLS], [SEP] and [MASK], then all characters, both at the beginning of a word
    /// and inside one, then the result of merging the most frequent pair of neighbouring pieces, repeatedly, until
    /// there are `size` tokens, or until no pair occurs twice. ValueError unless the text is UTF-8, or when its
    /// characters alone are more than `size`.
    WordPieceVocabulary(std::string_view text, std::int64_t size, const WordPieceOptions& options = {},
                        Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text: (n) i64, without [CLS] and [SEP]. ValueError unless it is UTF-8.
    Tensor encode(std::string_view text, Location where = Location::current()) const;
    /// The words for ids of any shape, in row-major order, separated by spaces. IndexError for an id out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a token, e.g. "[MASK]" or "##ing". IndexError when there is none.
    std::int64_t id_of(std::string_view token, Location where = Location::current()) const;

    /// The options are not saved in the file.
    void save(const std::string& path, Location where = Location::current()) const;
    static WordPieceVocabulary load(const std::string& path, const WordPieceOptions& options = {},
                                    Location where = Location::current());
    static WordPieceVocabulary parse(std::string_view lines, const WordPieceOptions& options = {},
                                     const std::string& name = "vocabulary", Location where = Location::current());

private:
    struct Data;
    explicit WordPieceVocabulary(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
    std::shared_ptr<const Data> data_;
};

}  // namespace xgrad::nn
