#include "elementwise_unary.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

void fill_elementwise_functions(Kernels& kernels) { fill_all(kernels.elementwise, rules::Functions{}); }

}  // namespace xgrad::kernels::XGRAD_ISA
