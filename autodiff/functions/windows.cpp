#include <string>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// Windows of images as columns, and the reverse: unfold and fold.

namespace xgrad {

using namespace detail;

namespace {

/// The positions of the elements of all windows in one padded channel.
struct Windows {
    Int size[2], padded[2], count[2], kernel[2];

    Windows(const char* name, const Int (&sizes)[2], const PerAxis& kernels, const UnfoldOptions& o, Location where) {
        check<ValueError>(kernels.given() && kernels.count() <= 2 && o.stride.count() <= 2 && o.padding.count() <= 2 &&
                              o.dilation.count() <= 2,
                          where, [&] {
                              return std::string(name) +
                                     ": there must be one number or two for kernel, stride, padding and dilation";
                          });
        for (int k = 0; k < 2; ++k) {
            constexpr Int limit = Int{1} << 31;
            size[k] = sizes[k];
            kernel[k] = kernels[k];
            const auto all_within = [](std::initializer_list<Int> numbers, Int least) {
                for (const Int n : numbers)
                    if (n < least || n >= limit) return false;
                return true;
            };
            check<ValueError>(
                all_within({kernel[k], o.stride[k], o.dilation[k], size[k]}, 1) && all_within({o.padding[k]}, 0), where,
                [&] {
                    return std::string(name) +
                           ": sizes, kernel, stride and dilation must be positive and the padding not negative, got " +
                           std::to_string(size[k]) + ", " + std::to_string(kernel[k]) + ", " +
                           std::to_string(o.stride[k]) + ", " + std::to_string(o.dilation[k]) + " and " +
                           std::to_string(o.padding[k]);
                });
            padded[k] = size[k] + 2 * o.padding[k];
            const Int room = padded[k] - o.dilation[k] * (kernel[k] - 1) - 1;
            check<ShapeError>(room >= 0, where, [&] {
                return std::string(name) + ": the kernel must fit into the padded size, got " +
                       std::to_string(padded[k]) + " and a kernel of " + std::to_string(kernel[k]) + " with dilation " +
                       std::to_string(o.dilation[k]);
            });
            count[k] = room / o.stride[k] + 1;
        }
    }
    Int elements() const { return kernel[0] * kernel[1]; }
    Int windows() const { return count[0] * count[1]; }
    /// (kernel elements, windows), flattened: each element's position in the padded channel.
    Tensor places(const UnfoldOptions& o) const {
        const auto along_axis = [&](int k) {  // (kernel, count)
            return expand_dims(arange(kernel[k]) * o.dilation[k], 1) + arange(count[k]) * o.stride[k];
        };
        const Tensor rows = reshape(along_axis(0), {kernel[0], 1, count[0], 1}),
                     columns = reshape(along_axis(1), {1, kernel[1], 1, count[1]});
        return ravel(rows * padded[1] + columns);
    }
};

/// x with a leading batch axis.
Tensor batched(const Tensor& x, int rank) { return x.ndim() == rank ? x : expand_dims(x, 0); }

}  // namespace

Tensor unfold(const Operand& operand, const PerAxis& kernel, const UnfoldOptions& o) {
    const Tensor& given = tensor_of(operand, "unfold");
    const Location where = operand.where();
    check<ShapeError>(given.ndim() == 3 || given.ndim() == 4, where, [&] {
        return "unfold: the input must be (batch, channels, height, width) or (channels, height, width), got shape " +
               to_string(given.shape());
    });
    const Tensor x = batched(given, 4);
    const Windows w("unfold", {x.shape(2), x.shape(3)}, kernel, o, where);
    const Tensor wide = pad({x, where}, {{0, 0}, {0, 0}, {o.padding[0], o.padding[0]}, {o.padding[1], o.padding[1]}});
    const Tensor columns =
        take({reshape(wide, {x.shape(0), x.shape(1), w.padded[0] * w.padded[1]}), where}, w.places(o), 2);
    const Tensor y = reshape(columns, {x.shape(0), x.shape(1) * w.elements(), w.windows()});
    return given.ndim() == 4 ? y : squeeze(y, 0);
}

Tensor fold(const Operand& operand, const PerAxis& output_size, const PerAxis& kernel, const UnfoldOptions& o) {
    const Tensor& given = tensor_of(operand, "fold");
    const Location where = operand.where();
    check<ShapeError>(given.ndim() == 2 || given.ndim() == 3, where, [&] {
        return "fold: the input must be (batch, channels * kernel elements, windows), or without batch, got shape " +
               to_string(given.shape());
    });
    const Tensor x = batched(given, 3);
    const Windows w("fold", {output_size[0], output_size[1]}, kernel, o, where);
    check<ShapeError>(x.shape(1) % w.elements() == 0 && x.shape(2) == w.windows(), where, [&] {
        return "fold: the input must be (batch, channels * " + std::to_string(w.elements()) + ", " +
               std::to_string(w.windows()) + "), got shape " + to_string(given.shape());
    });
    const Int batch = x.shape(0), channels = x.shape(1) / w.elements();
    const Tensor columns = reshape(x, {batch, channels, w.elements() * w.windows()});
    const Tensor wide = index_add({batch, channels, w.padded[0] * w.padded[1]}, w.places(o), {columns, where}, 2);
    const Tensor y =
        slice(reshape(wide, {batch, channels, w.padded[0], w.padded[1]}),
              {{}, {}, {o.padding[0], o.padding[0] + w.size[0]}, {o.padding[1], o.padding[1] + w.size[1]}});
    return given.ndim() == 3 ? y : squeeze(y, 0);
}

}  // namespace xgrad
