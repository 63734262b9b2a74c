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
// Written are f32, f64, i32, i64 and bool. Read are these as they are, f2 as f32, i1, u1, i2 and u2 as i32, and u4 and
// u8 as i64 (an error for numbers that it cannot hold); C and Fortran order, little- and big-endian; what Python 2
// wrote, too. An archive's members may be stored or deflated. Complex numbers, long doubles, texts, times, records and
// objects are not supported, nor is any other compression or encryption.
//
// A member of an archive that is not asked for does no harm, whatever it is: load_npz reads what the model takes,
// read_npz_array one array, read_npz all arrays of numbers. What has no numbers (texts, objects, records, times,
// members that are no .npy) read_npz passes over; the error that tells what such a member is comes when it is asked for
// by name.
//
// Errors, each with the user's line: Error when a file cannot be read or written (it is no regular file, for one),
// ValueError for a path with a zero byte, FormatError naming file and rule for content that breaks the format's rules
// (cut off, damaged, a header that does not fit the data) or is not supported; nothing is allocated that a file of its
// length cannot hold.

namespace xgrad::nn {

struct NpzOptions {
    bool compressed = false;  ///< as numpy.savez_compressed
};
struct NpzLimits {
    /// What is read of an archive may be this large when expanded, whatever its own size: a small file can be made to
    /// claim terabytes.
    std::int64_t max_bytes = std::int64_t{4} << 30;
};

/// Writes one array. The file appears under its name when it is whole and on the disk; if anything fails, the old one
/// stands.
XGRAD_API void save_npy(const std::string& path, const Tensor& t, Location where = Location::current());
XGRAD_API Tensor read_npy(const std::string& path, Location where = Location::current());
/// The same from bytes in memory; `name` stands for the file's in errors.
XGRAD_API Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name = "npy",
                           Location where = Location::current());

/// Writes a state, each tensor as the archive's `name`.npy. The file appears under its name when it is whole and on the
/// disk; if anything fails, the old one stands. ValueError for a name that comes twice, is not UTF-8 or has a zero
/// byte.
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
/// All arrays of numbers, in the order of the archive, without ".npy" in their names.
XGRAD_API State read_npz(const std::string& path, const NpzLimits& limits = {}, Location where = Location::current());
/// One array: `Tensor x = nn::read_npz_array("data.npz", "x");`. ValueError that lists all names when there is none of
/// that one.
XGRAD_API Tensor read_npz_array(const std::string& path, std::string_view name, const NpzLimits& limits = {},
                                Location where = Location::current());
/// The same from bytes in memory; `name` stands for the file's in errors.
XGRAD_API State parse_npz(std::span<const std::byte> bytes, const std::string& name = "npz",
                          const NpzLimits& limits = {}, Location where = Location::current());

}  // namespace xgrad::nn
