#pragma once

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "tensor.hpp"

namespace xgrad {

/// A tensor that every tape watches by itself: what a layer learns.
///
/// It has an identity of its own. A copy is another parameter with the same value; assigning changes the value and keeps the
/// identity. Tapes of several threads may use one parameter at a time as long as none of them assigns to it.
class XGRAD_API Parameter : public Tensor {
public:
    Parameter() = default;
    Parameter(const Tensor& value);
    Parameter(const Parameter& other);
    Parameter(Parameter&& other) noexcept;
    Parameter& operator=(const Tensor& value);
    Parameter& operator=(const Parameter& other) { return *this = static_cast<const Tensor&>(other); }
    Parameter& operator=(Parameter&& other) { return *this = static_cast<const Tensor&>(other); }
    ~Parameter() = default;

    /// The value alone: a constant for every tape.
    Tensor value() const;
    /// Takes the value out, so that its buffer can be reused for the next one; the parameter is empty until assigned.
    Tensor release();

    /// A frozen parameter is a constant for every tape until it is unfrozen.
    void freeze(bool frozen = true);
    bool frozen() const { return frozen_; }

private:
    void identify();

    std::uint64_t id_ = 0;
    bool frozen_ = false;
};

/// What `gradient` returns: for each watched tensor or parameter the derivative of y with respect to it.
class XGRAD_API Gradients {
public:
    /// The gradient for `source`, or nullptr when y does not depend on it.
    const Tensor* find(const Tensor& source) const;
    /// The gradient for `source`. TapeError when y does not depend on it, or when it was not watched.
    const Tensor& operator[](const Tensor& source) const;
    std::size_t size() const { return found_.size(); }

private:
    friend class Tape;
    std::vector<std::pair<std::uint64_t, Tensor>> found_;  // by origin, ascending
};

/// What `gradient(y, x)` returns when y does not depend on x: an empty tensor (`absent`, the default) or zeros of x's shape.
/// Written `.unconnected = zeros` or `.unconnected = Unconnected::zeros`.
class XGRAD_API Unconnected {
public:
    static const Unconnected absent, zeros;
    constexpr Unconnected() = default;
    constexpr Unconnected(Tensor (*)(const Shape&, DType, Location)) : zeros_(true) {}
    constexpr bool gives_zeros() const { return zeros_; }

private:
    bool zeros_ = false;
};

struct GradientOptions {
    Tensor cotangent = {};         ///< weights of y's elements, y's shape; needed unless y has one element (then 1)
    Unconnected unconnected = {};  ///< what stands for "does not depend"
};

struct TapeOptions {
    bool persistent = false;        ///< may take any number of gradients; saved values live as long as the tape
    bool watch_parameters = true;   ///< false: only what `watch` names
    bool check_finite = false;      ///< stop at the first recorded operation that gives NaN or inf, forward or backward (ValueError)
    bool profile = false;           ///< take the time of each recorded operation, for `profile(tape)`
};

namespace detail {
struct Record;
struct TapeAccess;
}  // namespace detail

/// Records operations on this thread while it lives, and takes gradients.
///
/// A tape opened while another lives is a scope on the same record: its gradients are recorded for the outer one, which gives
/// derivatives of any order. A tape takes one gradient unless persistent. Tensors outlive it and are then constants.
/// TapeError when used twice, from another thread, or closed out of order.
class XGRAD_API Tape {
public:
    Tape() : Tape(TapeOptions{}) {}
    explicit Tape(TapeOptions options);
    ~Tape();
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    /// The same value as a source of gradients. DTypeError unless it is f32 or f64.
    Tensor watch(const Tensor& tensor, Location where = Location::current());

    /// dy/dx for everything watched, parameters included. y must have one element unless a cotangent is given (ShapeError).
    Gradients gradient(const Tensor& y, const GradientOptions& options = {}, Location where = Location::current());
    /// dy/dx for one source: any tensor recorded on this tape, watched or not.
    Tensor gradient(const Tensor& y, const Tensor& x, const GradientOptions& options = {}, Location where = Location::current());
    /// dy/dx for several sources at once.
    std::vector<Tensor> gradient(const Tensor& y, const std::vector<Tensor>& xs, const GradientOptions& options = {},
                                 Location where = Location::current());
    template <std::size_t N>
    std::vector<Tensor> gradient(const Tensor& y, const Tensor (&xs)[N], const GradientOptions& options = {},
                                 Location where = Location::current()) {
        return gradient(y, std::vector<Tensor>(xs, xs + N), options, where);
    }

    /// Entries recorded so far, sources included.
    std::size_t size() const;

private:
    friend struct detail::TapeAccess;
    void gradients_of(const Tensor& y, std::vector<std::pair<std::uint64_t, Tensor>>* found, Tensor* sources, std::size_t count,
                      const GradientOptions& options, Location where);

    detail::Record* record_ = nullptr;
    int depth_ = 0;
    bool used_ = false;
    TapeOptions options_;
    std::thread::id thread_;
};

/// True when an operation on this tensor would be recorded now.
XGRAD_API bool tracked(const Tensor& tensor);

/// The same value as a constant: no gradient flows through it. Nothing is copied.
XGRAD_API Tensor stop_gradient(const Tensor& x);

}  // namespace xgrad
