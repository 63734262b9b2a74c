#pragma once

// xgrad's engine, in reading order.
#include "core/error.hpp"       // what is thrown, and the user's line in it
#include "core/tensor.hpp"      // Tensor, Shape, DType: a cheap handle to an immutable array
#include "core/memory.hpp"      // the caching allocator's figures
#include "core/tape.hpp"        // Tape, Parameter, Gradients
#include "core/precision.hpp"   // Autocast: products in bf16
#include "core/apply.hpp"       // apply(): make an operation
#include "transform/transforms.hpp"  // grad, vjp, jvp, jacobian, hessian, hvp, checkpoint
#include "transform/implicit.hpp"    // fixed_point, root: solutions of equations with their gradients
#include "transform/gradcheck.hpp"   // compare derivatives with differences
#include "inspect/inspect.hpp"     // what is on a tape, what it costs, why a gradient is absent
#include "ops/elementwise/elementwise.hpp"
#include "ops/reduce/reduce.hpp"
#include "ops/reduce/scan.hpp"
#include "ops/reduce/sort.hpp"
#include "ops/shape/shape.hpp"
#include "ops/shape/arrange.hpp"
#include "ops/shape/index.hpp"
#include "ops/shape/scatter.hpp"
#include "ops/shape/interpolate.hpp"
#include "ops/linalg/matmul.hpp"
#include "ops/nn/recurrent.hpp"
#include "ops/nn/ctc.hpp"
#include "ops/nn/cross_entropy.hpp"
#include "ops/linalg/linalg.hpp"
#include "ops/random/random.hpp"
#include "ops/nn/update.hpp"
#include "ops/nn/normalize.hpp"
#include "ops/nn/conv.hpp"
#include "ops/nn/pool.hpp"
#include "ops/nn/attention.hpp"
#include "functions/functions.hpp"       // compositions of operations: no rule in there
#include "distributions/distributions.hpp"  // Normal, Gamma, Categorical and others: samples, densities, entropies, divergences
