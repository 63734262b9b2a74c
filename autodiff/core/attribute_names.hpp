#pragma once

#include <tuple>

/// Lists the attributes of an operation: all of its fields that determine what it computes. They are numbers, shapes,
/// lists of numbers, and structs that list their own attributes.
#define XGRAD_ATTRIBUTES(...)                                 \
    auto attributes() { return std::tie(__VA_ARGS__); }       \
    auto attributes() const { return std::tie(__VA_ARGS__); } \
    static constexpr const char* attribute_names() { return #__VA_ARGS__; }
