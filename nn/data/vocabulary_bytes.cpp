#include <algorithm>
#include <unordered_map>

#include "nn/detail/byte_pairs.hpp"
#include "nn/detail/files.hpp"
#include "nn/detail/vocabulary_file.hpp"
#include "vocabulary.hpp"

namespace xgrad::nn {

struct BytePairVocabulary::Data {
    Data(std::vector<detail::BytePair> learned, const std::vector<std::string>& special) : pairs(std::move(learned)) {
        for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
        for (const auto& pair : pairs) {
            ids.emplace(detail::key_of(pair), static_cast<std::int32_t>(tokens.size()));
            tokens.push_back(tokens[static_cast<std::size_t>(pair.first)] +
                             tokens[static_cast<std::size_t>(pair.second)]);
        }
        tokens.insert(tokens.end(), special.begin(), special.end());
    }
    std::size_t ordinary() const { return 256 + pairs.size(); }

    /// A word's tokens: of all neighbouring pairs that are tokens, the pair that was learned first is merged, until no
    /// such pair is left.
    std::vector<std::int32_t> encode(std::string_view word) const {
        std::vector<std::int32_t> found;
        for (const char c : word) found.push_back(static_cast<unsigned char>(c));
        for (;;) {
            std::int32_t first = -1;
            for (std::size_t i = 0; i + 1 < found.size(); ++i)
                if (const auto pair = ids.find(detail::key_of({found[i], found[i + 1]})); pair != ids.end())
                    if (first < 0 || pair->second < first) first = pair->second;
            if (first < 0) return found;
            const detail::BytePair pair = pairs[static_cast<std::size_t>(first) - 256];
            std::size_t to = 0;
            for (std::size_t from = 0; from < found.size(); ++to) {
                const bool here =
                    from + 1 < found.size() && found[from] == pair.first && found[from + 1] == pair.second;
                found[to] = here ? first : found[from];
                from += here ? 2 : 1;
            }
            found.resize(to);
        }
    }

    std::vector<detail::BytePair> pairs;
    std::vector<std::string> tokens;
    std::unordered_map<std::uint64_t, std::int32_t> ids;
};

BytePairVocabulary::BytePairVocabulary(std::string_view text, std::int64_t size, const BytePairOptions& options,
                                       Location where) {
    check<ValueError>(size >= 256 && size <= (1 << 24), where, [&] {
        return "BytePairVocabulary: size must be in [256, 16777216], got " + std::to_string(size);
    });
    detail::check_special(options.special, where);
    data_ = std::make_shared<const Data>(detail::learn_byte_pairs(text, static_cast<std::size_t>(size - 256)),
                                         options.special);
}

std::int64_t BytePairVocabulary::size() const { return static_cast<std::int64_t>(data_->tokens.size()); }

Tensor BytePairVocabulary::encode(std::string_view text) const {
    std::unordered_map<std::string_view, std::vector<std::int32_t>> known;
    std::vector<std::int64_t> ids;
    while (!text.empty()) {
        const std::string_view word = detail::first_word(text);
        const auto [entry, is_new] = known.try_emplace(word);
        if (is_new) entry->second = data_->encode(word);
        ids.insert(ids.end(), entry->second.begin(), entry->second.end());
        text.remove_prefix(word.size());
    }
    return tensor(ids);
}

std::string BytePairVocabulary::decode(const Tensor& ids, Location where) const {
    return detail::join(data_->tokens, ids, where);
}

std::int64_t BytePairVocabulary::id_of(std::string_view special, Location where) const {
    const auto begin = data_->tokens.begin() + static_cast<std::ptrdiff_t>(data_->ordinary());
    const auto found = std::find(begin, data_->tokens.end(), special);
    check<IndexError>(found != data_->tokens.end(), where,
                      [&] { return "BytePairVocabulary: no special token \"" + std::string(special) + '"'; });
    return found - data_->tokens.begin();
}

namespace {

constexpr const char* type = "byte pairs";

}  // namespace

void BytePairVocabulary::save(const std::string& path, Location where) const {
    const auto begin = data_->tokens.begin() + static_cast<std::ptrdiff_t>(data_->ordinary());
    detail::save_vocabulary(
        path,
        {{"type", type}, {"pairs", data_->pairs}, {"special", std::vector<std::string>(begin, data_->tokens.end())}},
        where);
}

BytePairVocabulary BytePairVocabulary::load(const std::string& path, Location where) {
    return detail::read_file(path, where, [&](std::span<const std::byte> bytes, const detail::Source& source) {
        return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source.name, source.where);
    });
}

BytePairVocabulary BytePairVocabulary::parse(std::string_view text, const std::string& name, Location where) {
    const detail::Source source{name, where};
    const nlohmann::json json = detail::parse_vocabulary(text, source, type);
    const auto fail = [&](const std::string& rule) { source.fail(rule); };
    const auto list = json.find("pairs");
    if (list == json.end() || !list->is_array()) fail("pairs must be a list");
    std::vector<detail::BytePair> pairs;
    std::vector<std::size_t> lengths(256, 1);
    for (const auto& pair : *list) {
        const auto is_token = [&](const nlohmann::json& id) {
            return id.is_number_unsigned() && id.get<std::uint64_t>() < lengths.size();
        };
        if (!pair.is_array() || pair.size() != 2 || !is_token(pair[0]) || !is_token(pair[1]))
            fail("pairs must be two earlier tokens each");
        pairs.emplace_back(pair[0].get<std::int32_t>(), pair[1].get<std::int32_t>());
        lengths.push_back(lengths[pair[0].get<std::size_t>()] + lengths[pair[1].get<std::size_t>()]);
        // A file in which each token doubles the previous one would otherwise produce tokens of any length.
        if (lengths.back() > detail::max_word) fail("tokens must have at most 128 bytes");
    }
    return BytePairVocabulary(
        std::make_shared<const Data>(std::move(pairs), detail::texts_of(json, "special", source)));
}

}  // namespace xgrad::nn
