#pragma once

#include <tuple>

/// Names the attributes of an operation, all of its fields that say what it computes: numbers, shapes, lists of
/// numbers, and structs of these that name their own.
#define XGRAD_ATTRIBUTES(...)                                 \
    auto attributes() { return std::tie(__VA_ARGS__); }       \
    auto attributes() const { return std::tie(__VA_ARGS__); } \
    static constexpr const char* attribute_names() { return #__VA_ARGS__; }
