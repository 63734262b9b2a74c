#include "parts.hpp"

#include <limits>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>

namespace xgrad::nn::detail {

Tensor reduced(Tensor losses, Reduction reduction) {
    switch (reduction) {
        case Reduction::mean: return mean(std::move(losses));
        case Reduction::sum: return sum(std::move(losses));
        case Reduction::none: break;
    }
    return losses;
}

void check_same_shape(const char* loss, const Tensor& input, const Tensor& target, Location where) {
    check<DTypeError>(is_floating(input.dtype()), where, [&] {
        return std::string(loss) + ": the input must be f32 or f64, got " + name_of(input.dtype());
    });
    check<ShapeError>(input.shape() == target.shape(), where, [&] {
        return std::string(loss) + ": input and target must have one shape, got " + to_string(input.shape()) + " and " +
               to_string(target.shape());
    });
    check<DTypeError>(!is_floating(target.dtype()) || target.dtype() == input.dtype(), where, [&] {
        return std::string(loss) + ": input and target must have one dtype, got " + name_of(input.dtype()) + " and " +
               name_of(target.dtype()) + " (convert one with .to())";
    });
}

Tensor like(const Tensor& target, const Tensor& input) {
    return is_floating(target.dtype()) ? target : target.to(input.dtype());
}

Tensor clamp_min_0(const Tensor& x) { return clip(x, 0, std::numeric_limits<double>::infinity()); }

int class_axis(const Tensor& input) { return input.ndim() == 1 ? 0 : 1; }

namespace {

template <class T>
bool check_each(const char* loss, const Tensor& target, std::int64_t classes, std::int64_t ignored, Location where) {
    bool ignores = false;
    for (const T c : target.data<T>()) {
        check<IndexError>((c >= 0 && c < classes) || c == ignored, where, [&] {
            return std::string(loss) + ": class must be in [0, " + std::to_string(classes) + "), got " +
                   std::to_string(c);
        });
        ignores = ignores || c == ignored;
    }
    return ignores;
}

}  // namespace

bool check_classes(const char* loss, const Tensor& input, const Tensor& target, std::int64_t ignored, Location where) {
    check<ShapeError>(input.ndim() >= 1, where,
                      [&] { return std::string(loss) + ": input needs an axis of classes, got a scalar"; });
    Shape wanted;
    for (int i = 0; i < input.ndim(); ++i)
        if (i != class_axis(input)) wanted.push_back(input.shape(i));
    check<ShapeError>(target.shape() == wanted, where, [&] {
        return std::string(loss) + ": target must have input's shape without the classes, got " +
               to_string(input.shape()) + " and " + to_string(target.shape());
    });
    const std::int64_t classes = input.shape(class_axis(input));
    check<DTypeError>(target.dtype() == DType::i64 || target.dtype() == DType::i32, where, [&] {
        return std::string(loss) + ": classes must be i32 or i64, got " + name_of(target.dtype());
    });
    return target.dtype() == DType::i64 ? check_each<std::int64_t>(loss, target, classes, ignored, where)
                                        : check_each<std::int32_t>(loss, target, classes, ignored, where);
}

void check_class_weight(const char* loss, const Tensor& weight, const Tensor& input, Location where) {
    if (!weight.defined()) return;
    const std::int64_t classes = input.shape(class_axis(input));
    check<ShapeError>(weight.shape() == Shape{classes}, where, [&] {
        return std::string(loss) + ": weight must have one number for each of " + std::to_string(classes) +
               " classes, got " + to_string(weight.shape());
    });
    check<DTypeError>(weight.dtype() == input.dtype(), where, [&] {
        return std::string(loss) + ": weight must have input's dtype, got " + name_of(weight.dtype()) + " and " +
               name_of(input.dtype());
    });
}

}  // namespace xgrad::nn::detail
