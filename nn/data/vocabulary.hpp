#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <autodiff/core/tensor.hpp>

// Texts as numbers: a vocabulary gives every token an id, 0 … size()-1. Special tokens such as "<pad>" come behind the
// others; encode never produces them, whatever the text, and decode writes their names.
//
// save writes a file (of JSON, unless said otherwise): it appears under its name when it is whole and on the disk, and
// if anything fails, the old one stands. Errors, each with the user's line: Error when a file cannot be read or written
// (it is no regular file, for one), ValueError for a path with a zero byte, FormatError naming the file when it is no
// such vocabulary.

namespace xgrad::nn {

struct CharVocabularyOptions {
    std::vector<std::string> special = {};
    std::string unknown =
        {};  ///< the special token for characters that the vocabulary lacks; without one they are an error
};

/// Characters (Unicode code points in UTF-8), in the order of their code points.
class XGRAD_API CharVocabulary {
public:
    /// All characters of a text. ValueError unless it is UTF-8, or when a special token's name comes twice.
    explicit CharVocabulary(std::string_view text, const CharVocabularyOptions& options = {},
                            Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text's characters: (n) i64. ValueError for one that the vocabulary lacks, unless there is a token
    /// for unknown ones; or when the text is not UTF-8.
    Tensor encode(std::string_view text, Location where = Location::current()) const;
    /// The text of ids of any shape, in row-major order. IndexError for one out of range.
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
/// and each further one stands for a pair of earlier ones. Any text can be encoded, and comes back exactly as it was.
///
/// Tokens do not cross the borders of words: a word is one space and letters, digits or bytes above 127; or one space
/// and other signs; or spaces and line ends. Longer ones are cut after 128 bytes.
class XGRAD_API BytePairVocabulary {
public:
    /// Learns from a text: the pair of tokens that is most frequent in it (of several, the one with the smallest ids)
    /// becomes a token, again and again, until there are `size`, special ones not counted, or until no pair comes
    /// twice. ValueError unless size >= 256.
    BytePairVocabulary(std::string_view text, std::int64_t size, const BytePairOptions& options = {},
                       Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text: (n) i64. Pairs are joined in the order in which they were learned.
    Tensor encode(std::string_view text) const;
    /// The text of ids of any shape, in row-major order. IndexError for one out of range.
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
    bool lower_case = true;  ///< capitals A to Z are read as small letters, as "uncased" models want it
};

/// WordPiece (Schuster, Nakajima 2012) as BERT (Devlin et al. 2018) has it: words, and pieces of words, of which those
/// that do not begin a word are written with ## before them: "begetting" may be "beget ##ting".
///
/// Words end at spaces; a sign of punctuation and a Chinese character are words of their own; control characters are
/// left out. A word is the longest piece that it begins with, then the longest that the rest begins with, and so on;
/// one that cannot be put together so, or has more than 100 characters, is [UNK]. Beyond ASCII letters stay as they
/// are: neither case nor accents are changed.
///
/// Its file is BERT's vocab.txt: a token in each line, whose number, from 0, is its id.
class XGRAD_API WordPieceVocabulary {
public:
    /// Learns from a text: [PAD], [UNK], [CLS], [SEP] and [MASK], then all characters, at a word's beginning and behind
    /// it, then what the most frequent pair of neighbouring pieces gives when it is joined, again and again, until
    /// there are `size`, or until no pair comes twice. ValueError unless the text is UTF-8, or when its characters
    /// alone are more than `size`.
    WordPieceVocabulary(std::string_view text, std::int64_t size, const WordPieceOptions& options = {},
                        Location where = Location::current());

    std::int64_t size() const;
    /// The ids of a text: (n) i64, without [CLS] and [SEP]. ValueError unless it is UTF-8.
    Tensor encode(std::string_view text, Location where = Location::current()) const;
    /// The words of ids of any shape, in row-major order, with a space between them. IndexError for one out of range.
    std::string decode(const Tensor& ids, Location where = Location::current()) const;
    /// The id of a token, say "[MASK]" or "##ing". IndexError when there is none.
    std::int64_t id_of(std::string_view token, Location where = Location::current()) const;

    /// The options are no part of the file.
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
