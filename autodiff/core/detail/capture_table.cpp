#include "capture_table.hpp"

#include <algorithm>
#include <utility>

namespace xgrad::detail {

/// The bucket that holds the origin, or the one to add it to. Requires a free bucket.
std::size_t CaptureTable::place_of(std::uint64_t origin, std::uint64_t serial) const {
    const std::size_t mask = buckets_.size() - 1;
    std::size_t i = (origin * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (buckets_[i].serial == serial && buckets_[i].origin != origin) i = (i + 1) & mask;
    return i;
}

NodeId CaptureTable::find(std::uint64_t origin, std::uint64_t serial) const {
    if (counted_serial_ != serial || buckets_.empty()) return no_node;
    const Bucket& bucket = buckets_[place_of(origin, serial)];
    return bucket.serial == serial ? bucket.node : no_node;
}

void CaptureTable::set(std::uint64_t origin, std::uint64_t serial, NodeId node) noexcept {
    if (counted_serial_ == serial) buckets_[place_of(origin, serial)].node = node;
}

NodeId& CaptureTable::operator()(std::uint64_t origin, std::uint64_t serial) {
    if (counted_serial_ != serial) {
        counted_serial_ = serial;
        used_ = 0;
    }
    if (2 * (used_ + 1) > buckets_.size()) {
        std::vector<Bucket> old =
            std::exchange(buckets_, std::vector<Bucket>(std::max<std::size_t>(64, 2 * buckets_.size())));
        used_ = 0;
        for (const Bucket& s : old)
            if (s.serial == serial) (*this)(s.origin, serial) = s.node;
    }
    Bucket& bucket = buckets_[place_of(origin, serial)];
    if (bucket.serial != serial) {
        bucket = {origin, serial, no_node};
        ++used_;
    }
    return bucket.node;
}

}  // namespace xgrad::detail
