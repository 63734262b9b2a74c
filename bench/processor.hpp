#pragma once

#include <fstream>
#include <string>

/// The processor's name, as figures need it beside them.
inline std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
    return "unknown";
}
