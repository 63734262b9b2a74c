#include "error.hpp"

#include <cstdio>

namespace xgrad {

// Defined out of line so that each class's type information is emitted in one place, whichever library throws or
// catches it.
Error::~Error() = default;
ShapeError::~ShapeError() = default;
DTypeError::~DTypeError() = default;
IndexError::~IndexError() = default;
TapeError::~TapeError() = default;
FormatError::~FormatError() = default;
ValueError::~ValueError() = default;
MemoryError::~MemoryError() = default;

std::string at(std::string what, Location where) {
    if (where.line == 0) return what;
    std::string file = where.file;
    return what + " [" + file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line) + "]";
}

namespace {
std::string request(std::size_t bytes, const std::string& tensor) {
    if (bytes == 0) return "a request that the system refused";
    return "a request for " + detail::readable_bytes(static_cast<std::int64_t>(bytes)) +
           (tensor.empty() ? "" : " for a tensor of " + tensor);
}
}  // namespace

MemoryError::MemoryError(const std::string& operation, std::size_t bytes, const std::string& tensor, Location where)
    : Error(at(operation + ": out of memory, got " + request(bytes, tensor), where)),
      bytes_(bytes),
      tensor_(std::make_shared<const std::string>(tensor)) {}

namespace detail {

std::string readable_bytes(std::int64_t bytes) {
    static constexpr const char* units[] = {"B", "KB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    int unit = 0;
    for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

}  // namespace detail
}  // namespace xgrad
