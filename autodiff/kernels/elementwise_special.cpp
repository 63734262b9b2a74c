#include "elementwise_unary.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_special(ElementwiseKernels& kernels) { fill_all(kernels, rules::Special{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
