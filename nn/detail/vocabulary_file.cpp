#include "vocabulary_file.hpp"

#include <set>

#include "other_formats.hpp"
#include "utf8.hpp"

namespace xgrad::nn::detail {

nlohmann::json parse_vocabulary(std::string_view text, const Source& source, const char* type) {
    refuse_others(std::as_bytes(std::span(text)), Format::text, source);
    // A zero byte would end the text for the JSON reader, and hide what follows. A file nested more deeply than a
    // vocabulary is not a vocabulary.
    const auto shallow = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        if (depth > 3) source.fail("not a vocabulary");
        return true;
    };
    nlohmann::json json;
    try {
        if (text.find('\0') == text.npos) json = nlohmann::json::parse(text.begin(), text.end(), shallow);
    } catch (const nlohmann::json::exception&) {}
    if (!json.is_object() || !json.contains("type") || json["type"] != type)
        source.fail(std::string("not a vocabulary of ") + type);
    return json;
}

void save_vocabulary(const std::string& path, const nlohmann::json& json, Location where) {
    write_atomically(path, [&](AtomicFile& file) { file.write(json.dump() + '\n'); }, where);
}

std::vector<std::string> texts_of(const nlohmann::json& json, const char* member, const Source& source) {
    const auto fail = [&] { source.fail(std::string(member) + " must be a list of different texts"); };
    const auto list = json.find(member);
    if (list == json.end() || !list->is_array()) fail();
    std::vector<std::string> texts;
    std::set<std::string> seen;
    for (const auto& text : *list) {
        if (!text.is_string() || !seen.insert(text.get<std::string>()).second) fail();
        texts.push_back(text.get<std::string>());
    }
    return texts;
}

void check_special(const std::vector<std::string>& special, Location where) {
    std::set<std::string_view> seen;
    for (const std::string& name : special) {
        check<ValueError>(seen.insert(name).second, where, [&] {
            return "vocabulary: special tokens must have different names, got " + name + " twice";
        });
        check<ValueError>(utf8_valid(name) == name.size(), where,
                          [&] { return "vocabulary: special tokens must be UTF-8, got " + name; });
    }
}

std::string join(const std::vector<std::string>& tokens, const Tensor& ids, Location where) {
    const Tensor wide = ids.to(DType::i64);
    check<DTypeError>(ids.dtype() == DType::i32 || ids.dtype() == DType::i64, where,
                      [&] { return std::string("decode: ids must be i32 or i64, got ") + name_of(ids.dtype()); });
    std::string text;
    for (const std::int64_t id : wide.data<std::int64_t>()) {
        check<IndexError>(id >= 0 && id < static_cast<std::int64_t>(tokens.size()), where, [&] {
            return "decode: an id must be in [0, " + std::to_string(tokens.size()) + "), got " + std::to_string(id);
        });
        text += tokens[static_cast<std::size_t>(id)];
    }
    return text;
}

}  // namespace xgrad::nn::detail
