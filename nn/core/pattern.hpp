#pragma once

#include <string_view>

#include <autodiff/core/export.hpp>

namespace xgrad::nn {

/// True when `text` matches `pattern`: `*` matches any characters, `?` matches one, everything else matches itself.
/// Used to choose parameters by name: "encoder.*", "*.bias", "layers.?.weight".
XGRAD_API bool matches(std::string_view pattern, std::string_view text);

}  // namespace xgrad::nn
