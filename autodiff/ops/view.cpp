#include "view.hpp"

#include "../apply.hpp"
#include "strided.hpp"

namespace xgrad::detail {

View::View(const Shape& of) : whole(of), shape(of) { row_major(of, strides); }

namespace {

char* at(const Tensor& t, Int element) { return static_cast<char*>(TensorAccess::data(t)) + element * size_of(t.dtype()); }

/// The part's side of the copy is contiguous; the other steps through the whole.
kernels::StridedCopy layout(const View& view, bool into_part) {
    kernels::StridedCopy copy;
    copy.rank = view.shape.rank();
    Int* const part = into_part ? copy.to : copy.from;
    Int* const whole = into_part ? copy.from : copy.to;
    row_major(view.shape, part);
    for (int k = 0; k < copy.rank; ++k) copy.sizes[k] = view.shape[k], whole[k] = view.strides[k];
    return copy;
}

}  // namespace

Tensor viewed(const char* name, const Tensor& x, const View& view, Location where) {
    return apply(
        name, {x},
        [view](const Tensor& in) {
            Tensor y = empty(view.shape, in.dtype());
            if (y.size()) copy_strided(TensorAccess::data(y), at(in, view.start), in.dtype(), layout(view, true));
            return y;
        },
        [view](Tensor g) { return placed("place", g, view, 0, {}); }, where);
}

Tensor placed(const char* name, const Tensor& part, const View& view, PlainNumber fill, Location where) {
    return apply(
        name, {part},
        [view, fill](const Tensor& in) {
            Tensor y = full(view.whole, fill, in.dtype());
            if (in.size()) copy_strided(at(y, view.start), TensorAccess::data(in), in.dtype(), layout(view, false));
            return y;
        },
        [view](Tensor g) { return viewed("view", g, view, {}); }, where);
}

}  // namespace xgrad::detail
