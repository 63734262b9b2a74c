#include "functions.hpp"

#include "ops/axes.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"

namespace xgrad {

using namespace detail;

// --- element-wise ---------------------------------------------------------------------------------------------------

Tensor lerp(const Operand& a, const Operand& b, const Operand& weight) { return add(a.kept(), multiply(weight, subtract(b, a.kept()))); }

// --- reductions and scans -------------------------------------------------------------------------------------------

Tensor std(const Operand& x, const Axes& axes, double correction, bool keepdims) {
    return sqrt({var(x, axes, correction, keepdims), x.where()});
}

// --- shapes and indices ---------------------------------------------------------------------------------------------

Tensor moveaxis(const Operand& operand, int from, int to) {
    const Tensor& x = tensor_of(operand, "moveaxis");
    from = normalise_axis(from, x.ndim(), "moveaxis", operand.where());
    to = normalise_axis(to, x.ndim(), "moveaxis", operand.where());
    std::vector<int> axes;
    for (int k = 0; k < x.ndim(); ++k)
        if (k != from) axes.push_back(k);
    axes.insert(axes.begin() + to, from);
    return transpose({x, operand.where()}, axes);
}

// --- linear algebra -------------------------------------------------------------------------------------------------

Tensor outer(const Operand& a, const Operand& b) {
    const Tensor column = reshape({tensor_of(a, "outer"), a.where()}, {-1, 1}), row = reshape({tensor_of(b, "outer"), b.where()}, {1, -1});
    return multiply({column, a.where()}, {row, b.where()});
}

}  // namespace xgrad
