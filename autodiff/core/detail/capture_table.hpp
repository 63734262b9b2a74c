#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "origin.hpp"

// Which source captured a tensor or parameter last. Not for users.

namespace xgrad::detail {

/// Maps the origin of a parameter or tensor to the last source that captured it; open addressing. Buckets with an
/// earlier serial number count as free.
class CaptureTable {
public:
    NodeId find(std::uint64_t origin, std::uint64_t serial) const;
    /// The origin must be in the table.
    void set(std::uint64_t origin, std::uint64_t serial, NodeId node) noexcept;
    /// Inserts no_node if the origin is not in the table.
    NodeId& operator()(std::uint64_t origin, std::uint64_t serial);

private:
    struct Bucket {
        std::uint64_t origin = 0, serial = 0;
        NodeId node = no_node;
    };
    std::size_t place_of(std::uint64_t origin, std::uint64_t serial) const;
    std::vector<Bucket> buckets_;
    std::uint64_t counted_serial_ = 0;
    std::size_t used_ = 0;
};

}  // namespace xgrad::detail
