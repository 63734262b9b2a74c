#include "view.hpp"

#include "autodiff/core/apply.hpp"
#include "strided.hpp"

namespace xgrad::detail {

View::View(const Shape& whole) : shape(whole), strides(whole) { row_major(whole, &strides[0]); }

namespace {

char* at(const Tensor& t, Int element) {
    return static_cast<char*>(TensorAccess::data(t)) + element * size_of(t.dtype());
}

bool is_contiguous(const View& view) {
    Int stride = 1;
    for (int k = view.shape.rank() - 1; k >= 0; stride *= view.shape[k--])
        if (view.shape[k] != 1 && view.strides[k] != stride) return false;
    return true;
}

/// The part's side of the copy is contiguous; the other side steps through the whole tensor.
kernels::StridedCopy layout(const View& view, bool into_part) {
    kernels::StridedCopy copy;
    copy.rank = view.shape.rank();
    Int* const part = into_part ? copy.to : copy.from;
    Int* const whole = into_part ? copy.from : copy.to;
    row_major(view.shape, part);
    for (int k = 0; k < copy.rank; ++k) copy.sizes[k] = view.shape[k], whole[k] = view.strides[k];
    return copy;
}

struct TakePart : View {
    static constexpr const char* name = "view";

    Tensor value(const Tensor& x) const { return take_part(x, *this); }
    Tensor pullback(Tensor g, const Saved& s) const {
        return placed(slice ? "slice_gradient" : "place", g, s.shape(), *this, 0, {});
    }
};

struct PlacePart : View {
    static constexpr const char* name = "place";
    Shape whole;
    PlainNumber fill = 0;
    XGRAD_ATTRIBUTES(whole, fill, shape, strides, offset)

    Tensor value(const Tensor& part) const {
        const bool zero = fill.is_integer() && fill.integer() == 0;
        Tensor y = zero ? zeros(whole, part.dtype(), {}) : full(whole, fill, part.dtype(), {});
        if (part.size()) copy_strided(at(y, offset), TensorAccess::data(part), part.dtype(), layout(*this, false));
        return y;
    }
    Tensor pullback(Tensor g) const { return viewed(slice ? "slice" : "view", g, *this, {}); }
};

}  // namespace

Tensor take_part(const Tensor& x, const View& view) {
    const bool any = view.shape.size() != 0;
    if (any && is_contiguous(view)) return TensorAccess::view(x, view.shape, view.offset);
    Tensor y = empty(view.shape, x.dtype());
    if (any) copy_strided(TensorAccess::data(y), at(x, view.offset), x.dtype(), layout(view, true));
    return y;
}

Tensor viewed(const char* label, const Tensor& x, const View& view, Location where) {
    return apply(TakePart{view}, {x}, where, label);
}

Tensor placed(const char* label, const Tensor& part, const Shape& whole, const View& view, PlainNumber fill,
              Location where) {
    return apply(PlacePart{view, whole, fill}, {part}, where, label);
}

}  // namespace xgrad::detail
