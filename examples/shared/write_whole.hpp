#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

/// Writes a file atomically: the whole file or nothing.
inline void write_whole(const std::filesystem::path& path, const std::string& text) {
    const std::filesystem::path part = path.string() + ".part";
    std::ofstream out(part, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw std::runtime_error(path.string() + ": cannot be written");
    std::filesystem::rename(part, path);
}
