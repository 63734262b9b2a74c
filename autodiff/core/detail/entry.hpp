#pragma once

#include <cstdint>

#include "autodiff/core/recording.hpp"
#include "autodiff/core/tensor.hpp"
#include "origin.hpp"

// One recorded operation. Not for users.

namespace xgrad::detail {

/// From this many elements on, chains of element-wise entries are pulled back one block at a time; smaller tensors are
/// in cache anyway.
inline constexpr std::int64_t least_block_elements = 1 << 14;

/// The data after a source's entry.
struct Source {
    std::uint64_t origin;
    NodeId before;
};

/// One recorded operation, or a source of gradients. It is followed in the arena by the shapes of outputs after the
/// first, a NodeId per input, and the closure. Shapes are shared: consecutive entries with the same shape point to one
/// copy.
struct Entry {
    const Kind* kind =
        nullptr;  // null: nothing to pull back (a source, already released, or its closure was never constructed)
    const char* name;
    const char* file;
    const Shape* shape;  // of the first output
    TapeMask tapes;  // tapes that watch something it depends on; 0: released
    std::int32_t line;
    NodeId first_node;
    std::uint32_t inputs;
    std::uint32_t outputs : Origin::node_bits;
    DType dtype : 3;  // of all differentiable outputs
    bool is_source : 1;
    bool large : 1;  // worth pulling back in blocks (fused_chain.hpp)

    Entry(const char* operation, Location where, const Shape& shape_of_first, TapeMask mask, std::size_t node,
          std::size_t input_count, std::size_t output_count, const Tensor& first)
        : name(operation),
          file(where.file),
          shape(&shape_of_first),
          tapes(mask),
          line(where.line),
          first_node(static_cast<NodeId>(node)),
          inputs(static_cast<std::uint32_t>(input_count)),
          outputs(static_cast<std::uint32_t>(output_count)),
          dtype(first.dtype()),
          is_source(false),
          large(first.size() >= least_block_elements) {}

    const Shape** more_shapes() { return reinterpret_cast<const Shape**>(this + 1); }
    const Shape& shape_of(NodeId node) { return node == first_node ? *shape : *more_shapes()[node - first_node - 1]; }
    NodeId* input_nodes() { return reinterpret_cast<NodeId*>(more_shapes() + (outputs - 1)); }
    void* closure() { return reinterpret_cast<char*>(this) + closure_offset(outputs, inputs); }
    static std::size_t closure_offset(std::size_t outputs, std::size_t inputs) {
        return (sizeof(Entry) + (outputs - 1) * sizeof(Shape*) + inputs * sizeof(NodeId) + 15) & ~std::size_t{15};
    }
    /// For a source: the origin under which Gradients lists it. It is the source's own origin for a watched tensor,
    /// else that of the captured tensor or parameter.
    std::uint64_t source() { return static_cast<Source*>(closure())->origin; }
    /// For a source that captures something: the previous source that captured it; no_node if there is none.
    NodeId captured_before() { return static_cast<Source*>(closure())->before; }
    /// For a source: the node that it passes its gradient on to; no_node if there is none.
    NodeId passes_to() { return inputs ? input_nodes()[0] : no_node; }
    Location where() const { return {file, line}; }

    void release() noexcept {
        if (kind) kind->destroy(closure());
        kind = nullptr;
        tapes = 0;
    }
};

static_assert(sizeof(Entry) == 56);

}  // namespace xgrad::detail
