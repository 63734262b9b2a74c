#include "margin.hpp"

#include <vector>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/linalg/matmul.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "detail/parts.hpp"

namespace xgrad::nn {

using namespace detail;

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, const HingeEmbeddingOptions& options,
                            Location where) {
    check_same_shape("hinge_embedding_loss", input, target, where);
    const Tensor unlike = xgrad::where(not_equal(target, 1), clamp_min_0(options.margin - input), 0);
    return reduced(unlike + xgrad::where(not_equal(target, -1), input, 0), options.reduction);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginOptions& options, Location where) {
    check_same_shape("margin_ranking_loss", input1, input2, where);
    check_same_shape("margin_ranking_loss", input1, target, where);
    return reduced(clamp_min_0(options.margin - like(target, input1) * (input1 - input2)), options.reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_same_shape("soft_margin_loss", input, target, where);
    return reduced(softplus(-(like(target, input) * input)), options.reduction);
}

namespace {

/// Scores (N, C); (C,) is one sample.
Tensor as_rows(const char* loss, const Tensor& input, Location where) {
    check<ShapeError>(input.ndim() == 1 || input.ndim() == 2, where, [&] {
        return std::string(loss) + ": input must be (N, C) or (C,), got " + to_string(input.shape());
    });
    return input.ndim() == 2 ? input : reshape(input, {1, input.size()});
}

}  // namespace

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginOptions& options, Location where) {
    const Tensor scores = as_rows("multi_margin_loss", input, where);
    check_classes("multi_margin_loss", input, target, 0, where);
    check_class_weight("multi_margin_loss", options.weight, input, where);
    check<ValueError>(options.p == 1 || options.p == 2, where,
                      [&] { return "multi_margin_loss: p must be 1 or 2, got " + std::to_string(options.p); });
    const std::int64_t samples = scores.shape(0), classes = scores.shape(1);
    const Tensor index = reshape(target, {samples});
    Tensor violations = relu(options.margin - take_along_axis(scores, expand_dims(index, 1), 1) + scores);
    if (options.p == 2) violations = square(violations);
    violations = violations * (1 - one_hot(index, classes, input.dtype()));
    Tensor losses = sum(violations, 1) / static_cast<double>(classes);
    if (options.weight.defined()) losses = losses * take(options.weight, index);
    return reduced(reshape(losses, target.shape()), options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    const Tensor scores = as_rows("multilabel_margin_loss", input, where);
    check_same_shape("multilabel_margin_loss", input, target, where);
    check<DTypeError>(target.dtype() == DType::i32 || target.dtype() == DType::i64, where, [&] {
        return std::string("multilabel_margin_loss: classes must be i32 or i64, got ") + name_of(target.dtype());
    });
    const std::int64_t samples = scores.shape(0), classes = scores.shape(1);
    const Tensor given = target.to(DType::i64);
    std::vector<std::int64_t> index(static_cast<std::size_t>(samples * classes));
    std::vector<double> named(index.size()), other(index.size(), 1);  // named: 1 where a class is listed in the target;
                                                                      // other: 1 where it is not in the target
    for (std::int64_t n = 0; n < samples; ++n)
        for (std::int64_t c = 0; c < classes; ++c) {
            const std::int64_t label = given.data<std::int64_t>()[static_cast<std::size_t>(n * classes + c)];
            if (label == -1) break;
            check<IndexError>(label >= 0 && label < classes, where, [&] {
                return "multilabel_margin_loss: class must be in [0, " + std::to_string(classes) + "), got " +
                       std::to_string(label);
            });
            index[static_cast<std::size_t>(n * classes + c)] = label;
            named[static_cast<std::size_t>(n * classes + c)] = 1;
            other[static_cast<std::size_t>(n * classes + label)] = 0;
        }
    const Tensor picked = take_along_axis(scores, tensor(index, scores.shape()), 1);
    const Tensor mask = expand_dims(tensor(named, scores.shape()).to(input.dtype()), 2) *
                        expand_dims(tensor(other, scores.shape()).to(input.dtype()), 1);
    const Tensor violations = relu(1 - expand_dims(picked, 2) + expand_dims(scores, 1)) * mask;  // (N, named, all)
    const Tensor losses = sum(violations, {1, 2}) / static_cast<double>(classes);
    return reduced(input.ndim() == 2 ? losses : reshape(losses, {}), options.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const BceOptions& options,
                                   Location where) {
    check<ShapeError>(input.ndim() > 0, where, [] {
        return std::string("multilabel_soft_margin_loss: input needs an axis of classes, got a scalar");
    });
    check_same_shape("multilabel_soft_margin_loss", input, target, where);
    const Tensor losses = binary_cross_entropy_with_logits(
        input, target, {.weight = options.weight, .reduction = Reduction::none}, where);
    return reduced(mean(losses, -1), options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const MarginOptions& options, Location where) {
    check_same_shape("cosine_embedding_loss", input1, input2, where);
    check<ShapeError>(
        (input1.ndim() == 2 && target.shape() == Shape{input1.shape(0)}) || (input1.ndim() == 1 && target.ndim() == 0),
        where, [&] {
            return "cosine_embedding_loss: inputs must be (N, D) with targets (N,), or (D,) with a scalar, got " +
                   to_string(input1.shape()) + " and " + to_string(target.shape());
        });
    constexpr double eps = 1e-12;
    const Tensor squares = (sum(square(input1), -1) + eps) * (sum(square(input2), -1) + eps);
    const Tensor cosine = sum(input1 * input2, -1) / sqrt(squares);
    const Tensor unlike = xgrad::where(equal(target, -1), clamp_min_0(cosine - options.margin), 0);
    return reduced(xgrad::where(equal(target, 1), 1 - cosine, 0) + unlike, options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options, Location where) {
    check_same_shape("triplet_margin_loss", anchor, positive, where);
    check_same_shape("triplet_margin_loss", anchor, negative, where);
    const Tensor near = pairwise_distance(anchor, positive, options.p, options.eps);
    Tensor far = pairwise_distance(anchor, negative, options.p, options.eps);
    if (options.swap) far = minimum(far, pairwise_distance(positive, negative, options.p, options.eps));
    return reduced(clamp_min_0(options.margin + near - far), options.reduction);
}

namespace {

void check_queries(const Tensor& query, const Tensor& positive, const InfoNceOptions& options, Location where) {
    check_same_shape("info_nce", query, positive, where);
    check<ShapeError>(query.ndim() == 2, where,
                      [&] { return "info_nce: query and positive must be (N, D), got " + to_string(query.shape()); });
    check<ValueError>(options.temperature > 0, where, [&] {
        return "info_nce: the temperature must be positive, got " + PlainNumber(options.temperature).text();
    });
}

}  // namespace

Tensor info_nce(const Tensor& query, const Tensor& positive, const InfoNceOptions& options, Location where) {
    check_queries(query, positive, options, where);
    const Tensor scores = matmul(normalize(query, 2, -1), transpose(normalize(positive, 2, -1))) / options.temperature;
    return cross_entropy(scores, arange(query.shape(0)), {.reduction = options.reduction}, where);
}

Tensor info_nce(const Tensor& query, const Tensor& positive, const Tensor& negatives, const InfoNceOptions& options,
                Location where) {
    check_queries(query, positive, options, where);
    const std::int64_t n = query.shape(0), width = query.shape(1);
    const bool own = negatives.ndim() == 3;
    check<ShapeError>(
        (own || negatives.ndim() == 2) && negatives.shape(-1) == width && (!own || negatives.shape(0) == n), where,
        [&] {
            return "info_nce: negatives must be (M, D) or (N, M, D), got " + to_string(negatives.shape()) +
                   " for queries " + to_string(query.shape());
        });
    const Tensor q = normalize(query, 2, -1), others = normalize(negatives, 2, -1);
    const Tensor right = sum(q * normalize(positive, 2, -1), -1, true);
    const Tensor wrong = own ? squeeze(matmul(others, expand_dims(q, 2)), 2) : matmul(q, transpose(others));
    return cross_entropy(concat({right, wrong}, 1) / options.temperature, zeros({n}, DType::i64),
                         {.reduction = options.reduction}, where);
}

}  // namespace xgrad::nn
