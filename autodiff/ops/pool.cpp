#include "pool.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "../composition.hpp"
#include "../kernels/kernels.hpp"
#include "../apply.hpp"
#include "parallel.hpp"
#include "pooling.hpp"

// The largest of each window, and where it stands.

namespace xgrad {

using namespace detail;

namespace {

/// A place in a plane; -1 for a window without any.
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
            // Element by element of the windows of one row beside each other, so that none waits for its own last comparison.
            for (Int k = 0; k < az.count[z]; ++k)
                for (Int j = 0; j < ay.count[r]; ++j) {
                    const Int row = ((az.first[z] + k * az.step) * ay.size + ay.first[r] + j * ay.step) * ax.size;
                    for (Int i = 0; i < most; ++i)
                        for (std::size_t c = 0; c < columns; ++c) {
                            if (i >= ax.count[c]) continue;
                            const Int there = row + ax.first[c] + i * ax.step, at = place[c];
                            const T value = x[there];
                            const Int better = (value > y[c]) | (value != value) | (at < 0), now = at + better * (there - at);
                            place[c] = static_cast<Place>(now);  // no jump, for it could not be predicted
                            y[c] = x[now];
                        }
                }
        }
}

/// Two by two, side by side: the usual case, without counting.
template <class T>
void max_of_plane_2x2(const T* x, const Windows& w, T* y, Place* place) {
    const Int width = w.axis[2].size, columns = w.axis[2].result;
    const auto largest = kernels::active().choose.of<T>().largest_2x2;
    for (Int r = 0; r < w.axis[1].result; ++r)
        largest(x + 2 * r * width, width, static_cast<Place>(2 * r * width), y + r * columns, place + r * columns, columns);
}

bool is_2x2(const Windows& w) {
    const AxisWindows &ay = w.axis[1], &ax = w.axis[2];
    if (w.axis[0].size != 1 || w.axis[0].count != std::vector<Int>{1}) return false;
    for (const AxisWindows* a : {&ay, &ax})
        for (std::size_t o = 0; o < a->first.size(); ++o)
            if (a->first[o] != 2 * static_cast<Int>(o) || a->count[o] != 2 || a->step != 1) return false;
    return true;
}

struct Largest {
    Tensor values, places;
};

Largest max_values(const Tensor& x, const Windows& w) {
    Largest best{empty(w.out, x.dtype()), empty(w.out, DType::i32)};
    if (best.values.size() == 0) return best;
    const bool plain = is_2x2(w);
    with_floating(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(best.values);
        Place* places = elements<Place>(best.places);
        parallel_for(w.planes, w.work() * 4, [&](Int begin, Int end) {
            for (Int p = begin; p < end; ++p)
                (plain ? max_of_plane_2x2<T> : max_of_plane<T>)(from + p * w.size(), w, to + p * w.results(), places + p * w.results());
        });
    });
    return best;
}

Tensor put_back(const Tensor& g, const Tensor& places, const SharedWindows& windows);

/// The elements of x at the places, 0 for none.
Tensor pick(const Tensor& x, const Tensor& places, const SharedWindows& windows) {
    return apply(
        "max_pool_pick", {x},
        [places, windows](const Tensor& in) {
            const Windows& w = *windows;
            Tensor y = empty(w.out, in.dtype());
            with_floating(in.dtype(), [&]<class T>(T) {
                const T* from = elements<T>(in);
                T* to = elements<T>(y);
                const Place* at = elements<Place>(places);
                for (Int p = 0; p < w.planes; ++p, from += w.size())
                    for (Int i = 0; i < w.results(); ++i, ++at) *to++ = *at < 0 ? T(0) : from[*at];
            });
            return y;
        },
        [places, windows](const Tensor& g) { return put_back(g, places, windows); }, {});
}

/// Zeros with g added at the places: the transpose of pick.
Tensor put_back(const Tensor& g, const Tensor& places, const SharedWindows& windows) {
    return apply(
        "max_pool_put", {g},
        [places, windows](const Tensor& in) {
            const Windows& w = *windows;
            Tensor x = empty(w.in, in.dtype());
            with_floating(in.dtype(), [&]<class T>(T) {
                const T* from = elements<T>(in);
                T* to = elements<T>(x);
                const Place* at = elements<Place>(places);
                parallel_for(w.planes, w.work(), [&](Int begin, Int end) {
                    std::memset(to + begin * w.size(), 0, static_cast<std::size_t>((end - begin) * w.size()) * sizeof(T));
                    for (Int p = begin; p < end; ++p)
                        for (Int i = p * w.results(); i < (p + 1) * w.results(); ++i)
                            if (at[i] >= 0) to[p * w.size() + at[i]] += from[i];
                });
            });
            return x;
        },
        [places, windows](const Tensor& g2) { return pick(g2, places, windows); }, {});
}

Largest max_pool(const char* name, const Operand& operand, const SharedWindows& windows) {
    const Tensor x = operand.tensor();
    check<ShapeError>(windows->size() <= std::numeric_limits<Place>::max(), operand.where(), [&] {
        return std::string(name) + ": a channel must have fewer than 2^31 elements, got shape " + to_string(x.shape());
    });
    Largest best = max_values(x, *windows);
    if (any_tracked({&x, 1}))
        record_applied(
            name, {&x, 1}, {&best.values, 1}, [windows](const Tensor& in) { return max_values(in, *windows).values; },
            [places = best.places, windows](const Tensor& g) { return put_back(g, places, windows); }, operand.where());
    return best;
}

Largest max_pool(const char* name, int axes, const Operand& x, const PerAxis& kernel, const MaxPoolOptions& o) {
    const SharedWindows windows = windows_of(name, axes, x, kernel, o.stride, o.padding, o.dilation, o.ceil_mode);  // checks x first
    return max_pool(name, x, windows);
}
MaxPool max_pool_with_indices(const char* name, int axes, const Operand& x, const PerAxis& kernel, const MaxPoolOptions& o) {
    const Largest best = max_pool(name, axes, x, kernel, o);
    return {best.values, best.places.to(DType::i64)};
}
MaxPool adaptive_max_pool_with_indices(const char* name, int axes, const Operand& x, const PerAxis& output) {
    const SharedWindows windows = adaptive_windows(name, axes, x, output);  // checks x first
    const Largest best = max_pool(name, x, windows);
    return {best.values, best.places.to(DType::i64)};
}
Tensor adaptive_max_pool(const char* name, int axes, const Operand& x, const PerAxis& output) {
    const SharedWindows windows = adaptive_windows(name, axes, x, output);
    return max_pool(name, x, windows).values;
}

}  // namespace

Tensor max_pool1d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool1d", 1, x, kernel, options).values;
}
Tensor max_pool2d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool2d", 2, x, kernel, options).values;
}
Tensor max_pool3d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return max_pool("max_pool3d", 3, x, kernel, options).values;
}
MaxPool max_pool1d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool1d_with_indices", x.where(),
                    [&]() -> MaxPool { return max_pool_with_indices("max_pool1d", 1, x, kernel, options); });
}
MaxPool max_pool2d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool2d_with_indices", x.where(),
                    [&]() -> MaxPool { return max_pool_with_indices("max_pool2d", 2, x, kernel, options); });
}
MaxPool max_pool3d_with_indices(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) {
    return composed("max_pool3d_with_indices", x.where(),
                    [&]() -> MaxPool { return max_pool_with_indices("max_pool3d", 3, x, kernel, options); });
}

Tensor adaptive_max_pool1d(const Operand& x, const PerAxis& output) { return adaptive_max_pool("adaptive_max_pool1d", 1, x, output); }
Tensor adaptive_max_pool2d(const Operand& x, const PerAxis& output) { return adaptive_max_pool("adaptive_max_pool2d", 2, x, output); }
Tensor adaptive_max_pool3d(const Operand& x, const PerAxis& output) { return adaptive_max_pool("adaptive_max_pool3d", 3, x, output); }

MaxPool adaptive_max_pool1d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool1d_with_indices", x.where(),
                    [&]() -> MaxPool { return adaptive_max_pool_with_indices("adaptive_max_pool1d", 1, x, output); });
}
MaxPool adaptive_max_pool2d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool2d_with_indices", x.where(),
                    [&]() -> MaxPool { return adaptive_max_pool_with_indices("adaptive_max_pool2d", 2, x, output); });
}
MaxPool adaptive_max_pool3d_with_indices(const Operand& x, const PerAxis& output) {
    return composed("adaptive_max_pool3d_with_indices", x.where(),
                    [&]() -> MaxPool { return adaptive_max_pool_with_indices("adaptive_max_pool3d", 3, x, output); });
}

}  // namespace xgrad
