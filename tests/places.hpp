// Paths of the project's sources and of the build tree, for the tests.
#pragma once

#include <string>

std::string source_dir();
std::string binary_dir();
