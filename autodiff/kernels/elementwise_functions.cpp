#include "elementwise_unary.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_functions(ElementwiseKernels& kernels) { fill_all(kernels, rules::Functions{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
