#include "elementwise_unary.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_activations(ElementwiseKernels& kernels) { fill_all(kernels, rules::Activations{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
