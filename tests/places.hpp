// Paths of the project's sources and of the build tree, and what the sources declare.
#pragma once

#include <map>
#include <string>
#include <vector>

std::string source_dir();
std::string binary_dir();
/// How often each function that gives tensors is declared for users in these headers and folders of the engine: once
/// for each overload. With `procedures` also those that give nothing.
std::map<std::string, int> declared_functions(const std::vector<std::string>& places, bool procedures = false);
