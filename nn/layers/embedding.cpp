#include "embedding.hpp"

#include <array>
#include <string>
#include <utility>

#include <autodiff/core/apply.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/shape/shape.hpp>
#include <autodiff/ops/nn/update.hpp>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

void check_sizes(const char* layer, std::int64_t n, std::int64_t width, const std::optional<std::int64_t>& padding,
                 Location where) {
    check<ValueError>(n > 0 && width > 0, where, [&] {
        return std::string(layer) + ": sizes must be positive, got " + std::to_string(n) + " and " +
               std::to_string(width);
    });
    check<IndexError>(!padding || (*padding >= -n && *padding < n), where, [&] {
        return std::string(layer) + ": padding_idx must be in [" + std::to_string(-n) + ", " + std::to_string(n) +
               "), got " + std::to_string(*padding);
    });
}

Tensor start(std::int64_t n, std::int64_t width, const std::optional<std::int64_t>& padding, DType dtype) {
    Tensor rows = randn({n, width}, default_generator(), dtype);
    if (!padding) return rows;
    return where(reshape(equal(arange(n), (*padding + n) % n), {n, 1}), 0, rows);
}

/// The weight with the rows at `indices` scaled to a norm of at most max_norm; the gradient passes through unchanged.
struct MaxNorm {
    static constexpr const char* name = "max_norm";
    double max_norm = 0, norm_type = 2;
    Location where = {};
    XGRAD_ATTRIBUTES(max_norm, norm_type)

    Tensor value(const Tensor& weight, const Tensor& indices) const {
        Tensor scaled = stop_gradient(weight);
        renorm_rows(scaled, indices, max_norm, norm_type, where);
        return scaled;
    }
    static std::array<Tensor, 2> pullback(Tensor g) { return {std::move(g)}; }
};

/// Moves the value out so that rows are scaled in place, and puts it back even after an exception.
void renormalise(Parameter& weight, const Tensor& x, double max_norm, double norm_type, Location where) {
    if (weight.bound()) {  // bound to a tensor, which stays unchanged: the scaled rows replace it
        weight.bind(apply(MaxNorm{max_norm, norm_type, where}, {weight, x}, where));
        return;
    }
    struct Taken {
        explicit Taken(Parameter& p) : parameter(p), value(p.release()) {}
        ~Taken() { parameter = value; }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
        Parameter& parameter;
        Tensor value;
    } taken(weight);
    renorm_rows(taken.value, x, max_norm, norm_type, where);
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options,
                     Location where)
    : padding_(options.padding_idx), max_norm_(options.max_norm), norm_type_(options.norm_type) {
    check_sizes("Embedding", num_embeddings, embedding_dim, padding_, where);
    weight = start(num_embeddings, embedding_dim, padding_, options.dtype);
}

Embedding Embedding::from_pretrained(const Tensor& rows, bool freeze, const EmbeddingOptions& options, Location where) {
    check<ShapeError>(rows.ndim() == 2, where,
                      [&] { return "Embedding: the rows must have 2 axes, got shape " + to_string(rows.shape()); });
    Embedding layer(1, 1, {.max_norm = options.max_norm, .norm_type = options.norm_type}, where);
    check_sizes("Embedding", rows.shape(0), rows.shape(1), options.padding_idx, where);
    layer.padding_ = options.padding_idx;
    layer.weight = stop_gradient(rows);
    layer.weight.freeze(freeze);
    return layer;
}

Tensor Embedding::operator()(const Tensor& x, Location where) const {
    if (max_norm_) renormalise(weight, x, *max_norm_, norm_type_, where);
    return embedding(Operand(x, where), weight, {.padding_idx = padding_});
}

EmbeddingBag::EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingBagOptions& options,
                           Location where)
    : options_(options) {
    check_sizes("EmbeddingBag", num_embeddings, embedding_dim, options.padding_idx, where);
    weight = start(num_embeddings, embedding_dim, options.padding_idx, options.dtype);
}

Tensor EmbeddingBag::operator()(const Tensor& x, const Tensor& offsets, const Tensor& per_sample_weights,
                                Location where) const {
    if (options_.max_norm) renormalise(weight, x, *options_.max_norm, options_.norm_type, where);
    return embedding_bag(Operand(x, where), weight, offsets, per_sample_weights,
                         {.mode = options_.mode,
                          .include_last_offset = options_.include_last_offset,
                          .padding_idx = options_.padding_idx});
}

XGRAD_FIELDS_OF(Embedding, weight)
XGRAD_FIELDS_OF(EmbeddingBag, weight)

}  // namespace xgrad::nn
