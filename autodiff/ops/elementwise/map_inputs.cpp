#include <string>
#include <vector>

#include "autodiff/core/detail/record.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/broadcast.hpp"
#include "map_inputs.hpp"

namespace xgrad::detail {

MapInputs::MapInputs(std::span<const Operand* const> operands)
    : count(operands.size()), dtype(DType::f32), where(operands[0]->where()) {
    const Tensor* first = nullptr;
    for (const Operand* operand : operands) {
        check_defined("map", *operand);
        if (operand->is_tensor() && !first) first = &operand->tensor();
    }
    check_has_tensor(first, "map", where);
    dtype = first->dtype();
    shape = first->shape();
    for (std::size_t k = 0; k < count; ++k) {
        const Operand& operand = *operands[k];
        tensors[k] = operand.is_tensor() ? operand.tensor() : scalar(operand.number(), dtype);
        check_floating(tensors[k], "map", where);
        check_same_dtype(dtype, tensors[k].dtype(), "map", where);
        shape = broadcast_shapes(shape, tensors[k].shape(), "map", where);
    }
}

void run_map(MapLoop loop, const void* function, const Shape& shape, DType dtype, std::span<const Tensor> inputs,
             std::span<const Tensor> outputs) {
    const std::int64_t bytes = size_of(dtype);
    KernelInput in[max_operands];
    KernelOutput out[max_results];
    for (std::size_t k = 0; k < inputs.size(); ++k) in[k] = {TensorAccess::data(inputs[k]), &inputs[k].shape(), bytes};
    for (std::size_t k = 0; k < outputs.size(); ++k)
        out[k] = {outputs[k].defined() ? TensorAccess::data(outputs[k]) : nullptr, bytes};
    run(loop, function, shape, shape.size(), {in, inputs.size()}, {out, outputs.size()});
}

bool several_tapes_are_open() { return recording && (recording->open.size() > 1 || recording->trace); }

}  // namespace xgrad::detail
