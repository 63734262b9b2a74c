#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "state.hpp"

// Arrays in NumPy's formats (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): .npy holds one, .npz is a zip archive of them.
//
//     nn::save_npz("net.npz", net);                       numpy.load("net.npz")["fc1.weight"]
//     const nn::State data = nn::read_npz("data.npz");    nn::find(data, "x")
//
// Written are f32, f64, i32, i64 and bool. Read are these as they are, f2 as f32, i1, u1, i2 and u2 as i32, and u4 as i64; C and Fortran
// order, little- and big-endian. Arrays of records, texts or objects are refused.
//
// A file that breaks the format's rules (cut off, damaged, a header that does not fit the data) is a FormatError that names file and rule;
// nothing is allocated that a file of its length cannot hold.

namespace xgrad::nn {

struct NpzOptions {
    bool compressed = false;  ///< as numpy.savez_compressed
};
struct NpzLimits {
    /// An archive may be this large when expanded, whatever its own size: a small file can be made to claim terabytes.
    std::int64_t max_bytes = std::int64_t{4} << 30;
};

/// Writes one array. The file appears under its name when it is whole and on the disk; if anything fails, the old one stands.
XGRAD_API void save_npy(const std::string& path, const Tensor& t);
XGRAD_API Tensor read_npy(const std::string& path);
/// The same from bytes in memory; `name` stands for the file's in errors.
XGRAD_API Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name = "npy");

/// Writes a state, each tensor as the archive's `name`.npy. The file appears under its name when it is whole and on the disk; if anything
/// fails, the old one stands. ValueError for a name that comes twice.
XGRAD_API void save_npz(const std::string& path, const State& state, const NpzOptions& options = {}, Location where = Location::current());
/// Writes a model's parameters and buffers; a tensor with several names is written under each.
template <class M>
void save_npz(const std::string& path, const M& model, const NpzOptions& options = {}, Location where = Location::current()) {
    save_npz(path, state_dict(model), options, where);
}
/// load_state_dict from a file; only what the model takes is expanded.
XGRAD_API LoadReport load_npz(const std::string& path, ModelRef model, const LoadOptions& options = {}, const NpzLimits& limits = {},
                              Location where = Location::current());
/// All arrays, in the order of the archive, without ".npy" in their names.
XGRAD_API State read_npz(const std::string& path, const NpzLimits& limits = {});
/// The same from bytes in memory; `name` stands for the file's in errors.
XGRAD_API State parse_npz(std::span<const std::byte> bytes, const std::string& name = "npz", const NpzLimits& limits = {});

}  // namespace xgrad::nn
