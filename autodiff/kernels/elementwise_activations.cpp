#include "elementwise_unary.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_activations(Kernels& kernels) { fill_all(kernels.elementwise, rules::Activations{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
