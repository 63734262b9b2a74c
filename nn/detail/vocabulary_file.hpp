#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <autodiff/core/tensor.hpp>

#include "files.hpp"

// The common part of the vocabularies: internal to the library.

namespace xgrad::nn::detail {

/// The JSON of a vocabulary file of that type. FormatError when it is anything else.
nlohmann::json parse_vocabulary(std::string_view text, const Source& source, const char* type);
void save_vocabulary(const std::string& path, const nlohmann::json& json, Location where);
/// A list of distinct texts.
std::vector<std::string> texts_of(const nlohmann::json& json, const char* member, const Source& source);
/// ValueError for a duplicate name or one that is not UTF-8.
void check_special(const std::vector<std::string>& special, Location where);

/// The texts of the ids, concatenated. IndexError for an id out of range.
std::string join(const std::vector<std::string>& tokens, const Tensor& ids, Location where);

}  // namespace xgrad::nn::detail
