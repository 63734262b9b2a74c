#pragma once

#include <string_view>

#include <autodiff/core/export.hpp>

namespace xgrad::nn {

/// True when `text` is what `pattern` describes: `*` stands for any characters, `?` for one, everything else for
/// itself. How parameters are chosen by name: "encoder.*", "*.bias", "layers.?.weight".
XGRAD_API bool matches(std::string_view pattern, std::string_view text);

}  // namespace xgrad::nn
