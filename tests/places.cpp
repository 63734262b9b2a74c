#include "places.hpp"

std::string source_dir() { return XGRAD_SOURCE_DIR; }
std::string binary_dir() { return XGRAD_BINARY_DIR; }
