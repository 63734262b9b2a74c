// Where the tests find the project's sources and what was built from them.
#pragma once

#include <string>

std::string source_dir();
std::string binary_dir();
