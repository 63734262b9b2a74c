#include "loss.hpp"

#include <string>

#include <autodiff/ops/elementwise.hpp>
#include <autodiff/ops/index.hpp>
#include <autodiff/ops/reduce.hpp>
#include <autodiff/ops/shape.hpp>

namespace xgrad::nn {

namespace {

Tensor reduced(Tensor losses, const LossOptions& options) {
    switch (options.reduction) {
        case Reduction::mean: return mean(std::move(losses));
        case Reduction::sum: return sum(std::move(losses));
        case Reduction::none: break;
    }
    return losses;
}

void check_same_shape(const char* loss, const Tensor& input, const Tensor& target, Location where) {
    check<ShapeError>(input.shape() == target.shape(), where, [&] {
        return std::string(loss) + ": input and target must have one shape, got " + to_string(input.shape()) + " and " +
               to_string(target.shape());
    });
}

int class_axis(const Tensor& input) { return input.ndim() == 1 ? 0 : 1; }

template <class T>
void check_classes(const char* loss, const Tensor& target, std::int64_t classes, Location where) {
    for (const T c : target.data<T>())
        check<IndexError>(c >= 0 && c < classes, where, [&] {
            return std::string(loss) + ": class must be in [0, " + std::to_string(classes) + "), got " + std::to_string(c);
        });
}

void check_target(const char* loss, const Tensor& input, const Tensor& target, Location where) {
    check<ShapeError>(input.ndim() >= 1, where, [&] { return std::string(loss) + ": input needs an axis of classes, got a scalar"; });
    Shape wanted;
    for (int i = 0; i < input.ndim(); ++i)
        if (i != class_axis(input)) wanted.push_back(input.shape(i));
    check<ShapeError>(target.shape() == wanted, where, [&] {
        return std::string(loss) + ": target must have input's shape without the classes, got " + to_string(input.shape()) + " and " +
               to_string(target.shape());
    });
    const std::int64_t classes = input.shape(class_axis(input));
    if (target.dtype() == DType::i64) check_classes<std::int64_t>(loss, target, classes, where);
    else if (target.dtype() == DType::i32) check_classes<std::int32_t>(loss, target, classes, where);
    else throw DTypeError(at(std::string(loss) + ": classes must be i32 or i64, got " + name_of(target.dtype()), where));
}

Tensor picked_loss(const Tensor& log_probabilities, const Tensor& target, const LossOptions& options) {
    const int axis = class_axis(log_probabilities);
    Shape with_axis = log_probabilities.shape();
    with_axis[axis] = 1;
    Tensor picked = take_along_axis(log_probabilities, reshape(target, with_axis), axis);
    if (options.reduction == Reduction::none) return -reshape(std::move(picked), target.shape());
    return -reduced(std::move(picked), options);
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_same_shape("mse_loss", input, target, where);
    return reduced(square(subtract(Operand(input, where), target)), options);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_same_shape("l1_loss", input, target, where);
    return reduced(abs(subtract(Operand(input, where), target)), options);
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_target("nll_loss", input, target, where);
    return picked_loss(input, target, options);
}

Tensor cross_entropy(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_target("cross_entropy", input, target, where);
    return picked_loss(log_softmax(Operand(input, where), class_axis(input)), target, options);
}

}  // namespace xgrad::nn
