#pragma once

// The sweep through a chain of large element-wise operations, a block at a time: the cotangents between them live in a few kilobytes of
// cache and are never written to memory. Not for users.

#include <cstdint>
#include <span>

#include "kernels/elementwise.hpp"
#include "record.hpp"

namespace xgrad::detail {

/// The pull of one element-wise entry: kernel inputs are the cotangent and what was saved; its outputs are parts for inputs `parts[j]`.
struct BlockStep {
    kernels::ElementwiseKernel kernel;
    const void* rule;
    const char* saved[4] = {};   // null: not read, the cotangent stands in
    std::uint8_t step[4] = {};
    int inputs = 0, outputs = 0;
    int parts[2] = {};

    /// Input i of the kernel is `tensor`. False when it is neither of the result's shape nor a single number.
    bool save(int i, const Tensor& tensor, const Shape& shape) {
        if (!tensor.defined()) return true;
        saved[i] = static_cast<const char*>(TensorAccess::data(tensor));
        step[i] = tensor.shape() == shape;
        return step[i] || tensor.size() == 1;
    }
};

/// What the sweep knows about its nodes.
class BlockNodes {
public:
    /// Where the cotangent of a node is collected; null when nobody wants it.
    virtual Tensor* slot(NodeId node) = 0;
    /// A source whose gradient is to be kept.
    virtual bool kept(NodeId node) const = 0;

protected:
    ~BlockNodes() = default;
};

/// Pulls back `top` and the element-wise entries below it that only they feed, down to `start`. Gives the lowest node done, or no_node when
/// there is no such chain (fewer than two entries, too few elements, shapes that differ): then nothing has happened.
NodeId pull_in_blocks(Record& record, NodeId top, NodeId start, BlockNodes& nodes);

}  // namespace xgrad::detail
