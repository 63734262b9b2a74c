#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "autodiff/core/tensor.hpp"

// The part of map() that does not depend on the function and is compiled into the library.

namespace xgrad::detail {

using MapLoop = void (*)(const void* function, std::int64_t n, const void* const* in, const std::uint8_t* step,
                         void* const* out);

/// map()'s operands as tensors of one dtype, and the shape they broadcast to. ShapeError, DTypeError.
struct MapInputs {
    std::array<Tensor, 6> tensors;
    std::size_t count;
    Shape shape;
    DType dtype;
    Location where;
    XGRAD_API MapInputs(std::span<const Operand* const> operands);
    std::span<const Tensor> span() const { return {tensors.data(), count}; }
};
/// Runs the loop over the broadcast inputs; outputs that are empty tensors are not computed.
XGRAD_API void run_map(MapLoop loop, const void* function, const Shape& shape, DType dtype,
                       std::span<const Tensor> inputs, std::span<const Tensor> outputs);
XGRAD_API bool several_tapes_are_open();

}  // namespace xgrad::detail
