#include <map>
#include <set>
#include <unordered_map>

#include "nn/detail/byte_pairs.hpp"
#include "nn/detail/files.hpp"
#include "nn/detail/utf8.hpp"
#include "nn/detail/vocabulary_file.hpp"
#include "vocabulary.hpp"

namespace xgrad::nn {

namespace {

constexpr const char* unknown = "[UNK]";
constexpr std::size_t longest = 100;

enum class Kind { space, nothing, alone, letter };

char32_t code_point(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first;
    char32_t code = first & (0xffu >> (character.size() + 1));
    for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3fu);
    return code;
}

Kind kind_of(char32_t c) {
    const auto in = [c](char32_t from, char32_t to) { return c >= from && c <= to; };
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || in(0x2000, 0x200a) || c == 0x2028 ||
        c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000)
        return Kind::space;
    if (c < ' ' || in(0x7f, 0x9f) || c == 0xad || in(0x200b, 0x200f) || in(0x202a, 0x202e) || in(0x2060, 0x2064) ||
        c == 0xfeff || c == 0xfffd)
        return Kind::nothing;
    if (in('!', '/') || in(':', '@') || in('[', '`') || in('{', '~') || c == 0xa1 || c == 0xa7 || c == 0xab ||
        c == 0xb6 || c == 0xb7 || c == 0xbb || c == 0xbf || in(0x2010, 0x2027) ||
        (in(0x2030, 0x205e) && c != 0x2044 && c != 0x2052) || in(0x3001, 0x3003) || in(0x3008, 0x3011))
        return Kind::alone;
    const bool chinese =
        in(0x4e00, 0x9fff) || in(0x3400, 0x4dbf) || in(0xf900, 0xfaff) || in(0x20000, 0x2ceaf) || in(0x2f800, 0x2fa1f);
    return chinese ? Kind::alone : Kind::letter;
}

using Characters = std::vector<std::string>;

/// The words of a text, each as a list of characters.
std::vector<Characters> words_of(std::string_view text, const WordPieceOptions& options, Location where) {
    const std::size_t valid = detail::utf8_valid(text);
    check<ValueError>(valid == text.size(), where, [&] {
        return "WordPieceVocabulary: texts must be UTF-8, which this one is not at byte " + std::to_string(valid);
    });
    std::vector<Characters> words;
    bool inside = false;
    for (std::size_t at = 0, length; at < text.size(); at += length) {
        length = detail::utf8_length(text, at);
        std::string character(text.substr(at, length));
        const Kind kind = kind_of(code_point(character));
        if (kind == Kind::nothing) continue;
        if (kind != Kind::space) {
            if (!inside || kind == Kind::alone) words.emplace_back();
            if (options.lower_case && character[0] >= 'A' && character[0] <= 'Z')
                character[0] = static_cast<char>(character[0] - 'A' + 'a');
            words.back().push_back(std::move(character));
        }
        inside = kind == Kind::letter;
    }
    return words;
}

}  // namespace

struct WordPieceVocabulary::Data {
    explicit Data(const WordPieceOptions& o) : options(o) {}

    /// The token's id; adds the token if it is new.
    std::int32_t add(const std::string& token) {
        const auto [entry, is_new] = ids.try_emplace(token, static_cast<std::int32_t>(tokens.size()));
        if (is_new) tokens.push_back(token);
        return entry->second;
    }

    void encode(const Characters& word, std::vector<std::int64_t>& to) const {
        const std::size_t before = to.size();
        for (std::size_t from = 0, end; from < word.size() && word.size() <= longest; from = end) {
            std::string piece = from == 0 ? "" : "##";
            std::int32_t best = -1;
            end = from;
            for (std::size_t i = from; i < word.size(); ++i) {
                piece += word[i];
                const auto found = ids.find(piece);
                if (found == ids.end()) continue;
                best = found->second;
                end = i + 1;
            }
            if (best < 0) {
                to.resize(before);
                break;
            }
            to.push_back(best);
        }
        if (to.size() == before) to.push_back(ids.at(unknown));
    }

    WordPieceOptions options;
    std::vector<std::string> tokens;
    std::unordered_map<std::string, std::int32_t> ids;
};

WordPieceVocabulary::WordPieceVocabulary(std::string_view text, std::int64_t size, const WordPieceOptions& options,
                                         Location where) {
    std::map<Characters, std::int64_t> counts;
    for (Characters& word : words_of(text, options, where)) ++counts[std::move(word)];
    const auto data = std::make_shared<Data>(options);
    for (const char* special : {"[PAD]", unknown, "[CLS]", "[SEP]", "[MASK]"}) data->add(special);
    std::set<std::string> first, later;
    for (const auto& [word, count] : counts) {
        first.insert(word[0]);
        for (std::size_t i = 1; i < word.size(); ++i) later.insert("##" + word[i]);
    }
    for (const auto& pieces : {first, later})
        for (const std::string& piece : pieces) data->add(piece);
    const auto least = static_cast<std::int64_t>(data->tokens.size());
    check<ValueError>(size >= least && size <= (1 << 24), where, [&] {
        return "WordPieceVocabulary: size must be in [" + std::to_string(least) +
               ", 16777216] for the characters of this text, got " + std::to_string(size);
    });
    std::vector<detail::CountedWord> words;
    for (const auto& [word, count] : counts) {
        words.push_back({{}, count});
        for (std::size_t i = 0; i < word.size(); ++i)
            words.back().tokens.push_back(data->ids.at((i == 0 ? "" : "##") + word[i]));
    }
    detail::join_pairs(std::move(words), [&](detail::BytePair pair) {
        if (static_cast<std::int64_t>(data->tokens.size()) == size) return -1;
        return data->add(data->tokens[static_cast<std::size_t>(pair.first)] +
                         data->tokens[static_cast<std::size_t>(pair.second)].substr(2));
    });
    data_ = data;
}

std::int64_t WordPieceVocabulary::size() const { return static_cast<std::int64_t>(data_->tokens.size()); }

Tensor WordPieceVocabulary::encode(std::string_view text, Location where) const {
    std::vector<std::int64_t> ids;
    for (const Characters& word : words_of(text, data_->options, where)) data_->encode(word, ids);
    return tensor(ids);
}

std::string WordPieceVocabulary::decode(const Tensor& ids, Location where) const {
    std::vector<std::string> parts;
    for (const std::string& token : data_->tokens)
        parts.push_back(token.size() > 2 && token.starts_with("##") ? token.substr(2) : ' ' + token);
    std::string text = detail::join(parts, ids, where);
    if (text.starts_with(' ')) text.erase(0, 1);
    return text;
}

std::int64_t WordPieceVocabulary::id_of(std::string_view token, Location where) const {
    const auto found = data_->ids.find(std::string(token));
    check<IndexError>(found != data_->ids.end(), where,
                      [&] { return "WordPieceVocabulary: no token \"" + std::string(token) + '"'; });
    return found->second;
}

void WordPieceVocabulary::save(const std::string& path, Location where) const {
    detail::write_atomically(
        path,
        [&](detail::AtomicFile& file) {
            for (const std::string& token : data_->tokens) file.write(token + '\n');
        },
        where);
}

WordPieceVocabulary WordPieceVocabulary::load(const std::string& path, const WordPieceOptions& options,
                                              Location where) {
    return detail::read_file(path, where, [&](std::span<const std::byte> bytes, const detail::Source& source) {
        return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options, source.name, source.where);
    });
}

WordPieceVocabulary WordPieceVocabulary::parse(std::string_view lines, const WordPieceOptions& options,
                                               const std::string& name, Location where) {
    const detail::Source source{name, where};
    if (detail::utf8_valid(lines) != lines.size()) source.fail("not a vocabulary of word pieces: it is not UTF-8");
    const auto data = std::make_shared<Data>(options);
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        std::string token(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
        if (token.ends_with('\r')) token.pop_back();
        const std::size_t line = data->tokens.size() + 1;
        if (token.empty()) source.fail("line " + std::to_string(line) + " has no token");
        data->add(token);
        if (data->tokens.size() < line)
            source.fail("line " + std::to_string(line) + " has a token that came before: " + token);
    }
    if (!data->ids.contains(unknown)) source.fail("not a vocabulary of word pieces: it has no [UNK]");
    return WordPieceVocabulary(data);
}

}  // namespace xgrad::nn
