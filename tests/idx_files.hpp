#pragma once

#include <zlib.h>

#include <cstdint>
#include <vector>

#include "folder.hpp"

namespace tests {

/// An IDX file of that element type with those sizes and data.
inline std::string idx_bytes(const std::vector<std::uint32_t>& sizes, const std::string& data, char type = 8) {
    std::string out = {0, 0, type, static_cast<char>(sizes.size())};
    for (const std::uint32_t size : sizes)
        for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
    return out + data;
}

inline void write_gzip(const std::filesystem::path& path, const std::string& bytes, const char* mode = "wb") {
    gzFile file = gzopen(path.c_str(), mode);
    REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
    REQUIRE(gzclose(file) == Z_OK);
}

}  // namespace tests
