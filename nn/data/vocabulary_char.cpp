#include <algorithm>
#include <set>
#include <unordered_map>

#include "nn/detail/files.hpp"
#include "nn/detail/utf8.hpp"
#include "nn/detail/vocabulary_file.hpp"
#include "vocabulary.hpp"

namespace xgrad::nn {

struct CharVocabulary::Data {
    Data(std::vector<std::string> characters, const CharVocabularyOptions& options)
        : tokens(std::move(characters)), ordinary(tokens.size()) {
        tokens.insert(tokens.end(), options.special.begin(), options.special.end());
        if (!options.unknown.empty()) {
            const auto at =
                std::find(options.special.begin(), options.special.end(), options.unknown) - options.special.begin();
            unknown = static_cast<std::int64_t>(ordinary) + at;
            if (unknown == static_cast<std::int64_t>(tokens.size())) tokens.push_back(options.unknown);
        }
        for (std::size_t i = 0; i < tokens.size(); ++i) ids.emplace(tokens[i], static_cast<std::int64_t>(i));
    }
    Data(const Data&) = delete;  // ids refers into tokens
    Data& operator=(const Data&) = delete;

    std::vector<std::string> tokens;
    std::size_t ordinary;       // number of tokens that are characters
    std::int64_t unknown = -1;  // none
    std::unordered_map<std::string_view, std::int64_t> ids;  // a character takes precedence over a special token of the
                                                             // same name
};

namespace {

void check_utf8(std::string_view text, Location where) {
    const std::size_t valid = detail::utf8_valid(text);
    check<ValueError>(valid == text.size(), where, [&] {
        return "CharVocabulary: texts must be UTF-8, which this one is not at byte " + std::to_string(valid);
    });
}

std::vector<std::string> characters_of(std::string_view text) {
    std::set<std::string_view> found;
    for (std::size_t at = 0, length; at < text.size(); at += length) {
        length = detail::utf8_length(text, at);
        found.insert(text.substr(at, length));
    }
    return {found.begin(), found.end()};  // UTF-8 sorts in the order of its code points
}

}  // namespace

CharVocabulary::CharVocabulary(std::string_view text, const CharVocabularyOptions& options, Location where) {
    check_utf8(text, where);
    detail::check_special(options.special, where);
    detail::check_special({options.unknown}, where);
    data_ = std::make_shared<const Data>(characters_of(text), options);
}

std::int64_t CharVocabulary::size() const { return static_cast<std::int64_t>(data_->tokens.size()); }

Tensor CharVocabulary::encode(std::string_view text, Location where) const {
    check_utf8(text, where);
    std::vector<std::int64_t> ids;
    for (std::size_t at = 0, length; at < text.size(); at += length) {
        length = detail::utf8_length(text, at);
        const auto found = data_->ids.find(text.substr(at, length));
        const bool known = found != data_->ids.end() && found->second < static_cast<std::int64_t>(data_->ordinary);
        check<ValueError>(known || data_->unknown >= 0, where, [&] {
            return "CharVocabulary: the text must have only characters of the vocabulary, got \"" +
                   std::string(text.substr(at, length)) + '"';
        });
        ids.push_back(known ? found->second : data_->unknown);
    }
    return tensor(ids);
}

std::string CharVocabulary::decode(const Tensor& ids, Location where) const {
    return detail::join(data_->tokens, ids, where);
}

std::int64_t CharVocabulary::id_of(std::string_view token, Location where) const {
    const auto found = data_->ids.find(token);
    check<IndexError>(found != data_->ids.end(), where,
                      [&] { return "CharVocabulary: no token \"" + std::string(token) + '"'; });
    return found->second;
}

namespace {

constexpr const char* type = "characters";

}  // namespace

void CharVocabulary::save(const std::string& path, Location where) const {
    const auto& tokens = data_->tokens;
    const auto border = tokens.begin() + static_cast<std::ptrdiff_t>(data_->ordinary);
    nlohmann::json json{{"type", type},
                        {"characters", std::vector<std::string>(tokens.begin(), border)},
                        {"special", std::vector<std::string>(border, tokens.end())}};
    if (data_->unknown >= 0) json["unknown"] = tokens[static_cast<std::size_t>(data_->unknown)];
    detail::save_vocabulary(path, json, where);
}

CharVocabulary CharVocabulary::load(const std::string& path, Location where) {
    return detail::read_file(path, where, [&](std::span<const std::byte> bytes, const detail::Source& source) {
        return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source.name, source.where);
    });
}

CharVocabulary CharVocabulary::parse(std::string_view text, const std::string& name, Location where) {
    const detail::Source source{name, where};
    const nlohmann::json json = detail::parse_vocabulary(text, source, type);
    std::vector<std::string> characters = detail::texts_of(json, "characters", source);
    for (const std::string& character : characters)
        if (character.empty() || detail::utf8_length(character, 0) != character.size())
            source.fail("characters must have one code point each, got \"" + character + '"');
    CharVocabularyOptions options{.special = detail::texts_of(json, "special", source)};
    if (const auto unknown = json.find("unknown"); unknown != json.end()) {
        if (!unknown->is_string()) source.fail("unknown must be a text");
        options.unknown = unknown->get<std::string>();
    }
    return CharVocabulary(std::make_shared<const Data>(std::move(characters), options));
}

}  // namespace xgrad::nn
