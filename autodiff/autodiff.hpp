#pragma once

// xgrad's engine, in reading order.
#include "core/error.hpp"                   // exceptions, with the user's source line
#include "core/tensor.hpp"                  // Tensor, Shape, DType: a cheap handle to an immutable array
#include "core/memory.hpp"                  // statistics of the caching allocator
#include "core/tape.hpp"                    // Tape, Parameter, Gradients
#include "core/precision.hpp"               // Autocast: products in bf16
#include "core/apply.hpp"                   // apply(): define operations
#include "transform/transforms.hpp"         // grad, vjp, jvp, jacobian, hessian, hvp, checkpoint
#include "transform/chunks.hpp"             // sum_over_chunks: gradients of large sums, a cache at a time
#include "transform/implicit.hpp"           // fixed_point, root: solutions of equations with their gradients
#include "transform/gradcheck.hpp"          // compare derivatives with finite differences
#include "inspect/inspect.hpp"              // tape contents, costs, and why a gradient is absent
#include "ops/elementwise/elementwise.hpp"  // arithmetic, exp, tanh, relu, where, comparisons, …
#include "ops/reduce/reduce.hpp"            // sum, mean, max, argmax, norm, softmax, …
#include "ops/reduce/scan.hpp"              // cumsum, cumprod, cummax, …
#include "ops/reduce/sort.hpp"              // sort, argsort, topk, …
#include "ops/shape/shape.hpp"              // reshape, transpose, slice, concat, stack, …
#include "ops/shape/arrange.hpp"            // pad, flip, roll, diagonals, triangles, unfold
#include "ops/shape/index.hpp"              // take, embedding, one_hot, argwhere, …
#include "ops/shape/scatter.hpp"            // gather, scatter
#include "ops/shape/interpolate.hpp"        // interpolate
#include "ops/linalg/matmul.hpp"            // matmul, linear
#include "ops/linalg/linalg.hpp"            // cholesky, solve, inv, det, qr, svd, eigh
#include "ops/random/random.hpp"            // Generator, randn, uniform, bernoulli, …
#include "ops/nn/conv.hpp"                  // convolutions and their transposes
#include "ops/nn/pool.hpp"                  // pooling
#include "ops/nn/normalize.hpp"             // layer_norm, batch_norm, …
#include "ops/nn/attention.hpp"             // scaled dot-product attention
#include "ops/nn/recurrent.hpp"             // rnn, lstm, gru
#include "ops/nn/cross_entropy.hpp"         // bernoulli_cross_entropy
#include "ops/nn/ctc.hpp"                   // connectionist temporal classification
#include "ops/nn/update.hpp"                // fused parameter updates
#include "functions/functions.hpp"          // compositions of operations, without rules of their own
#include "distributions/distributions.hpp"  // Normal, Gamma, Categorical, …: samples, densities, divergences
