#include "elementwise_unary.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_special(Kernels& kernels) { fill_all(kernels.elementwise, rules::Special{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
