#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/kernels/convolve.hpp"

// Images in the layout that convolutions read: padded, sorted by position modulo the stride, with as few zeros in
// between as possible. Not for users.

namespace xgrad::detail {

/// The images of one call, laid out as (channel, phase, image, plane).
struct Planes {
    Int size[3], padding[3], stride[3];  // of the images to be laid out
    std::vector<Int> phases[3];  // the positions modulo the stride that are read
    Int reach[3];  // number of positions read, from the first tap of the first result to the last tap of the last one
    Int extent[3];  // sizes of a plane
    Int images = 1;

    Int phase_count() const { return static_cast<Int>(phases[0].size() * phases[1].size() * phases[2].size()); }
    Int plane() const { return extent[0] * extent[1] * extent[2]; }
    Int channel() const { return phase_count() * images * plane(); }
    Int row(Int z, Int y) const { return (z * extent[1] + y) * extent[2]; }
    /// Whether the planes are the images themselves.
    bool plain() const {
        for (int a = 0; a < 3; ++a)
            if (padding[a] || stride[a] != 1 || reach[a] != size[a] || extent[a] != size[a]) return false;
        return images == 1;
    }
};

struct Range {
    Int begin, end;
};
/// The positions of a phase that are inside the image.
inline Range inside(const Planes& p, int axis, Int phase) {
    const Int before = p.padding[axis] - phase, last = p.size[axis] - 1 + before;
    const Int begin = before > 0 ? (before + p.stride[axis] - 1) / p.stride[axis] : 0;
    return {begin, last < 0 ? begin : std::max(begin, std::min(p.reach[axis], last / p.stride[axis] + 1))};
}

/// Sets the extents with no more zeros than needed: the zeros after a row double as those before the next row, and
/// likewise for planes.
inline void close_up(Planes& p) {
    p.extent[0] = p.reach[0];
    for (const int axis : {1, 2}) {
        p.extent[axis] = 1;
        for (const Int phase : p.phases[axis]) {
            const Range r = inside(p, axis, phase);
            p.extent[axis] = std::max({p.extent[axis], r.end, p.reach[axis] - r.begin});
        }
    }
}

/// Copies `images` images, `step` elements apart, into place; the surrounding elements are not changed.
template <class T>
void lay_out(const Planes& p, const T* from, Int channels, Int images, Int step, T* to) {
    const Int whole = p.size[0] * p.size[1] * p.size[2];
    for (Int c = 0; c < channels; ++c) {
        T* plane = to + c * p.channel();
        for (const Int pz : p.phases[0])
            for (const Int py : p.phases[1])
                for (const Int px : p.phases[2]) {
                    const Range rz = inside(p, 0, pz), ry = inside(p, 1, py), rx = inside(p, 2, px);
                    for (Int b = 0; b < p.images; ++b, plane += p.plane()) {
                        if (b >= images) continue;
                        const T* const source = from + b * step + c * whole;
                        for (Int z = rz.begin; z < rz.end; ++z)
                            for (Int y = ry.begin; y < ry.end; ++y) {
                                const Int at_z = z * p.stride[0] + pz - p.padding[0],
                                          at_y = y * p.stride[1] + py - p.padding[1];
                                const T* line = source + (at_z * p.size[1] + at_y) * p.size[2] + (px - p.padding[2]);
                                T* const row = plane + p.row(z, y);
                                if (p.stride[2] == 1)
                                    std::memcpy(row + rx.begin, line + rx.begin,
                                                static_cast<std::size_t>(rx.end - rx.begin) * sizeof(T));
                                else
                                    for (Int x = rx.begin; x < rx.end; ++x) row[x] = line[x * p.stride[2]];
                            }
                    }
                }
    }
}

/// A zeroed buffer for planes, including the elements that the kernels read past the last one.
template <class T>
Tensor zeroed_planes(const Planes& p, Int channels) {
    const Int shared = p.row(p.reach[0] - p.extent[0], p.reach[1] - p.extent[1]) + p.reach[2] -
                       p.extent[2];  // read past the last plane
    Tensor planes =
        empty({channels * p.channel() + std::max<Int>(0, shared) + kernels::ConvolveKernels::slack}, dtype_of<T>());
    std::memset(TensorAccess::data(planes), 0, static_cast<std::size_t>(planes.size()) * sizeof(T));
    return planes;
}

}  // namespace xgrad::detail
