#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/state.hpp"

// Weights in the safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of a JSON
// header, little-endian; the header, which gives name, dtype, shape and position of every tensor; the tensors' bytes.
// Files written by Python's safetensors can be read, and vice versa; names and shapes are those of PyTorch's
// state_dict.
//
//     nn::save_safetensors("net.safetensors", net, {{"epochs", "20"}});
//     nn::load_safetensors("net.safetensors", net);
//
// Written types: F32, F64, I32, I64 and BOOL. Read types: the same, unchanged; F16 and BF16 as f32; I8, U8, I16 and U16
// as i32; U32 and U64 as i64 (an error for numbers that do not fit). Other types are not supported: a tensor of such a
// type is an error only when it is read, and does not affect other tensors, so load_safetensors and
// read_safetensors_tensor still read the tensors they need.
//
// Errors, each with the user's line: Error when a file cannot be read or written (because it is not a regular file, for
// example), ValueError for a path with a zero byte, FormatError naming file and rule for content that breaks the
// format's rules (cut off, a header that is not such JSON, a duplicate name, positions that overlap, leave gaps or do
// not agree with the shapes) or is of another format, such as the pickles of torch.save; nothing larger than a file of
// that length can hold is allocated.

namespace xgrad::nn {

/// A file's metadata: arbitrary texts under arbitrary names.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Writes a state. The file appears under its name once it is complete and on the disk; if anything fails, the old file
/// is kept. ValueError for a name that is duplicate, is "__metadata__" or is not UTF-8; Error when the file cannot be
/// written.
XGRAD_API void save_safetensors(const std::string& path, const State& state, const Metadata& metadata = {},
                                Location where = Location::current());
/// Writes a model's parameters and buffers; a tensor with several names is written under each.
template <class M>
void save_safetensors(const std::string& path, const M& model, const Metadata& metadata = {},
                      Location where = Location::current()) {
    save_safetensors(path, state_dict(model), metadata, where);
}

/// load_state_dict from a file, which is mapped into memory: only what the model takes is read.
XGRAD_API LoadReport load_safetensors(const std::string& path, ModelRef model, const LoadOptions& options = {},
                                      Location where = Location::current());

/// All tensors, in the order of the file's header.
XGRAD_API State read_safetensors(const std::string& path, Location where = Location::current());
/// One tensor. ValueError listing all names when there is none of that name.
XGRAD_API Tensor read_safetensors_tensor(const std::string& path, std::string_view name,
                                         Location where = Location::current());
/// The same from bytes in memory; `name` replaces the file name in errors.
XGRAD_API State parse_safetensors(std::span<const std::byte> bytes, const std::string& name = "safetensors",
                                  Location where = Location::current());
/// Only the file's metadata.
XGRAD_API Metadata read_safetensors_metadata(const std::string& path, Location where = Location::current());

}  // namespace xgrad::nn
