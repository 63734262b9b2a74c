#pragma once

#include <cstdint>
#include <vector>

#include "autodiff/core/tensor.hpp"

namespace xgrad {

/// A source of random numbers: Philox4x32-10, counter-based (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as
/// easy as 1, 2, 3, SC 2011). The numbers depend on the seed and on how many were drawn before, not on threads or
/// instruction sets. Copy a generator to draw the same numbers again.
class XGRAD_API Generator {
public:
    explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
    std::uint64_t seed() const { return seed_; }
    std::uint64_t counter() const { return counter_; }
    void set_counter(std::uint64_t counter) { counter_ = counter; }
    /// 32 random bits.
    std::uint32_t operator()();
    using result_type = std::uint32_t;
    static constexpr std::uint32_t min() { return 0; }
    static constexpr std::uint32_t max() { return 0xffffffffu; }

    /// The start of a stream of numbers.
    struct Draw {
        std::uint64_t seed, first;
    };
    /// Reserves counters for `blocks` blocks of four words each.
    Draw draw(std::uint64_t blocks);

private:
    std::uint64_t seed_ = 0;
    std::uint64_t counter_ = 0;
};

/// True while a checkpoint recomputes its function: every draw then returns the numbers of the first run and does not
/// advance its generator. Code that counts draws separately must not count these.
XGRAD_API bool drawing_again();

namespace detail {

/// 64 well-mixed bits from a seed and a number: SplitMix64's output function (Steele, Lea, Flood: Fast splittable
/// pseudorandom number generators, OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t number) {
    std::uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/// While one exists, the draws of this thread are recorded in `draws` or, if `repeats`, read back from it in the same
/// order.
class XGRAD_API DrawLog {
public:
    DrawLog(std::vector<Generator::Draw>& draws, bool repeats);
    ~DrawLog();
    DrawLog(const DrawLog&) = delete;
    DrawLog& operator=(const DrawLog&) = delete;

private:
    friend class xgrad::Generator;
    friend XGRAD_API bool xgrad::drawing_again();
    std::vector<Generator::Draw>& draws_;
    std::size_t next_ = 0;
    bool repeats_;
    DrawLog* enclosing_;
};

}  // namespace detail

/// The calling thread's generator, used for every draw that names no generator, including the initial values and seeds
/// of layers. Every thread has its own stream, derived from the process's seed (0 until manual_seed) in the order in
/// which threads first draw, so threads started one after another draw the same numbers in every run. If that order is
/// not deterministic, give each thread a Generator or call manual_seed in it.
XGRAD_API Generator& default_generator();
/// Restarts the calling thread's generator: the same seed gives the same numbers, initial values, dropout masks and
/// batches. It becomes the process's seed: current and future threads that did not call manual_seed themselves start
/// streams derived from this seed with their next draw.
XGRAD_API void manual_seed(std::uint64_t seed);

// --- numbers of a given shape; generator and element type are optional -----------------------------------------------

/// Uniform in [0, 1).
XGRAD_API Tensor rand(const Shape& shape, Generator& generator = default_generator(), DType dtype = DType::f32,
                      Location where = Location::current());
inline Tensor rand(const Shape& shape, DType dtype, Location where = Location::current()) {
    return rand(shape, default_generator(), dtype, where);
}
/// Standard normal.
XGRAD_API Tensor randn(const Shape& shape, Generator& generator = default_generator(), DType dtype = DType::f32,
                       Location where = Location::current());
inline Tensor randn(const Shape& shape, DType dtype, Location where = Location::current()) {
    return randn(shape, default_generator(), dtype, where);
}
/// Integers in [low, high). ValueError unless low < high.
XGRAD_API Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape,
                         Generator& generator = default_generator(), DType dtype = DType::i64,
                         Location where = Location::current());
inline Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, DType dtype,
                      Location where = Location::current()) {
    return randint(low, high, shape, default_generator(), dtype, where);
}
/// 1 with probability p, else 0. ValueError unless 0 <= p <= 1.
XGRAD_API Tensor bernoulli(double p, const Shape& shape, Generator& generator = default_generator(),
                           DType dtype = DType::f32, Location where = Location::current());
inline Tensor bernoulli(double p, const Shape& shape, DType dtype, Location where = Location::current()) {
    return bernoulli(p, shape, default_generator(), dtype, where);
}
/// A random permutation of 0 … n-1 (i64).
XGRAD_API Tensor permutation(std::int64_t n, Generator& generator = default_generator(),
                             Location where = Location::current());

// --- numbers of a distribution whose parameters are tensors ----------------------------------------------------------
//
// Names and parameters are NumPy's. Parameters broadcast, and if a shape is given, to that shape; a plain number takes
// the other parameter's element type, and plain numbers alone give f32. Every element draws from its own stream, in
// f64, so that rejections do not affect other elements and f32 results are the rounded f64 numbers. ValueError for a
// parameter outside its domain, NaN included. Those marked "pathwise" have a gradient: the change of the number with
// the parameters at a fixed quantile.

/// Normal with mean loc and standard deviation scale >= 0. Pathwise.
XGRAD_API Tensor normal(const Operand& loc, const Operand& scale, const Shape& shape,
                        Generator& generator = default_generator());
XGRAD_API Tensor normal(const Operand& loc, const Operand& scale, Generator& generator = default_generator());
/// Uniform in [low, high), low <= high; rounding may produce high itself. Pathwise.
XGRAD_API Tensor uniform(const Operand& low, const Operand& high, const Shape& shape,
                         Generator& generator = default_generator());
XGRAD_API Tensor uniform(const Operand& low, const Operand& high, Generator& generator = default_generator());
/// Exponential with mean scale >= 0, which is 1 / rate. Pathwise.
XGRAD_API Tensor exponential(const Operand& scale, const Shape& shape, Generator& generator = default_generator());
XGRAD_API Tensor exponential(const Operand& scale, Generator& generator = default_generator());
/// Gamma with density x^(alpha - 1) exp(-x / scale), alpha > 0, scale > 0 (Marsaglia and Tsang: A simple method for
/// generating gamma variables, ACM Trans. Math. Softw. 26, 2000). Pathwise, by implicit differentiation of the
/// distribution function (Figurnov, Mohamed, Mnih: Implicit reparameterization gradients, NeurIPS 2018), up to the
/// eighth derivative (ValueError beyond).
XGRAD_API Tensor gamma(const Operand& alpha, const Operand& scale, const Shape& shape,
                       Generator& generator = default_generator());
XGRAD_API Tensor gamma(const Operand& alpha, const Operand& scale, Generator& generator = default_generator());
/// Beta on (0, 1) with a, b > 0: x / (x + y) of two gamma variates, computed from their logarithms, so that a tiny
/// parameter does not lead to 0 / 0. Pathwise through the gamma variates.
XGRAD_API Tensor beta(const Operand& a, const Operand& b, const Shape& shape,
                      Generator& generator = default_generator());
XGRAD_API Tensor beta(const Operand& a, const Operand& b, Generator& generator = default_generator());
/// Poisson with mean rate >= 0: a search from 0 for small rates, else PTRS (Hörmann: The transformed rejection method
/// for generating Poisson random variables, Insurance: Mathematics and Economics 12, 1993).
XGRAD_API Tensor poisson(const Operand& rate, const Shape& shape, Generator& generator = default_generator());
XGRAD_API Tensor poisson(const Operand& rate, Generator& generator = default_generator());
/// The number of successes in n trials with probability p each, n a whole number >= 0: a search from 0 for small n p,
/// else BTRS (Hörmann: The generation of binomial random variates, J. Stat. Comput. Simul. 46, 1993).
XGRAD_API Tensor binomial(const Operand& n, const Operand& p, const Shape& shape,
                          Generator& generator = default_generator());
XGRAD_API Tensor binomial(const Operand& n, const Operand& p, Generator& generator = default_generator());
/// 1 with the probability given by each element of p, else 0, in p's element type.
XGRAD_API Tensor bernoulli(const Tensor& p, Generator& generator = default_generator(),
                           Location where = Location::current());

// --- classes: the last axis of probabilities or logits ---------------------------------------------------------------

/// Classes (i64) drawn from softmax(logits), (…, C): the result has `shape` followed by logits' leading axes. A class
/// with logit -inf is never drawn. ValueError for NaN, +inf and rows without a possible class, ShapeError for a scalar.
XGRAD_API Tensor categorical(const Operand& logits, const Shape& shape = {},
                             Generator& generator = default_generator());
struct MultinomialOptions {
    bool replacement = false;  ///< a class may be drawn again
};
/// `count` classes (i64) drawn with weights (C) or (rows, C), which are finite, not negative and need not sum to 1,
/// like torch.multinomial: (count) or (rows, count). Without replacement each class is drawn at most once, in the order
/// of successive draws, and at least `count` classes must have a positive weight.
XGRAD_API Tensor multinomial(const Operand& weights, std::int64_t count, const MultinomialOptions& options = {},
                             Generator& generator = default_generator());
struct GumbelSoftmaxOptions {
    double tau = 1;  ///< the temperature, positive: the result approaches one-hot as it goes to 0
    bool hard = false;  ///< one-hot, with the gradient of the soft result (straight-through)
    int axis = -1;
};
/// softmax((logits + Gumbel noise) / tau) along an axis: a differentiable approximation of a one-hot class drawn from
/// softmax(logits) (Jang, Gu, Poole: Categorical reparameterization with Gumbel-softmax, ICLR 2017; Maddison, Mnih,
/// Teh, ICLR 2017).
XGRAD_API Tensor gumbel_softmax(const Operand& logits, const GumbelSoftmaxOptions& options = {},
                                Generator& generator = default_generator());

}  // namespace xgrad
