#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "nn/core/state.hpp"

// Arrays in NumPy's formats (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): .npy holds one, .npz is a
// zip archive of them.
//
//     nn::save_npz("net.npz", net);                       numpy.load("net.npz")["fc1.weight"]
//     const nn::State data = nn::read_npz("data.npz");    nn::find(data, "x")
//
// Written types: f32, f64, i32, i64 and bool. Read types: the same, unchanged; f2 as f32; i1, u1, i2 and u2 as i32; u4
// and u8 as i64 (an error for numbers that do not fit). C and Fortran order, little- and big-endian, and files written
// by Python 2 are read. An archive's members may be stored or deflated. Complex numbers, long doubles, texts, times,
// records and objects are not supported, nor is any other compression or encryption.
//
// A member of an archive that is not requested does no harm, whatever it is: load_npz reads what the model takes,
// read_npz_array one array, read_npz all numeric arrays. read_npz skips members that are not numeric (texts, objects,
// records, times, members that are not .npy); the error that describes such a member is raised only when it is
// requested by name.
//
// Errors, each with the user's line: Error when a file cannot be read or written (because it is not a regular file, for
// example), ValueError for a path with a zero byte, FormatError naming file and rule for content that breaks the
// format's rules (cut off, damaged, a header that does not fit the data) or is not supported; nothing larger than a
// file of that length can hold is allocated.

namespace xgrad::nn {

struct NpzOptions {
    bool compressed = false;  ///< as in numpy.savez_compressed
};
struct NpzLimits {
    /// The largest size, when expanded, of what is read from an archive, whatever the archive's own size: a small file
    /// can be made to claim terabytes.
    std::int64_t max_bytes = std::int64_t{4} << 30;
};

/// Writes one array. The file appears under its name once it is complete and on the disk; if anything fails, the old
/// file is kept.
XGRAD_API void save_npy(const std::string& path, const Tensor& t, Location where = Location::current());
XGRAD_API Tensor read_npy(const std::string& path, Location where = Location::current());
/// The same from bytes in memory; `name` replaces the file name in errors.
XGRAD_API Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name = "npy",
                           Location where = Location::current());

/// Writes a state, each tensor as the archive's `name`.npy. The file appears under its name once it is complete and on
/// the disk; if anything fails, the old file is kept. ValueError for a name that is duplicate, is not UTF-8 or contains
/// a zero byte.
XGRAD_API void save_npz(const std::string& path, const State& state, const NpzOptions& options = {},
                        Location where = Location::current());
/// Writes a model's parameters and buffers; a tensor with several names is written under each.
template <class M>
void save_npz(const std::string& path, const M& model, const NpzOptions& options = {},
              Location where = Location::current()) {
    save_npz(path, state_dict(model), options, where);
}
/// load_state_dict from a file; only what the model takes is expanded. Members without numbers do not count as
/// unexpected.
XGRAD_API LoadReport load_npz(const std::string& path, ModelRef model, const LoadOptions& options = {},
                              const NpzLimits& limits = {}, Location where = Location::current());
/// All numeric arrays, in the order of the archive, with ".npy" removed from their names.
XGRAD_API State read_npz(const std::string& path, const NpzLimits& limits = {}, Location where = Location::current());
/// One array: `Tensor x = nn::read_npz_array("data.npz", "x");`. ValueError listing all names when there is no array of
/// that name.
XGRAD_API Tensor read_npz_array(const std::string& path, std::string_view name, const NpzLimits& limits = {},
                                Location where = Location::current());
/// The same from bytes in memory; `name` replaces the file name in errors.
XGRAD_API State parse_npz(std::span<const std::byte> bytes, const std::string& name = "npz",
                          const NpzLimits& limits = {}, Location where = Location::current());

}  // namespace xgrad::nn
