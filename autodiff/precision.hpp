#pragma once

#include <cstdint>

#include "export.hpp"

namespace xgrad {

/// How products read operands of f32: as they are, or rounded to bf16 (8 bits of significand, the nearest number, of two the even one). Sums are f32 in
/// both cases.
enum class Precision : std::uint8_t { full, bf16 };

/// While it lives, products that this thread begins have a precision of their own: matmul, linear, einsum and what is made of them, convolutions and their
/// transposes, and the products of a recurrent layer with its inputs. Their pullbacks have it too, whenever they run. Parameters, results, gradients
/// and every other operation stay f32; f64 is not touched. As PyTorch's autocast, without a dtype of its own:
///
///     Tape tape;
///     const Tensor loss = [&] {
///         const Autocast bf16;
///         return nn::cross_entropy(net(x), y);
///     }();
///     optimizer.step(net, tape.gradient(loss));
///
/// Fast on processors with AMX (several times f32) or with AMD's BF16 instructions for AVX-512; these take operands below 1.2e-38 for zero. Elsewhere the
/// operands are rounded and multiplied as f32, which is a little slower than f32 itself. An inner Autocast(Precision::full) switches it off.
class XGRAD_API Autocast {
public:
    explicit Autocast(Precision precision = Precision::bf16) noexcept;
    ~Autocast();
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    Precision before_;
};

/// What the innermost Autocast on this thread says; full without one.
XGRAD_API Precision current_precision() noexcept;

}  // namespace xgrad
