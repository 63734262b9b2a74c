#include "broadcast.hpp"

namespace xgrad::detail {

void run_strided(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape,
                 std::span<const KernelInput> in, std::span<const KernelOutput> out) {
    // Neighbouring axes along which each operand either advances contiguously or does not advance at all are merged
    // into one. The kernel runs along the last merged axis; the loop below iterates over the others.
    std::int64_t sizes[Shape::max_rank], strides[max_operands][Shape::max_rank];
    int rank = 0;  // merged axes so far, innermost first
    std::int64_t reach[max_operands];  // elements of operand k inside the axes seen so far
    for (auto& r : reach) r = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        const std::int64_t n = shape[axis];
        if (n == 1) continue;
        bool merge = rank > 0;
        std::int64_t stride[max_operands];
        for (std::size_t k = 0; k < in.size(); ++k) {
            const int own = axis - (shape.rank() - in[k].shape->rank());
            const bool moves = own >= 0 && (*in[k].shape)[own] != 1;
            stride[k] = moves ? reach[k] : 0;
            if (rank > 0) merge = merge && stride[k] == strides[k][rank - 1] * sizes[rank - 1];
            if (moves) reach[k] *= n;
        }
        if (merge) {
            sizes[rank - 1] *= n;
        } else {
            sizes[rank] = n;
            for (std::size_t k = 0; k < in.size(); ++k) strides[k][rank] = stride[k];
            ++rank;
        }
    }
    std::uint8_t step[max_operands];
    for (std::size_t k = 0; k < in.size(); ++k) step[k] = rank > 0 && strides[k][0] != 0;
    const std::int64_t inner = rank > 0 ? sizes[0] : 1;
    std::int64_t outer = 1;
    for (int a = 1; a < rank; ++a) outer *= sizes[a];

    const auto part = [&](std::int64_t begin, std::int64_t end) {
        std::int64_t index[Shape::max_rank] = {}, offset[max_operands] = {};
        std::int64_t rest = begin;
        for (int a = 1; a < rank; ++a) {
            index[a] = rest % sizes[a];
            rest /= sizes[a];
            for (std::size_t k = 0; k < in.size(); ++k) offset[k] += index[a] * strides[k][a];
        }
        for (std::int64_t o = begin; o < end; ++o) {
            const void* from[max_operands];
            void* to[max_results];
            for (std::size_t k = 0; k < in.size(); ++k)
                from[k] = static_cast<const char*>(in[k].data) + offset[k] * in[k].element_bytes;
            for (std::size_t k = 0; k < out.size(); ++k) to[k] = out[k].at(o * inner);
            kernel(rule, inner, from, step, to);
            for (int a = 1; a < rank; ++a) {
                for (std::size_t k = 0; k < in.size(); ++k) offset[k] += strides[k][a];
                if (++index[a] < sizes[a]) break;
                for (std::size_t k = 0; k < in.size(); ++k) offset[k] -= sizes[a] * strides[k][a];
                index[a] = 0;
            }
        }
    };
    parallel_for(outer, outer * inner, part);
}

}  // namespace xgrad::detail
