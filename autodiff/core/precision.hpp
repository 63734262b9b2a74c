#pragma once

#include <cstdint>

#include "export.hpp"

namespace xgrad {

/// How products read f32 operands: unchanged, or rounded to bf16 (8-bit significand, round to nearest, ties to even).
/// Sums are f32 in both cases.
enum class Precision : std::uint8_t { full, bf16 };

/// While one exists, it sets the precision of products that this thread starts: matmul, linear, bilinear, and einsum
/// and tensordot if they multiply matrices; convolutions and their transposes; the products of a recurrent layer with
/// its inputs. Their pullbacks use the same precision, whenever they run. Other pullbacks do not: a user's pullback or
/// hook multiplies in full precision unless it opens an Autocast itself. Parameters, results, gradients, updates and
/// all other operations (the products inside attention, linear algebra, statistics, distributions) stay f32; f64 is not
/// affected. Like PyTorch's autocast, but without a bf16 dtype:
///
///     Tape tape;
///     const Tensor loss = [&] {
///         const Autocast bf16;
///         return nn::cross_entropy(net(x), y);
///     }();
///     optimizer.step(net, tape.gradient(loss));
///
/// Large products are several times as fast on processors with AMX, and faster with AMD's BF16 instructions for
/// AVX-512; products with one to eight rows and convolutions with few channels gain nothing. Both instruction sets
/// flush numbers below 1.2e-38 to zero, results included. On other processors the operands are rounded and multiplied
/// as f32, which is slightly slower than plain f32. The first product requests AMX from Linux; the request fails for a
/// process with an alternate signal stack of less than 11 KB, and once it is granted the process can no longer set up
/// such a small one. An iteration like fixed_point converges no closer than bf16 allows, about 4e-3. An inner
/// Autocast(Precision::full) switches it off.
class XGRAD_API Autocast {
public:
    [[nodiscard]] explicit Autocast(Precision precision = Precision::bf16) noexcept;
    ~Autocast();
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    Precision before_;
};

/// The precision set by the innermost Autocast on this thread; full without one.
XGRAD_API Precision current_precision() noexcept;

}  // namespace xgrad
