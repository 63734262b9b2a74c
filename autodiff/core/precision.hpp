#pragma once

#include <cstdint>

#include "export.hpp"

namespace xgrad {

/// How products read operands of f32: as they are, or rounded to bf16 (8 bits of significand, the nearest number, of
/// two the even one). Sums are f32 in both cases.
enum class Precision : std::uint8_t { full, bf16 };

/// While it lives, products that this thread begins have a precision of their own: matmul, linear, bilinear, and einsum
/// and tensordot where they multiply matrices; convolutions and their transposes; the products of a recurrent layer
/// with its inputs. Their pullbacks have it too, whenever they run, and no others: a pullback or hook of the user's
/// multiplies in full precision unless it opens an Autocast itself. Parameters, results, gradients, updates and every
/// other operation (attention's own products, linear algebra, statistics, distributions) stay f32; f64 is not touched.
/// As PyTorch's autocast, without a dtype of its own:
///
///     Tape tape;
///     const Tensor loss = [&] {
///         const Autocast bf16;
///         return nn::cross_entropy(net(x), y);
///     }();
///     optimizer.step(net, tape.gradient(loss));
///
/// Large products are several times as fast on processors with AMX, and faster with AMD's BF16 instructions for
/// AVX-512; with one to eight rows, and in convolutions of few channels, nothing is gained. Both take numbers below
/// 1.2e-38 for zero, results included. Elsewhere the operands are rounded and multiplied as f32, which is a little
/// slower than f32 itself. The first product asks Linux for AMX; a process with an alternate signal stack of less than
/// 11 KB is refused, and can make none from then on. An iteration like fixed_point settles no closer than bf16 does,
/// some 4e-3. An inner Autocast(Precision::full) switches it off.
class XGRAD_API Autocast {
public:
    [[nodiscard]] explicit Autocast(Precision precision = Precision::bf16) noexcept;
    ~Autocast();
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    Precision before_;
};

/// What the innermost Autocast on this thread says; full without one.
XGRAD_API Precision current_precision() noexcept;

}  // namespace xgrad
