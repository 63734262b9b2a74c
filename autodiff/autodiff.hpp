#pragma once

// xgrad's engine, in reading order.
#include "error.hpp"       // what is thrown, and the user's line in it
#include "tensor.hpp"      // Tensor, Shape, DType: a cheap handle to an immutable array
#include "memory.hpp"      // the caching allocator's figures
#include "tape.hpp"        // Tape, Parameter, Gradients
#include "apply.hpp"       // apply(): make an operation
#include "transforms.hpp"  // grad, vjp, jvp, jacobian, hessian, hvp, checkpoint
#include "gradcheck.hpp"   // compare derivatives with differences
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"
#include "ops/arrange.hpp"
#include "ops/index.hpp"
#include "ops/scatter.hpp"
#include "ops/interpolate.hpp"
#include "ops/matmul.hpp"
#include "ops/recurrent.hpp"
#include "ops/random.hpp"
#include "ops/update.hpp"
#include "functions.hpp"       // compositions of operations: no rule in there
