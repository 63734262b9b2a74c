#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor.hpp"

namespace xgrad {

/// A tensor that every tape watches by itself: what a layer learns.
///
/// It has an identity of its own. A copy is another parameter with the same value; assigning changes the value and
/// keeps the identity. Tapes of several threads may use one parameter at a time as long as none of them assigns to it.
///
/// The value is a constant. TapeError for a tensor that an open tape records, whose gradient would end here without a
/// word: compute with the tensor itself, or say stop_gradient(t); and for another shape or dtype while a tape that has
/// used the parameter still records.
///
/// A bound one stands for a tensor that a tape records: in models that are values of parameters (nn::functional_call,
/// nn::grad and their kin).
class XGRAD_API Parameter : public Tensor {
public:
    Parameter() = default;
    Parameter(const Tensor& value);
    Parameter(const Parameter& other);
    Parameter(Parameter&& other) noexcept;
    Parameter& operator=(const Tensor& value);
    Parameter& operator=(const Parameter& other);
    Parameter& operator=(Parameter&& other) { return *this = static_cast<const Parameter&>(other); }
    ~Parameter() = default;

    /// The value alone: a constant for every tape.
    Tensor value() const;
    /// Takes the value out, so that its buffer can be reused for the next one; the parameter is empty until assigned.
    Tensor release();

    /// A frozen parameter is a constant for every tape until it is unfrozen.
    void freeze(bool frozen = true);
    bool frozen() const { return frozen_; }

    /// Makes it stand for `tensor` while a tape records that: what is computed with it is computed with that tensor, to
    /// which the gradient flows. Copies are bound to the same tensor. Once its tape is gone a bound parameter is a
    /// constant, and a copy of it an ordinary parameter; so is the parameter itself as soon as a value is assigned. A
    /// constant is assigned as by `=`.
    void bind(const Tensor& tensor);
    bool bound() const;

private:
    void identify();
    void check_value(const Tensor& value) const;

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

/// What `gradient(y, x)` returns when y does not depend on x: an empty tensor, or zeros of x's shape.
enum class Unconnected : unsigned char { absent, zeros };

struct GradientOptions {
    Tensor cotangent = {};  ///< weights of y's elements, y's shape; needed unless y has one element (then 1)
    Tensors cotangents = {};  ///< of several results, one for each
    std::optional<Unconnected> unconnected =
        {};  ///< absent unless said; `gradient(y)` without sources then takes a y that depends on nothing
};

/// Tensors as an argument: `{a, b}`, a vector or a span. It refers to them and is gone with the call.
class TensorList {
public:
    TensorList(std::initializer_list<Tensor> tensors) : tensors_(tensors.begin(), tensors.size()) {}
    template <class R>
        requires std::is_convertible_v<const R&, std::span<const Tensor>>
    TensorList(const R& tensors) : tensors_(tensors) {}
    std::span<const Tensor> span() const { return tensors_; }

private:
    std::span<const Tensor> tensors_;
};

struct TapeOptions {
    bool persistent = false;  ///< may take any number of gradients; saved values live as long as the tape
    bool watch_parameters = true;  ///< false: only what `watch` names
    bool check_finite =
        false;  ///< stop at the first recorded operation that gives NaN or inf, forward or backward (ValueError)
    bool profile = false;  ///< take the time of each recorded operation, for `profile(tape)`
};

namespace detail {
struct Record;
struct TapeAccess;
}  // namespace detail

/// Records operations on this thread while it lives, and takes gradients.
///
/// A tape opened while another lives is a scope on the same record: its gradients are recorded for the outer one, which
/// gives derivatives of any order; at most 64 may be open on a thread. A tape takes one gradient unless persistent.
/// Tensors outlive it and are then constants. Tapes may be closed in any order, and on any thread.
/// TapeError when used twice, from another thread than the one that opened it, or after that thread has ended.
class XGRAD_API Tape {
public:
    Tape() : Tape(TapeOptions{}) {}
    explicit Tape(TapeOptions options);
    ~Tape();
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    /// The same value as a source of gradients. DTypeError unless it is f32 or f64.
    Tensor watch(const Tensor& tensor, Location where = Location::current());

    /// dy/dx for everything watched, parameters included. y must have one element unless a cotangent is given
    /// (ShapeError). TapeError for a y that this tape did not record, which says why, unless `.unconnected` is given.
    Gradients gradient(const Tensor& y, const GradientOptions& options = {}, Location where = Location::current());
    /// dy/dx for one source: any tensor recorded on this tape, watched or not.
    Tensor gradient(const Tensor& y, const Tensor& x, const GradientOptions& options = {},
                    Location where = Location::current());
    /// dy/dx for several sources at once.
    Tensors gradient(const Tensor& y, const TensorList& xs, const GradientOptions& options = {},
                     Location where = Location::current());
    /// The same for several results in one sweep: the gradient of sum_j ys_j · cotangents_j. (For g++ name the type:
    /// GradientOptions{.cotangents = …}.)
    Gradients gradient(const TensorList& ys, const GradientOptions& options = {}, Location where = Location::current());
    Tensor gradient(const TensorList& ys, const Tensor& x, const GradientOptions& options = {},
                    Location where = Location::current());
    Tensors gradient(const TensorList& ys, const TensorList& xs, const GradientOptions& options = {},
                     Location where = Location::current());

    /// Entries recorded so far, sources included, without those that tapes inside this one recorded and nobody needs
    /// any more.
    std::size_t size() const;

private:
    friend struct detail::TapeAccess;
    detail::Record& begin_gradient(Location where) const;
    Gradients gradients_of(std::span<const Tensor> ys, const GradientOptions& options, Location where);
    Tensors gradients_of(std::span<const Tensor> ys, std::span<const Tensor> xs, const GradientOptions& options,
                         Location where);

    detail::Record* record_;
    std::uint64_t owner_;  // that record's number: the pointer is good as long as it is this thread's
    int depth_ = 0;
    bool used_ = false;
    TapeOptions options_;
};

/// Nothing that tapes opened before are watching is recorded on this thread while one of these lives: results are
/// constants.
class XGRAD_API NoRecording {
public:
    NoRecording() noexcept;
    ~NoRecording();
    NoRecording(const NoRecording&) = delete;
    NoRecording& operator=(const NoRecording&) = delete;

private:
    detail::Record* paused_;
    std::uint64_t tapes_ = 0;
};

/// True when an operation on this tensor would be recorded now.
XGRAD_API bool tracked(const Tensor& tensor);

/// The same value as a constant: no gradient flows through it. Nothing is copied.
XGRAD_API Tensor stop_gradient(const Tensor& x);

}  // namespace xgrad
