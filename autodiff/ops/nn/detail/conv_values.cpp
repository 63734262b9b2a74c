
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/linalg/detail/gemm.hpp"
#include "convolution.hpp"
#include "planes.hpp"

// A convolution of stride 1 is a product with a matrix whose rows are shifted views of one zero-padded image: the
// kernels read them in place, and nothing is unfolded. Along the rows of the image some columns belong to no result;
// they are computed and discarded. With a larger stride the image is sorted by position modulo the stride into
// `phases`, so that the elements read by one tap of the kernel are contiguous again. The transpose is a separate
// convolution for each phase of its result, with the taps that lead to that phase.

namespace xgrad::detail {
namespace {

/// The rows of results to be computed from the planes: (image, z, y), each of `length`.
struct Rows {
    Int images, z, y, length;
    Int count() const { return images * z * y; }
};

constexpr Int stretch =
    128;  // positions packed at a time: few enough for the cache, and for sums with little rounding error

/// c (m,n) = a (m,k) · b + bias (m), where row l of b starts at b + offsets[l].
template <class T>
void spread(Precision precision, const T* a, const T* b, const std::vector<Int>& offsets, const T* bias, T* c, Int m,
            Int n) {
    const Int k = static_cast<Int>(offsets.size());
    if constexpr (std::is_same_v<T, float>)
        if (precision == Precision::bf16) {
            for (Int i = 0; bias && i < m; ++i) std::fill_n(c + i * n, n, bias[i]);
            return product_bf16(
                {{false, false, m, n, k, a, k, b, 0, c, n, bias != nullptr, nullptr}, nullptr, offsets.data()});
        }
    kernels::active().convolve.of<T>().spread(a, k, b, offsets.data(), bias, c, n, m, n, k);
}

/// sum (k,m) += a · bᵀ over `length` positions, where row i of a starts at a + offsets[i] and b's m rows are `row`
/// apart; `room` is a buffer for 128 positions of b.
template <class T>
void gather(Precision precision, const T* a, const std::vector<Int>& offsets, const T* b, Int row, Int length, Int m,
            T* sum, T* room) {
    const Int k = static_cast<Int>(offsets.size());
    if constexpr (std::is_same_v<T, float>)
        if (precision == Precision::bf16)
            return product_bf16(
                {{false, true, k, m, length, a, 0, b, row, sum, m, true, nullptr}, offsets.data(), nullptr});
    const kernels::PackedTable<T>& packed = kernels::active().gemm.packed<T>();
    for (Int l = 0; l < length; l += stretch) {
        const Int some = std::min(stretch, length - l);
        packed.pack(b + l, row, true, m, some, room);
        packed.run({k, m, some, a + l, offsets.data(), room, sum, 0, m, true, nullptr});
    }
}

/// result = a (m,k) · planes + bias (m), one block of rows at a time: save(i, image, z, y, values) receives each row of
/// each of the m results.
template <class T, class Save>
void multiply(const T* a, const T* planes, const std::vector<Int>& offsets, const T* bias, const Planes& p,
              const Rows& rows, Int m, Precision precision, const Save& save) {
    constexpr Int block_elements = (Int{128} << 10) / static_cast<Int>(sizeof(T));
    const Int together = std::max<Int>(1, block_elements / std::max<Int>(1, m * p.extent[2]));
    const auto place = [&](Int row) {
        const Int y = row % rows.y, z = row / rows.y % rows.z, image = row / rows.y / rows.z;
        return image * p.plane() + p.row(z, y);
    };
    Tensor room;
    for (Int first = 0; first < rows.count(); first += together) {
        const Int last = std::min(first + together, rows.count());
        const Int begin = place(first), n = place(last - 1) + rows.length - begin;
        if (!room.defined() || room.size() < m * n) room = empty({m * n}, dtype_of<T>());
        T* const c = elements<T>(room);
        spread(precision, a, planes + begin, offsets, bias, c, m, n);
        for (Int i = 0; i < m; ++i)
            for (Int row = first; row < last; ++row)
                save(i, row / rows.y / rows.z, row / rows.y % rows.z, row % rows.y,
                     static_cast<const T*>(c + i * n + (place(row) - begin)));
    }
}

/// How many images are laid out side by side: several if each has only a few results.
Int images_together(Int batch, Int plane, Int results) {
    constexpr Int enough = 96;
    if (results >= enough || plane == 0) return 1;
    return std::min(batch, (enough + plane - 1) / plane);
}

/// The planes of x that conv reads; input_offsets gives the start of each (channel, tap).
Planes planes_of_input(const ConvGeometry& g) {
    Planes p;
    for (int a = 0; a < 3; ++a) {
        p.size[a] = g.size[a];
        p.padding[a] = g.padding[a];
        p.stride[a] = g.stride[a];
        for (Int k = 0; k < g.kernel[a]; ++k) {
            const Int phase = k * g.dilation[a] % g.stride[a];
            if (std::find(p.phases[a].begin(), p.phases[a].end(), phase) == p.phases[a].end())
                p.phases[a].push_back(phase);
        }
        p.reach[a] = g.result[a] + (g.kernel[a] - 1) * g.dilation[a] / g.stride[a];
    }
    close_up(p);
    for (int a = 0; a < 3; ++a) p.extent[a] = std::max(p.extent[a], g.result[a]);
    return p;
}
std::vector<Int> input_offsets(const ConvGeometry& g, const Planes& p) {
    std::vector<Int> offsets;
    Int at[3];
    for (Int c = 0; c < g.in(); ++c)
        for (at[0] = 0; at[0] < g.kernel[0]; ++at[0])
            for (at[1] = 0; at[1] < g.kernel[1]; ++at[1])
                for (at[2] = 0; at[2] < g.kernel[2]; ++at[2]) {
                    Int phase = 0, shift[3];
                    for (int a = 0; a < 3; ++a) {
                        const Int way = at[a] * g.dilation[a];
                        const auto& phases = p.phases[a];
                        phase = phase * static_cast<Int>(phases.size()) +
                                (std::find(phases.begin(), phases.end(), way % g.stride[a]) - phases.begin());
                        shift[a] = way / g.stride[a];
                    }
                    offsets.push_back(c * p.channel() + phase * p.images * p.plane() + p.row(shift[0], shift[1]) +
                                      shift[2]);
                }
    return offsets;
}

Int volume(const Int (&sizes)[3]) { return sizes[0] * sizes[1] * sizes[2]; }

/// Calls body(begin, end, blocks) in parallel for ranges of tasks: task group * blocks + i is the i-th block of
/// `images` images of a group.
template <class Body>
void for_blocks(const ConvGeometry& g, Int images, const Body& body) {
    const Int blocks = (g.batch + images - 1) / images;
    parallel_for(blocks * g.groups, work_of_product(g.work()), [&](Int begin, Int end) { body(begin, end, blocks); });
}

template <class T>
void convolve(const T* x, const T* w, const T* bias, T* y, const ConvGeometry& g) {
    Planes p = planes_of_input(g);
    const Int results = volume(g.result), whole = volume(g.size), taps = volume(g.kernel);
    p.images = images_together(g.batch, p.plane(), results);
    const std::vector<Int> offsets = input_offsets(g, p);
    for_blocks(g, p.images, [&](Int begin, Int end, Int blocks) {
        const Tensor room = zeroed_planes<T>(p, g.in());
        T* const planes = elements<T>(room);
        for (Int task = begin; task < end; ++task) {
            const Int group = task / blocks, first = task % blocks * p.images,
                      images = std::min(p.images, g.batch - first);
            const T* source = x + (first * g.channels + group * g.in()) * whole;
            // The kernel reads past the end, so the last images are copied even if the planes are plain.
            const bool where_it_lies = p.plain() && x + g.batch * g.channels * whole - (source + g.in() * whole) >=
                                                        kernels::ConvolveKernels::slack;
            if (!where_it_lies) lay_out(p, source, g.in(), images, g.channels * whole, planes);
            T* const to = y + (first * g.outputs + group * g.out()) * results;
            multiply(w + group * g.out() * g.in() * taps, where_it_lies ? source : planes, offsets,
                     bias ? bias + group * g.out() : nullptr, p, {images, g.result[0], g.result[1], g.result[2]},
                     g.out(), g.precision, [&](Int i, Int image, Int z, Int row, const T* from) {
                         T* const out = to + (image * g.outputs + i) * results + (z * g.result[1] + row) * g.result[2];
                         std::memcpy(out, from, static_cast<std::size_t>(g.result[2]) * sizeof(T));
                     });
        }
    });
}

/// One part of the transpose: the results at `phase` modulo the stride, and the taps that lead to them.
struct Phase {
    Int phase[3], first[3], count[3];  // results are at (first + i) * stride + phase - padding for i < count
    std::vector<Int> taps,
        offsets;  // the position of each tap in the kernel; the start in the planes for each output and tap
};

template <class T>
void transposed(const T* y, const T* w, const T* bias, T* x, const ConvGeometry& g) {
    Planes p;
    Int reach[3];  // the furthest back that a tap reads
    for (int a = 0; a < 3; ++a) {
        reach[a] = (g.kernel[a] - 1) * g.dilation[a] / g.stride[a];
        p.size[a] = g.result[a];
        p.padding[a] = reach[a];
        p.stride[a] = 1;
        p.phases[a] = {0};
        p.reach[a] = reach[a] + std::max<Int>(0, g.padding[a] + g.size[a] - 1) / g.stride[a] + 1;
    }
    close_up(p);
    const Int results = volume(g.result), whole = volume(g.size), taps = volume(g.kernel);
    p.images = images_together(g.batch, p.plane(), whole / volume(g.stride));

    std::vector<Phase> phases;
    bool all = true;  // every position of x belongs to a phase
    Int r[3];
    for (r[0] = 0; r[0] < g.stride[0]; ++r[0])
        for (r[1] = 0; r[1] < g.stride[1]; ++r[1])
            for (r[2] = 0; r[2] < g.stride[2]; ++r[2]) {
                Phase phase;
                std::vector<Int> along[3];
                bool some = true;
                for (int a = 0; a < 3; ++a) {
                    const Int before = g.padding[a] - r[a], last = g.size[a] - 1 + before;
                    phase.phase[a] = r[a];
                    phase.first[a] = before > 0 ? (before + g.stride[a] - 1) / g.stride[a] : 0;
                    phase.count[a] = last < 0 ? 0 : std::max<Int>(0, last / g.stride[a] + 1 - phase.first[a]);
                    for (Int k = 0; k < g.kernel[a]; ++k)
                        if (k * g.dilation[a] % g.stride[a] == r[a]) along[a].push_back(k);
                    if (along[a].empty()) all = false;
                    some = some && phase.count[a] > 0 && !along[a].empty();
                }
                if (!some) continue;
                std::vector<Int> shifts;
                for (const Int k0 : along[0])
                    for (const Int k1 : along[1])
                        for (const Int k2 : along[2]) {
                            phase.taps.push_back((k0 * g.kernel[1] + k1) * g.kernel[2] + k2);
                            const Int k[3] = {k0, k1, k2};
                            Int at[3];
                            for (int a = 0; a < 3; ++a)
                                at[a] = reach[a] + phase.first[a] - k[a] * g.dilation[a] / g.stride[a];
                            shifts.push_back(p.row(at[0], at[1]) + at[2]);
                        }
                for (Int o = 0; o < g.out(); ++o)
                    for (const Int shift : shifts) phase.offsets.push_back(o * p.channel() + shift);
                phases.push_back(std::move(phase));
            }

    // The weights in the order (group, phase, channel, output, tap).
    std::vector<T> weights(static_cast<std::size_t>(g.groups * g.in() * g.out() * taps));
    T* to = weights.data();
    for (Int group = 0; group < g.groups; ++group)
        for (const Phase& phase : phases)
            for (Int c = 0; c < g.in(); ++c)
                for (Int o = 0; o < g.out(); ++o)
                    for (const Int tap : phase.taps) *to++ = w[((group * g.out() + o) * g.in() + c) * taps + tap];
    const Int weights_of_group = g.groups ? (to - weights.data()) / g.groups : 0;

    for_blocks(g, p.images, [&](Int begin, Int end, Int blocks) {
        const Tensor room = zeroed_planes<T>(p, g.out());
        T* const planes = elements<T>(room);
        for (Int task = begin; task < end; ++task) {
            const Int group = task / blocks, first = task % blocks * p.images,
                      images = std::min(p.images, g.batch - first);
            lay_out(p, y + (first * g.outputs + group * g.out()) * results, g.out(), images, g.outputs * results,
                    planes);
            T* const target = x + (first * g.channels + group * g.in()) * whole;
            const T* const shift = bias ? bias + group * g.in() : nullptr;
            if (!all)
                for (Int image = 0; image < images; ++image)
                    for (Int c = 0; c < g.in(); ++c)
                        std::fill_n(target + (image * g.channels + c) * whole, whole, shift ? shift[c] : T(0));
            const T* a = weights.data() + group * weights_of_group;
            for (const Phase& phase : phases) {
                multiply(a, planes, phase.offsets, shift, p, {images, phase.count[0], phase.count[1], phase.count[2]},
                         g.in(), g.precision, [&](Int i, Int image, Int z, Int row, const T* from) {
                             const Int at_z = (phase.first[0] + z) * g.stride[0] + phase.phase[0] - g.padding[0],
                                       at_y = (phase.first[1] + row) * g.stride[1] + phase.phase[1] - g.padding[1],
                                       at_x = phase.first[2] * g.stride[2] + phase.phase[2] - g.padding[2],
                                       step = g.stride[2];
                             T* const out = target + (image * g.channels + i) * whole +
                                            (at_z * g.size[1] + at_y) * g.size[2] + at_x;
                             if (step == 1)
                                 std::memcpy(out, from, static_cast<std::size_t>(phase.count[2]) * sizeof(T));
                             else
                                 for (Int c = 0; c < phase.count[2]; ++c) out[c * step] = from[c];
                         });
                a += g.in() * static_cast<Int>(phase.offsets.size());
            }
        }
    });
}

/// The sum over all positions of the product of each (channel, tap) with each output. With enough outputs to fill a
/// vector it is a product of the planes' rows, read in place, with y stored across the positions; otherwise both are
/// stored along the positions.
template <class T>
void weights(const T* x, const T* y, T* w, const ConvGeometry& g) {
    const Int panel = kernels::active().gemm.packed<T>().panel;
    const bool across = 4 * g.out() >= panel || g.precision == Precision::bf16;
    Planes p = planes_of_input(g);
    const Int results = volume(g.result), whole = volume(g.size), taps = volume(g.kernel), k = g.in() * taps,
              count = g.outputs * k;
    // As many images as needed to make the sums long enough.
    const Int n = p.row(g.result[0] - 1, g.result[1] - 1) + g.result[2];
    p.images = std::clamp<Int>(1024 / std::max<Int>(1, n), 1, g.batch);
    const std::vector<Int> offsets = input_offsets(g, p);
    // y laid out with the row length of the planes, so that both advance together, with zeros in between.
    Planes q;
    for (int a = 0; a < 3; ++a) {
        q.size[a] = g.result[a];
        q.padding[a] = 0;
        q.stride[a] = 1;
        q.phases[a] = {0};
        q.reach[a] = g.result[a];
        q.extent[a] = p.extent[a];
    }
    constexpr Int line = 16;  // no vector is longer
    if (!across) q.extent[0] = (p.plane() + line + p.extent[1] * p.extent[2] - 1) / (p.extent[1] * p.extent[2]);
    q.images = p.images;
    const Int columns = (g.out() + panel - 1) / panel * panel;

    const Int blocks = (g.batch + p.images - 1) / p.images;
    const Int threads = threads_for(work_of_product(g.work()), blocks);
    std::vector<T> sums(
        static_cast<std::size_t>(count * threads));  // as (group, output, k), or if `across` as (group, k, output)
    in_threads(threads, threads, [&](Int thread, Int) {
        const Tensor room = zeroed_planes<T>(p, g.in()), results_room = zeroed_planes<T>(q, g.out());
        const Tensor packed_room = empty({across ? stretch * columns : 0}, dtype_of<T>());
        T *const planes = elements<T>(room), *const ys = elements<T>(results_room),
                 *const matrix = elements<T>(packed_room);
        for (Int block = blocks * thread / threads; block < blocks * (thread + 1) / threads; ++block)
            for (Int group = 0; group < g.groups; ++group) {
                const Int first = block * p.images, images = std::min(p.images, g.batch - first);
                lay_out(p, x + (first * g.channels + group * g.in()) * whole, g.in(), images, g.channels * whole,
                        planes);
                lay_out(q, y + (first * g.outputs + group * g.out()) * results, g.out(), images, g.outputs * results,
                        ys);
                T* const sum = sums.data() + thread * count + group * g.out() * k;
                if (across) {
                    gather(g.precision, planes, offsets, ys, q.channel(), (images - 1) * p.plane() + n, g.out(), sum,
                           matrix);
                } else {
                    kernels::active().convolve.of<T>().gather(ys, q.channel(), q.plane(), planes, offsets.data(),
                                                              p.plane(), sum, k, g.out(), n, k, images);
                }
            }
    });
    const Int step_k = across ? g.out() : 1, step_out = across ? 1 : k;
    for (Int group = 0; group < g.groups; ++group)
        for (Int o = 0; o < g.out(); ++o)
            for (Int j = 0; j < k; ++j, ++w) {
                *w = 0;
                for (Int thread = 0; thread < threads; ++thread)
                    *w += sums[static_cast<std::size_t>(thread * count + group * g.out() * k + o * step_out +
                                                        j * step_k)];
            }
}

}  // namespace

namespace {

/// The operands as they are multiplied: rounded and in f32 if bf16 products bring no gain or the processor has none.
struct Factors {
    Tensor a, b;
    ConvGeometry g;

    /// `rows` is the number of results computed from the numbers of one position; for a few, converting the numbers
    /// does not pay off.
    Factors(const Tensor& first, const Tensor& second, const ConvGeometry& geometry, Int rows)
        : a(first), b(second), g(geometry) {
        constexpr Int enough = 8;
        if (a.dtype() != DType::f32) g.precision = Precision::full;
        if (g.precision == Precision::full || (kernels::bf16() && rows >= enough)) return;
        g.precision = Precision::full;
        a = rounded_to_bf16(elements<float>(a), a.size());
        b = rounded_to_bf16(elements<float>(b), b.size());
    }
};

}  // namespace

Tensor conv_values(const Tensor& input, const Tensor& weight, const Tensor& bias, const ConvGeometry& geometry) {
    Tensor y = empty(geometry.y, input.dtype());
    if (y.size() == 0) return y;
    const Factors f(input, weight, geometry, geometry.out());
    with_floating(y.dtype(), [&]<class T>(T) {
        convolve(elements<T>(f.a), elements<T>(f.b), bias.defined() ? elements<T>(bias) : nullptr, elements<T>(y), f.g);
    });
    return y;
}

Tensor conv_transpose_values(const Tensor& input, const Tensor& weight, const Tensor& bias,
                             const ConvGeometry& geometry) {
    Tensor x = empty(geometry.x, input.dtype());
    if (x.size() == 0) return x;
    const Factors f(input, weight, geometry, geometry.in());
    with_floating(x.dtype(), [&]<class T>(T) {
        transposed(elements<T>(f.a), elements<T>(f.b), bias.defined() ? elements<T>(bias) : nullptr, elements<T>(x),
                   f.g);
    });
    return x;
}

Tensor conv_weight_values(const Tensor& x, const Tensor& y, const ConvGeometry& geometry) {
    if (x.size() == 0 || y.size() == 0) return zeros(geometry.w, x.dtype());
    Tensor w = empty(geometry.w, x.dtype());
    if (w.size() == 0) return w;
    const Factors f(x, y, geometry, geometry.out());
    with_floating(x.dtype(), [&]<class T>(T) { weights(elements<T>(f.a), elements<T>(f.b), elements<T>(w), f.g); });
    return w;
}

}  // namespace xgrad::detail
