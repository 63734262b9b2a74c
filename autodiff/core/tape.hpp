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

/// A tensor that every tape watches automatically: a trainable value of a layer.
///
/// It has its own identity. A copy is another parameter with the same value; assigning changes the value and keeps the
/// identity. Tapes on several threads may use one parameter at the same time as long as no thread assigns to it.
///
/// The value is a constant. Assigning a tensor that an open tape records is a TapeError, because its gradient would
/// silently end here: compute with the tensor itself, or write stop_gradient(t). Assigning another shape or dtype is a
/// TapeError while a tape that has used the parameter still records.
///
/// A bound parameter stands for a tensor that a tape records. Models called as functions of their parameters
/// (nn::functional_call, nn::grad and similar functions) use this.
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

    /// The value alone, a constant for every tape.
    Tensor value() const;
    /// Moves the value out, so that its buffer can be reused for the next one; the parameter is empty until it is
    /// assigned.
    Tensor release();

    /// A frozen parameter is a constant for every tape until it is unfrozen.
    void freeze(bool frozen = true);
    bool frozen() const { return frozen_; }

    /// Makes the parameter stand for `tensor` while a tape records that tensor: operations on the parameter use
    /// `tensor`, and the gradient flows to it. Copies are bound to the same tensor. Once the tape is gone, a bound
    /// parameter is a constant and a copy of it is an ordinary parameter; assigning a value also makes the parameter
    /// itself ordinary again. Binding a constant assigns it, as `=` does.
    void bind(const Tensor& tensor);
    bool bound() const;

private:
    void identify();
    void check_value(const Tensor& value) const;

    std::uint64_t id_ = 0;
    bool frozen_ = false;
};

/// The result of `gradient`: for each watched tensor or parameter, the derivative of y with respect to it.
class XGRAD_API Gradients {
public:
    /// The gradient for `source`, or nullptr if y does not depend on it.
    const Tensor* find(const Tensor& source) const;
    /// The gradient for `source`. TapeError if y does not depend on it or if it was not watched.
    const Tensor& operator[](const Tensor& source) const;
    std::size_t size() const { return found_.size(); }

private:
    friend class Tape;
    std::vector<std::pair<std::uint64_t, Tensor>> found_;  // by origin, ascending
};

/// What `gradient(y, x)` returns if y does not depend on x: an empty tensor, or zeros of x's shape.
enum class Unconnected : unsigned char { absent, zeros };

struct GradientOptions {
    Tensor cotangent = {};  ///< weights of y's elements, in y's shape; required unless y has one element (then 1)
    Tensors cotangents = {};  ///< for several results, one for each
    std::optional<Unconnected> unconnected =
        {};  ///< absent by default; if set, `gradient(y)` without sources accepts a y that depends on nothing
};

/// Several tensors as an argument: `{a, b}`, a vector or a span. It only refers to them and must not outlive the call.
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
    bool persistent = false;  ///< may compute any number of gradients; saved values live as long as the tape
    bool watch_parameters = true;  ///< false: only tensors passed to `watch`
    bool check_finite =
        false;  ///< stop at the first recorded operation that produces NaN or inf, forward or backward (ValueError)
    bool profile = false;  ///< time each recorded operation, for `profile(tape)`
};

namespace detail {
struct Record;
struct TapeAccess;
}  // namespace detail

/// Records operations on this thread while it exists, and computes gradients.
///
/// A tape opened while another is open is a nested scope on the same record: its gradients are recorded for the outer
/// one, which makes derivatives of any order possible; at most 64 tapes may be open on a thread. A tape computes one
/// gradient unless it is persistent. Tensors outlive it and are then constants. Tapes may be closed in any order and on
/// any thread. TapeError if a tape is used twice, from a thread other than the one that opened it, or after that thread
/// has ended.
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
    /// (ShapeError). If this tape did not record y, a TapeError says why, unless `.unconnected` is given.
    Gradients gradient(const Tensor& y, const GradientOptions& options = {}, Location where = Location::current());
    /// dy/dx for one source: any tensor recorded on this tape, watched or not.
    Tensor gradient(const Tensor& y, const Tensor& x, const GradientOptions& options = {},
                    Location where = Location::current());
    /// dy/dx for several sources at once.
    Tensors gradient(const Tensor& y, const TensorList& xs, const GradientOptions& options = {},
                     Location where = Location::current());
    /// The same for several results in one sweep: the gradient of sum_j ys_j · cotangents_j. (g++ needs the type
    /// spelled out: GradientOptions{.cotangents = …}.)
    Gradients gradient(const TensorList& ys, const GradientOptions& options = {}, Location where = Location::current());
    Tensor gradient(const TensorList& ys, const Tensor& x, const GradientOptions& options = {},
                    Location where = Location::current());
    Tensors gradient(const TensorList& ys, const TensorList& xs, const GradientOptions& options = {},
                     Location where = Location::current());

    /// The number of entries recorded so far, sources included, except those that inner tapes recorded and nothing
    /// needs any more.
    std::size_t size() const;

private:
    friend struct detail::TapeAccess;
    detail::Record& begin_gradient(Location where) const;
    Gradients gradients_of(std::span<const Tensor> ys, const GradientOptions& options, Location where);
    Tensors gradients_of(std::span<const Tensor> ys, std::span<const Tensor> xs, const GradientOptions& options,
                         Location where);

    detail::Record* record_;
    std::uint64_t owner_;  // that record's number: the pointer is valid while this is the number of the thread's record
    int depth_ = 0;
    bool used_ = false;
    TapeOptions options_;
};

/// While one of these exists, tapes opened before it record nothing on this thread: results are constants for those
/// tapes.
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

/// True if an operation on this tensor would be recorded now.
XGRAD_API bool tracked(const Tensor& tensor);

/// The same value as a constant: no gradient flows through it. Nothing is copied.
XGRAD_API Tensor stop_gradient(const Tensor& x);

}  // namespace xgrad
