#include "recurrent_steps.hpp"

#include <algorithm>
#include <cstring>

#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/detail/gemm.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad::detail {
namespace {

template <class T>
void copy(T* to, const T* from, Int count) {
    if (count) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
}
template <class T>
void clear(T* to, Int count) {
    std::fill_n(to, count, T(0));
}

/// active(first, last) for the samples whose length exceeds t, and inactive(first, last) for the others.
template <class Active, class Inactive>
void for_rows(const RecurrentLayer& layer, Int t, const Active& active, const Inactive& inactive) {
    if (!layer.lengths.defined()) {
        // A gate costs about as much as eight additions.
        parallel_for(layer.batch, layer.batch * layer.hidden * layer.gates() * 8, active);
        return;
    }
    const Int* length = elements<Int>(layer.lengths);
    for (Int first = 0, last; first < layer.batch; first = last) {
        const bool on = t < length[first];
        for (last = first + 1; last < layer.batch && (t < length[last]) == on;) ++last;
        if (on) active(first, last);
        else inactive(first, last);
    }
}

template <class T>
class Forward {
public:
    explicit Forward(const RecurrentLayer& layer)
        : l_(layer),
          n_(layer.hidden),
          step_(layer.batch * layer.hidden),
          weight_(elements<T>(l_.weight_hh), true, l_.gates() * n_, n_) {}

    RecurrentValues run() {
        if (l_.cell == Cell::lstm) lstm();
        else if (l_.cell == Cell::gru) gru();
        else rnn();
        return values_;
    }

private:
    /// A buffer for all steps; zeroed if samples do not take all of them.
    Tensor room(Int width) const {
        const Shape shape{l_.steps, l_.batch, width};
        return l_.lengths.defined() ? zeros(shape, l_.x.dtype()) : empty(shape, l_.x.dtype());
    }
    void rnn() {
        values_.states = from_inputs(both_biases());
        const bool relu = l_.cell == Cell::rnn_relu;
        if (!relu) values_.gates = room(n_);
        T* const slopes = relu ? nullptr : elements<T>(values_.gates);
        each_step([&](Int t, const T* before, const T*, T* h) {
            weight_.product(l_.batch, before, h, true);
            T* const slope = relu ? nullptr : slopes + t * step_;
            for_rows(
                l_, t,
                [&](Int first, Int last) {
                    kernels_.rnn(h + first * n_, relu ? nullptr : slope + first * n_, last - first, n_, relu);
                },
                [&](Int first, Int last) { copy(h + first * n_, before + first * n_, (last - first) * n_); });
        });
    }

    void lstm() {
        values_.gates = from_inputs(both_biases());
        values_.states = empty({l_.steps, l_.batch, n_}, l_.x.dtype());
        values_.cells = empty({l_.steps, l_.batch, n_}, l_.x.dtype());
        T *gates = elements<T>(values_.gates), *cells = elements<T>(values_.cells);
        each_step([&](Int t, const T* before, const T* c_before, T* h) {
            T *const gate = gates + t * step_ * 4, *const c = cells + t * step_;
            weight_.product(l_.batch, before, gate, true);
            for_rows(
                l_, t,
                [&](Int first, Int last) {
                    kernels_.lstm(gate + first * 4 * n_, c_before + first * n_, c + first * n_, h + first * n_,
                                  last - first, n_);
                },
                [&](Int first, Int last) {
                    copy(h + first * n_, before + first * n_, (last - first) * n_);
                    copy(c + first * n_, c_before + first * n_, (last - first) * n_);
                });
        });
    }

    void gru() {
        const Tensor of_inputs = from_inputs(l_.bias_ih), of_state = empty({l_.batch, 3 * n_}, l_.x.dtype());
        values_.states = empty({l_.steps, l_.batch, n_}, l_.x.dtype());
        values_.gates = room(4 * n_);
        const T *of_x = elements<T>(of_inputs), *bias = l_.bias_hh.defined() ? elements<T>(l_.bias_hh) : nullptr;
        T *saved = elements<T>(values_.gates), *of_h = elements<T>(of_state);
        each_step([&](Int t, const T* before, const T*, T* h) {
            weight_.product(l_.batch, before, of_h, false, bias);
            const T* const x = of_x + t * step_ * 3;
            T* const gates = saved + t * step_ * 4;
            for_rows(
                l_, t,
                [&](Int first, Int last) {
                    kernels_.gru(x + first * 3 * n_, of_h + first * 3 * n_, before + first * n_, h + first * n_,
                                 gates + first * 4 * n_, last - first, n_);
                },
                [&](Int first, Int last) { copy(h + first * n_, before + first * n_, (last - first) * n_); });
        });
    }

    Tensor both_biases() const { return l_.bias_ih.defined() ? add(l_.bias_ih, l_.bias_hh) : Tensor(); }

    /// The contribution of the inputs to the gates, for all steps.
    Tensor from_inputs(const Tensor& bias) const {
        Tensor y = empty({l_.steps, l_.batch, l_.gates() * n_}, l_.x.dtype());
        gemm({false, true, l_.steps * l_.batch, l_.gates() * n_, l_.inputs, false, l_.precision}, elements<T>(l_.x),
             elements<T>(l_.weight_ih), elements<T>(y), bias.defined() ? elements<T>(bias) : nullptr);
        return y;
    }
    /// Calls f(t, state before, cell before, state) for each step.
    template <class F>
    void each_step(const F& f) const {
        T* states = elements<T>(values_.states);
        const T *before = elements<T>(l_.h0), *c_before = l_.c0.defined() ? elements<T>(l_.c0) : nullptr;
        for (Int s = 0; s < l_.steps; ++s) {
            const Int t = l_.time(s);
            f(t, before, c_before, states + t * step_);
            before = states + t * step_;
            if (values_.cells.defined()) c_before = elements<T>(values_.cells) + t * step_;
        }
    }

    const RecurrentLayer& l_;
    const Int n_, step_;
    const PackedMatrix<T> weight_;
    const kernels::RecurrentTable<T>& kernels_ = kernels::active().recurrent.of<T>();
    RecurrentValues values_;
};

template <class T>
class Backward {
public:
    Backward(const RecurrentLayer& layer, const RecurrentValues& values, const Tensor& output, const Tensor& h,
             const Tensor& c)
        : l_(layer),
          v_(values),
          n_(layer.hidden),
          step_(layer.batch * layer.hidden),
          g_(elements<T>(output)),
          dh_(copied(h)),
          dc_(copied(c)) {}

    std::array<Tensor, 8> run(Needs needs) {
        steps();
        std::array<Tensor, 8> parts;
        parts[1] = dh_;
        parts[2] = dc_;
        const Int rows = l_.steps * l_.batch, width = l_.gates() * n_;
        const Tensor &dx = of_x_, &dh = l_.cell == Cell::gru ? of_h_ : of_x_;
        if (needs[0]) {  // x
            parts[0] = like(l_.x);
            gemm({false, false, rows, l_.inputs, width, false, l_.precision}, elements<T>(dx),
                 elements<T>(l_.weight_ih), elements<T>(parts[0]));
        }
        if (needs[3]) {  // weight_ih
            parts[3] = like(l_.weight_ih);
            gemm({true, false, width, l_.inputs, rows, false, l_.precision}, elements<T>(dx), elements<T>(l_.x),
                 elements<T>(parts[3]));
        }
        if (needs[4]) {  // weight_hh
            parts[4] = like(l_.weight_hh);
            // For every step except the first, the previous state is in `states`, one time step away.
            const Int later = l_.steps ? (l_.steps - 1) * l_.batch : 0, first = l_.steps ? l_.time(0) : 0;
            const T *const d = elements<T>(dh), *const states = elements<T>(v_.states);
            gemm({true, false, width, n_, later}, l_.reverse ? d : d + l_.batch * width,
                 l_.reverse ? states + step_ : states, elements<T>(parts[4]));
            if (l_.steps)
                gemm({true, false, width, n_, l_.batch, true}, d + first * l_.batch * width, elements<T>(l_.h0),
                     elements<T>(parts[4]));
        }
        if (needs[5]) parts[5] = sum(dx, {0, 1});
        if (needs[6]) parts[6] = needs[5] && l_.cell != Cell::gru ? parts[5] : sum(dh, {0, 1});
        return parts;
    }

private:
    /// Fills of_x_ and of_h_, the cotangents of the contributions of x and the states to the gates, and leaves the
    /// cotangents of h0 and c0 in dh_ and dc_.
    void steps() {
        const Int width = l_.gates() * n_;
        const bool is_gru = l_.cell == Cell::gru;
        of_x_ = empty({l_.steps, l_.batch, width}, l_.x.dtype());
        if (is_gru) of_h_ = like(of_x_);
        const PackedMatrix<T> weight(elements<T>(l_.weight_hh), false, n_, width);
        Tensor next = like(l_.h0);
        const bool adds = is_gru || l_.lengths.defined();
        for (Int s = l_.steps - 1; s >= 0; --s) {
            const Int t = l_.time(s);
            T *const dx = elements<T>(of_x_) + t * step_ * l_.gates(), *const carried = elements<T>(dh_),
                     *const past = elements<T>(next);
            T* const dh = is_gru ? elements<T>(of_h_) + t * step_ * 3 : dx;
            for_rows(
                l_, t,
                [&](Int first, Int last) {
                    if (adds && !is_gru) clear(past + first * n_, (last - first) * n_);
                    step(t, before(v_.states, l_.h0, s), s, first, last, carried, dx, dh, past);
                },
                [&](Int first, Int last) {
                    clear(dx + first * width, (last - first) * width);
                    if (is_gru) clear(dh + first * width, (last - first) * width);
                    copy(past + first * n_, carried + first * n_, (last - first) * n_);
                });
            weight.product(l_.batch, dh, past, adds);
            std::swap(dh_, next);
        }
    }

    void step(Int t, const T* h_before, Int s, Int first, Int last, const T* carried, T* dx, T* dh, T* past) const {
        const Int at = t * step_ + first * n_, row = first * n_, rows = last - first;
        if (l_.cell == Cell::lstm)
            kernels_.lstm_back(elements<T>(v_.gates) + 4 * at, before(v_.cells, l_.c0, s) + row,
                               elements<T>(v_.cells) + at, g_ + at, carried + row, elements<T>(dc_) + row, dx + 4 * row,
                               rows, n_);
        else if (l_.cell == Cell::gru)
            kernels_.gru_back(elements<T>(v_.gates) + 4 * at, h_before + row, g_ + at, carried + row, dx + 3 * row,
                              dh + 3 * row, past + row, rows, n_);
        else {
            const bool relu = l_.cell == Cell::rnn_relu;
            kernels_.rnn_back(elements<T>(v_.states) + at, relu ? nullptr : elements<T>(v_.gates) + at, g_ + at,
                              carried + row, dx + row, rows, n_, relu);
        }
    }

    const T* before(const Tensor& states, const Tensor& initial, Int s) const {
        return s == 0 ? elements<T>(initial) : elements<T>(states) + l_.time(s - 1) * step_;
    }
    static Tensor like(const Tensor& t) { return empty(t.shape(), t.dtype()); }
    static Tensor copied(const Tensor& t) {
        if (!t.defined()) return t;
        Tensor y = like(t);
        copy(elements<T>(y), elements<T>(t), t.size());
        return y;
    }

    const RecurrentLayer& l_;
    const RecurrentValues& v_;
    const Int n_, step_;
    const T* const g_;
    const kernels::RecurrentTable<T>& kernels_ = kernels::active().recurrent.of<T>();
    Tensor dh_, dc_, of_x_, of_h_;
};

}  // namespace

RecurrentValues run_recurrent(const RecurrentLayer& layer) {
    return with_floating(layer.x.dtype(), [&]<class T>(T) { return Forward<T>(layer).run(); });
}

std::array<Tensor, 8> run_recurrent_back(const RecurrentLayer& layer, const RecurrentValues& values,
                                         const Tensor& output, const Tensor& h, const Tensor& c, Needs needs) {
    return with_floating(layer.x.dtype(),
                         [&]<class T>(T) { return Backward<T>(layer, values, output, h, c).run(needs); });
}

Tensor output_of(const RecurrentLayer& layer, const Tensor& states) {
    if (!layer.lengths.defined()) return states;
    Tensor y = empty(states.shape(), states.dtype());
    const Int line = layer.hidden;
    with_floating(y.dtype(), [&]<class T>(T) {
        for (Int t = 0; t < layer.steps; ++t) {
            const Int start = t * layer.batch;
            for_rows(
                layer, t,
                [&](Int first, Int last) {
                    copy(elements<T>(y) + (start + first) * line, elements<T>(states) + (start + first) * line,
                         (last - first) * line);
                },
                [&](Int first, Int last) { clear(elements<T>(y) + (start + first) * line, (last - first) * line); });
        }
    });
    return y;
}

Tensor last_of(const RecurrentLayer& layer, const Tensor& states, const Tensor& before) {
    if (layer.steps == 0) return before;
    return TensorAccess::view(states, before.shape(), layer.time(layer.steps - 1) * before.size());
}

}  // namespace xgrad::detail
