#pragma once

#include <cstdint>

// How nodes of a tape, tapes and the origins of tensors are numbered. Not for users.

namespace xgrad::detail {

using NodeId = std::uint32_t;
inline constexpr NodeId no_node = 0xffffffffu;

/// A set of tapes by depth: bit d is the tape opened while d others were open.
using TapeMask = std::uint64_t;
inline constexpr int max_tapes = 64;
inline constexpr TapeMask all_tapes = ~TapeMask{0};

/// A tensor's origin is a number: 0 for a constant; a parameter's identity, with the top bit set; else a record's
/// serial number and a node.
struct Origin {
    static constexpr std::uint64_t parameter_bit = std::uint64_t{1} << 63;
    static constexpr int node_bits = 27;
    static constexpr std::uint64_t max_nodes = std::uint64_t{1} << node_bits;

    static constexpr std::uint64_t node(std::uint64_t serial, NodeId node) { return serial << node_bits | node; }
    static constexpr bool is_parameter(std::uint64_t origin) { return origin & parameter_bit; }
    static constexpr std::uint64_t serial(std::uint64_t origin) { return origin >> node_bits; }
    static constexpr NodeId node_of(std::uint64_t origin) { return static_cast<NodeId>(origin & (max_nodes - 1)); }
};

}  // namespace xgrad::detail
