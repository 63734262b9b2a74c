#pragma once

#include <cstddef>
#include <span>

#include "files.hpp"

// What a file is that somebody took for another one: for use inside the library.

namespace xgrad::nn::detail {

enum class Format { idx, gzip, npy, zip, safetensors, text, pickle, hdf5, git_lfs };

/// FormatError telling what the file is, and what to do, when its first bytes are clearly those of another format than
/// `wanted`: the weights that torch.save pickles, above all.
void refuse_others(std::span<const std::byte> bytes, Format wanted, const Source& source);

}  // namespace xgrad::nn::detail
