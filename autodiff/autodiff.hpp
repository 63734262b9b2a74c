#pragma once

// xgrad's engine, in reading order.
#include "error.hpp"       // what is thrown, and the user's line in it
#include "tensor.hpp"      // Tensor, Shape, DType: a cheap handle to an immutable array
#include "memory.hpp"      // the caching allocator's figures
#include "tape.hpp"        // Tape, Parameter, Gradients
#include "precision.hpp"   // Autocast: products in bf16
#include "apply.hpp"       // apply(): make an operation
#include "transforms.hpp"  // grad, vjp, jvp, jacobian, hessian, hvp, checkpoint
#include "implicit.hpp"    // fixed_point, root: solutions of equations with their gradients
#include "gradcheck.hpp"   // compare derivatives with differences
#include "inspect.hpp"     // what is on a tape, what it costs, why a gradient is absent
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/scan.hpp"
#include "ops/sort.hpp"
#include "ops/shape.hpp"
#include "ops/arrange.hpp"
#include "ops/index.hpp"
#include "ops/scatter.hpp"
#include "ops/interpolate.hpp"
#include "ops/matmul.hpp"
#include "ops/recurrent.hpp"
#include "ops/ctc.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/linalg.hpp"
#include "ops/random.hpp"
#include "ops/update.hpp"
#include "ops/normalize.hpp"
#include "ops/conv.hpp"
#include "ops/pool.hpp"
#include "ops/attention.hpp"
#include "functions.hpp"       // compositions of operations: no rule in there
#include "distributions.hpp"   // Normal, Gamma, Categorical and others: samples, densities, entropies, divergences
