#include "pool.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "detail/pooling.hpp"

// The largest element of each window, and its position.

namespace xgrad {

using namespace detail;

namespace {

/// A position in a plane; -1 for an empty window.
using Place = std::int32_t;

template <class T>
void max_of_plane(const T* x, const Windows& w, T* y, Place* place) {
    const AxisWindows &az = w.axis[0], &ay = w.axis[1], &ax = w.axis[2];
    const std::size_t columns = ax.first.size();
    const Int most = columns ? *std::max_element(ax.count.begin(), ax.count.end()) : 0;
    for (std::size_t z = 0; z < az.first.size(); ++z)
        for (std::size_t r = 0; r < ay.first.size(); ++r, y += columns, place += columns) {
            std::fill_n(y, columns, -std::numeric_limits<T>::infinity());
            std::fill_n(place, columns, Place{-1});
            // Processes the windows of one row side by side, element by element, so that no window waits for its own
            // previous comparison.
            for (Int k = 0; k < az.count[z]; ++k)
                for (Int j = 0; j < ay.count[r]; ++j) {
                    const Int row = ((az.first[z] + k * az.step) * ay.size + ay.first[r] + j * ay.step) * ax.size;
                    for (Int i = 0; i < most; ++i)
                        for (std::size_t c = 0; c < columns; ++c) {
                            if (i >= ax.count[c]) continue;
                            const Int there = row + ax.first[c] + i * ax.step, at = place[c];
                            const T value = x[there];
                            const Int better = (value > y[c]) | (value != value) | (at < 0),
                                      now = at + better * (there - at);
                            place[c] = static_cast<Place>(now);  // no branch: it could not be predicted
                            y[c] = x[now];
                        }
                }
        }
}

/// Adjacent two by two windows: the common case, without index lists.
template <class T>
void max_of_plane_2x2(const T* x, const Windows& w, T* y, Place* place) {
    const Int width = w.axis[2].size, columns = w.axis[2].result;
    const auto largest = kernels::active().gather.of<T>().largest_2x2;
    for (Int r = 0; r < w.axis[1].result; ++r)
        largest(x + 2 * r * width, width, static_cast<Place>(2 * r * width), y + r * columns, place + r * columns,
                columns);
}

bool is_2x2(const Windows& w) {
    const AxisWindows &ay = w.axis[1], &ax = w.axis[2];
    if (w.axis[0].size != 1 || w.axis[0].count != std::vector<Int>{1}) return false;
    for (const AxisWindows* a : {&ay, &ax})
        for (std::size_t o = 0; o < a->first.size(); ++o)
            if (a->first[o] != 2 * static_cast<Int>(o) || a->count[o] != 2 || a->step != 1) return false;
    return true;
}

/// The largest elements, followed by their positions.
struct MaxPooling : Pooling {
    static constexpr const char* name = "max_pool";
    static constexpr Saves saves{.outputs = 0b10};
    static constexpr int results = 1;

    std::array<Tensor, 2> value(const Tensor& x) const;
    Tensor pullback(Tensor g, const Saved& s) const;
};

std::array<Tensor, 2> MaxPooling::value(const Tensor& x) const {
    const SharedWindows shared = windows(x.shape());
    const Windows& w = *shared;
    Tensor values = empty(w.out, x.dtype()), places = empty(w.out, DType::i32);
    if (values.size() == 0) return {std::move(values), std::move(places)};
    const bool plain = is_2x2(w);
    with_floating(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(values);
        Place* at = elements<Place>(places);
        parallel_for(w.planes, w.work() * 4, [&](Int begin, Int end) {
            for (Int p = begin; p < end; ++p)
                (plain ? max_of_plane_2x2<T> : max_of_plane<T>)(from + p * w.size(), w, to + p * w.results(),
                                                                at + p * w.results());
        });
    });
    return {std::move(values), std::move(places)};
}

/// The planes formed by the last axes of a tensor, one after the other.
struct Planes {
    Int count = 1, size = 1;

    Planes(const Shape& shape, int axes) {
        for (int k = 0; k < shape.rank(); ++k) (k < shape.rank() - axes ? count : size) *= shape[k];
    }
};

/// The elements of x at positions in its planes, 0 if there is none.
struct MaxPoolPick {
    static constexpr const char* name = "max_pool_pick";
    int axes = 1;
    XGRAD_ATTRIBUTES(axes)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& x, const Tensor& places) const {
        const Planes planes(x.shape(), axes), results(places.shape(), axes);
        Tensor y = empty(places.shape(), x.dtype());
        with_floating(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            const Place* at = elements<Place>(places);
            for (Int p = 0; p < planes.count; ++p, from += planes.size)
                for (Int i = 0; i < results.size; ++i, ++at) *to++ = *at < 0 ? T(0) : from[*at];
        });
        return y;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const;
};

/// Zeros with g added at the positions: the transpose of MaxPoolPick.
struct MaxPoolPut {
    static constexpr const char* name = "max_pool_put";
    int axes = 1;
    Shape shape;
    XGRAD_ATTRIBUTES(axes, shape)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& g, const Tensor& places) const {
        const Planes planes(shape, axes), results(g.shape(), axes);
        Tensor x = empty(shape, g.dtype());
        with_floating(g.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(g);
            T* to = elements<T>(x);
            const Place* at = elements<Place>(places);
            parallel_for(planes.count, planes.count * (planes.size + results.size), [&](Int begin, Int end) {
                std::memset(to + begin * planes.size, 0,
                            static_cast<std::size_t>((end - begin) * planes.size) * sizeof(T));
                for (Int p = begin; p < end; ++p)
                    for (Int i = p * results.size; i < (p + 1) * results.size; ++i)
                        if (at[i] >= 0) to[p * planes.size + at[i]] += from[i];
            });
        });
        return x;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        return {apply(MaxPoolPick{axes}, {g, s.input(1)}, Location{}), Tensor()};
    }
};

std::array<Tensor, 2> MaxPoolPick::pullback(Tensor g, const Saved& s) const {
    return {apply(MaxPoolPut{axes, s.shape()}, {g, s.input(1)}, Location{}), Tensor()};
}
Tensor MaxPooling::pullback(Tensor g, const Saved& s) const {
    return apply(MaxPoolPut{axes(), s.shape()}, {g, s.output(1)}, Location{});
}

std::array<Tensor, 2> largest(const char* name, const Operand& operand, Pooling pooling) {
    const Tensor& x = operand.tensor();
    check<ShapeError>(pooling.listed->size() <= std::numeric_limits<Place>::max(), operand.where(), [&] {
        return std::string(name) + ": a channel must have fewer than 2^31 elements, got shape " + to_string(x.shape());
    });
    return apply(MaxPooling{std::move(pooling)}, {x}, operand.where(), name);
}

std::array<Tensor, 2> max_pool(const char* name, int axes, const Operand& x, const PerAxis& kernel,
                               const MaxPoolOptions& o) {
    return largest(name, x, moving_windows(name, axes, x, kernel, o.stride, o.padding, o.dilation, o.ceil_mode));
}
MaxPoolResult max_pool_with_indices(const char* name, int axes, const Operand& x, const PerAxis& kernel,
                                    const MaxPoolOptions& o) {
    const auto [values, places] = max_pool(name, axes, x, kernel, o);
    return {values, places.to(DType::i64)};
}
MaxPoolResult adaptive_max_pool_with_indices(const char* name, int axes, const Operand& x, const PerAxis& output) {
    const auto [values, places] = largest(name, x, adaptive_windows(name, axes, x, output));
    return {values, places.to(DType::i64)};
}
Tensor adaptive_max_pool(const char* name, int axes, const Operand& x, const PerAxis& output) {
    return largest(name, x, adaptive_windows(name, axes, x, output))[0];
}

}  // namespace

Tensor max_pool1d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool1d", 1, x, kernel, options)[0];
}
Tensor max_pool2d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool2d", 2, x, kernel, options)[0];
}
Tensor max_pool3d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool3d", 3, x, kernel, options)[0];
}
MaxPoolResult max_pool1d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool1d_with_indices", x.where(),
                    [&]() -> MaxPoolResult { return max_pool_with_indices("max_pool1d", 1, x, kernel, options); });
}
MaxPoolResult max_pool2d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool2d_with_indices", x.where(),
                    [&]() -> MaxPoolResult { return max_pool_with_indices("max_pool2d", 2, x, kernel, options); });
}
MaxPoolResult max_pool3d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool3d_with_indices", x.where(),
                    [&]() -> MaxPoolResult { return max_pool_with_indices("max_pool3d", 3, x, kernel, options); });
}

Tensor adaptive_max_pool1d(const Operand& x, const PerAxis& output) {
    return adaptive_max_pool("adaptive_max_pool1d", 1, x, output);
}
Tensor adaptive_max_pool2d(const Operand& x, const PerAxis& output) {
    return adaptive_max_pool("adaptive_max_pool2d", 2, x, output);
}
Tensor adaptive_max_pool3d(const Operand& x, const PerAxis& output) {
    return adaptive_max_pool("adaptive_max_pool3d", 3, x, output);
}

MaxPoolResult adaptive_max_pool1d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool1d_with_indices", x.where(), [&]() -> MaxPoolResult {
        return adaptive_max_pool_with_indices("adaptive_max_pool1d", 1, x, output);
    });
}
MaxPoolResult adaptive_max_pool2d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool2d_with_indices", x.where(), [&]() -> MaxPoolResult {
        return adaptive_max_pool_with_indices("adaptive_max_pool2d", 2, x, output);
    });
}
MaxPoolResult adaptive_max_pool3d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool3d_with_indices", x.where(), [&]() -> MaxPoolResult {
        return adaptive_max_pool_with_indices("adaptive_max_pool3d", 3, x, output);
    });
}

}  // namespace xgrad
