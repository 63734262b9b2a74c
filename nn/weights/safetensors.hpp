#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/state.hpp"

// Weights in the safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of a JSON
// header, little-endian; the header, which names dtype, shape and place of every tensor; the tensors' bytes. What
// Python's safetensors writes is read, and the other way round; names and shapes are those of PyTorch's state_dict.
//
//     nn::save_safetensors("net.safetensors", net, {{"epochs", "20"}});
//     nn::load_safetensors("net.safetensors", net);
//
// Written are F32, F64, I32, I64 and BOOL. Read are these as they are, F16 and BF16 as f32, I8, U8, I16 and U16 as i32,
// and U32 and U64 as i64 (an error for numbers that it cannot hold). Other types are not supported: a tensor of such a
// type is an error where it is read, and does no harm to those beside it, so that load_safetensors and
// read_safetensors_tensor read what they are asked for.
//
// Errors, each with the user's line: Error when a file cannot be read or written (it is no regular file, for one),
// ValueError for a path with a zero byte, FormatError naming file and rule for content that breaks the format's rules
// (cut off, a header that is no such JSON, a name that comes twice, places that overlap, leave holes or do not agree
// with the shapes) or is of another format, such as the pickles of torch.save; nothing is allocated that a file of its
// length cannot hold.

namespace xgrad::nn {

/// What a file tells about itself besides its tensors: any texts under any names.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Writes a state. The file appears under its name when it is whole and on the disk; if anything fails, the old one
/// stands. ValueError for a name that comes twice, is "__metadata__" or is not UTF-8; Error when the file cannot be
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
/// One of them. ValueError that lists all names when there is none of that one.
XGRAD_API Tensor read_safetensors_tensor(const std::string& path, std::string_view name,
                                         Location where = Location::current());
/// The same from bytes in memory; `name` stands for the file's in errors.
XGRAD_API State parse_safetensors(std::span<const std::byte> bytes, const std::string& name = "safetensors",
                                  Location where = Location::current());
/// The file's metadata alone.
XGRAD_API Metadata read_safetensors_metadata(const std::string& path, Location where = Location::current());

}  // namespace xgrad::nn
