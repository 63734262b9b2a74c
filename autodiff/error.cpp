#include "error.hpp"

namespace xgrad {

// Out of line so that each class has one home for its type information, whatever library throws or catches it.
Error::~Error() = default;
ShapeError::~ShapeError() = default;
DTypeError::~DTypeError() = default;
IndexError::~IndexError() = default;
TapeError::~TapeError() = default;
FormatError::~FormatError() = default;
ValueError::~ValueError() = default;

std::string at(std::string what, Location where) {
    if (where.line == 0) return what;
    std::string file = where.file;
    return what + " [" + file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line) + "]";
}

}  // namespace xgrad
