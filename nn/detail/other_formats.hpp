#pragma once

#include <cstddef>
#include <span>

#include "files.hpp"

// Recognises a file of one format that was given to the reader of another: internal to the library.

namespace xgrad::nn::detail {

enum class Format { idx, gzip, npy, zip, safetensors, text, pickle, hdf5, git_lfs };

/// FormatError naming the file's actual format, with a remedy, when its first bytes are clearly those of a format other
/// than `wanted`; mainly for weights pickled by torch.save.
void refuse_others(std::span<const std::byte> bytes, Format wanted, const Source& source);

}  // namespace xgrad::nn::detail
