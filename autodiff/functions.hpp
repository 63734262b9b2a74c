#pragma once

#include "tensor.hpp"

// Compositions of operations: no gradient rule in this file.

namespace xgrad {

}  // namespace xgrad
