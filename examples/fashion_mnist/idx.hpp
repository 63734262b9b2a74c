#pragma once

#include <autodiff/tensor.hpp>
#include <cstdint>
#include <filesystem>
#include <vector>

// The IDX format of the MNIST family: 0, 0, element type, number of axes, then one big-endian 32-bit size per axis, then the elements.
// (Y. LeCun, C. Cortes: The MNIST database of handwritten digits.)

/// An array of bytes.
struct IdxArray {
    xgrad::Shape shape;
    std::vector<std::uint8_t> bytes;  // row-major
};

/// Reads a gzipped IDX file of unsigned bytes. xgrad::Error when it cannot be opened; xgrad::FormatError naming the file when it is not
/// gzip, not IDX, truncated, damaged, longer than it says, or says it is larger than it can be. No more is allocated than a file of its
/// length can hold.
IdxArray read_idx(const std::filesystem::path& path);
