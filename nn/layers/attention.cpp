#include "attention.hpp"

#include <limits>
#include <string>
#include <vector>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/ops/nn/attention.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

using Int = std::int64_t;

/// Rows `part` to `part + count` of three equal parts of a parameter, which may be empty.
Tensor rows_of(const Tensor& parameter, Int part, Int count) {
    if (!parameter.defined()) return {};
    const Int n = parameter.shape(0) / 3;
    return slice(parameter, 0, part * n, (part + count) * n);
}

/// A mask in PyTorch's sense as numbers to add to the scores.
Tensor added(const Tensor& mask, DType dtype) {
    if (mask.dtype() != DType::boolean) return mask;
    return where(mask, full({}, -std::numeric_limits<double>::infinity(), dtype), 0);
}

}  // namespace

/// (N, heads, steps, embed_dim / heads).
struct MultiheadAttention::Heads {
    Tensor query, key, value;
};

MultiheadAttention::MultiheadAttention(Int embed_dim, Int num_heads, const MultiheadAttentionOptions& options,
                                       Location where)
    : out_proj(embed_dim, embed_dim, {.bias = options.bias, .dtype = options.dtype}, where),
      embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options) {
    check<ValueError>(num_heads > 0 && embed_dim % num_heads == 0, where, [&] {
        return "MultiheadAttention: embed_dim must be a multiple of num_heads, got " + std::to_string(embed_dim) +
               " and " + std::to_string(num_heads);
    });
    check<ValueError>(options.dropout >= 0 && options.dropout <= 1, where, [&] {
        return "MultiheadAttention: dropout must be in [0, 1], got " + PlainNumber(options.dropout).text();
    });
    const Int kdim = options.kdim.value_or(embed_dim), vdim = options.vdim.value_or(embed_dim);
    const auto projection = [&](Parameter& weight, Int rows, Int columns) {
        weight = zeros({rows, columns}, options.dtype);
        init::xavier_uniform(weight);
    };
    if (kdim == embed_dim && vdim == embed_dim) {
        projection(in_proj_weight, 3 * embed_dim, embed_dim);
    } else {
        projection(q_proj_weight, embed_dim, embed_dim);
        projection(k_proj_weight, embed_dim, kdim);
        projection(v_proj_weight, embed_dim, vdim);
    }
    if (options.bias) {
        in_proj_bias = zeros({3 * embed_dim}, options.dtype);
        init::zeros(out_proj.bias);
    }
    if (options.add_bias_kv)
        for (Parameter* bias : {&bias_k, &bias_v}) {
            *bias = zeros({1, 1, embed_dim}, options.dtype);
            init::xavier_normal(*bias);
        }
}

void MultiheadAttention::check_inputs(const Tensor& query, const Tensor& key, const Tensor& value,
                                      Location where) const {
    const Int kdim = options_.kdim.value_or(embed_dim_), vdim = options_.vdim.value_or(embed_dim_);
    const int rank = query.ndim();
    bool fits = (rank == 2 || rank == 3) && key.ndim() == rank && value.ndim() == rank &&
                query.shape(-1) == embed_dim_ && key.shape(-1) == kdim && value.shape(-1) == vdim;
    const int steps = rank == 3 && options_.batch_first ? 1 : 0;
    fits = fits && key.shape(steps) == value.shape(steps);
    if (fits && rank == 3)
        fits = query.shape(1 - steps) == key.shape(1 - steps) && query.shape(1 - steps) == value.shape(1 - steps);
    check<ShapeError>(fits, where, [&] {
        const std::string lead = options_.batch_first ? "(N, " : "(", middle = options_.batch_first ? ", " : ", N, ";
        const auto wanted = [&](const char* count, Int width) {
            return lead + count + middle + std::to_string(width) + ")";
        };
        return "MultiheadAttention: query, key and value must be " + wanted("L", embed_dim_) + ", " +
               wanted("S", kdim) + " and " + wanted("S", vdim) + ", got " + to_string(query.shape()) + ", " +
               to_string(key.shape()) + " and " + to_string(value.shape());
    });
}

/// (L,N,E) or (N,L,E) to (N,H,L,D), and with k projections side by side (L,N,k E) to (k,N,H,L,D).
Tensor MultiheadAttention::to_heads(const Tensor& x) const {
    const Int count = x.shape(-1) / embed_dim_, depth = embed_dim_ / num_heads_;
    const bool first = options_.batch_first;
    if (count == 1) {
        const Tensor heads = reshape(x, {x.shape(0), x.shape(1), num_heads_, depth});
        return permute(heads, first ? std::vector{0, 2, 1, 3} : std::vector{1, 2, 0, 3});
    }
    const Tensor heads = reshape(x, {x.shape(0), x.shape(1), count, num_heads_, depth});
    return permute(heads, first ? std::vector{2, 0, 3, 1, 4} : std::vector{2, 1, 3, 0, 4});
}

Tensor MultiheadAttention::from_heads(const Tensor& x) const {
    const Tensor y = permute(x, options_.batch_first ? std::vector{0, 2, 1, 3} : std::vector{2, 0, 1, 3});
    return reshape(y, {y.shape(0), y.shape(1), embed_dim_});
}

MultiheadAttention::Heads MultiheadAttention::project(const Tensor& query, const Tensor& key, const Tensor& value,
                                                      Location where) const {
    const auto apart = [](const Tensor& heads, int count) {
        std::vector<Tensor> parts = split(heads, count, 0);
        for (Tensor& part : parts) part = squeeze(part, 0);
        return parts;
    };
    if (in_proj_weight.defined() && &query == &key && &key == &value) {
        const auto parts = apart(to_heads(linear({query, where}, in_proj_weight, in_proj_bias)), 3);
        return {parts[0], parts[1], parts[2]};
    }
    const auto bias = [&](Int part, Int count) { return rows_of(in_proj_bias, part, count); };
    if (in_proj_weight.defined() && &key == &value) {
        const auto parts = apart(to_heads(linear({key, where}, rows_of(in_proj_weight, 1, 2), bias(1, 2))), 2);
        return {to_heads(linear({query, where}, rows_of(in_proj_weight, 0, 1), bias(0, 1))), parts[0], parts[1]};
    }
    const auto weight = [&](const Tensor& own, Int part) {
        return own.defined() ? own : rows_of(in_proj_weight, part, 1);
    };
    return {to_heads(linear({query, where}, weight(q_proj_weight, 0), bias(0, 1))),
            to_heads(linear({key, where}, weight(k_proj_weight, 1), bias(1, 1))),
            to_heads(linear({value, where}, weight(v_proj_weight, 2), bias(2, 1)))};
}

/// Puts the keys and values of earlier steps first; returns the number of those steps.
Int MultiheadAttention::remember(KeyValueCache& cache, Heads& heads, Location where) {
    const Int past = cache.steps();
    if (past > 0) {
        const auto put_before = [&](const Tensor& earlier, Tensor& now) {
            check<ShapeError>(earlier.ndim() == 4 && earlier.shape(0) == now.shape(0) &&
                                  earlier.shape(1) == now.shape(1) && earlier.shape(3) == now.shape(3),
                              where, [&] {
                                  return "MultiheadAttention: the cache must be of the same samples and heads, got " +
                                         to_string(earlier.shape()) + " where this call makes " +
                                         to_string(now.shape());
                              });
            now = concat({earlier, now}, 2);
        };
        put_before(cache.key, heads.key);
        put_before(cache.value, heads.value);
    }
    cache = {heads.key, heads.value};
    return past;
}

/// Appends the extra keys and values (bias_kv, zero_attn) to those of the sequence.
void MultiheadAttention::extend(Heads& heads) const {
    Shape one = heads.key.shape();
    one[2] = 1;
    const auto append = [&](Tensor& to, const Tensor& last) { to = concat({to, last}, 2); };
    if (bias_k.defined()) {
        const auto for_heads = [&](const Parameter& bias) {
            return broadcast_to(reshape(bias, {1, num_heads_, 1, embed_dim_ / num_heads_}), one);
        };
        append(heads.key, for_heads(bias_k));
        append(heads.value, for_heads(bias_v));
    }
    if (options_.add_zero_attn)
        for (Tensor* to : {&heads.key, &heads.value}) append(*to, zeros(one, to->dtype()));
}

/// All masks combined into one that broadcasts to (N,H,L,S + what extend appends): bool, where true takes part, if all
/// are bool; else added to the scores.
Tensor MultiheadAttention::mask_of(const AttentionInputs& inputs, Int past, Int batch, Int rows, Int columns,
                                   DType dtype, Location where) const {
    std::vector<Tensor> masks;
    const auto give = [&](const Tensor& mask, const char* what, bool fits, const std::string& wanted,
                          const Shape& shape) {
        check<ShapeError>(fits, where, [&] {
            return std::string("MultiheadAttention: ") + what + " must be " + wanted + ", got " +
                   to_string(mask.shape());
        });
        check<DTypeError>(mask.dtype() == DType::boolean || mask.dtype() == dtype, where, [&] {
            return std::string("MultiheadAttention: ") + what + " must be bool or " + name_of(dtype) + ", got " +
                   name_of(mask.dtype());
        });
        masks.push_back(reshape(mask, shape));
    };
    if (const Tensor& mask = inputs.attn_mask; mask.defined()) {
        const Shape each{batch * num_heads_, rows, columns}, heads{num_heads_, rows, columns}, all{rows, columns};
        give(mask, "attn_mask", mask.shape() == all || mask.shape() == heads || mask.shape() == each,
             to_string(all) + ", " + to_string(heads) + " or " + to_string(each),
             mask.shape() == each ? Shape{batch, num_heads_, rows, columns} : mask.shape());
    }
    if (const Tensor& mask = inputs.key_padding_mask; mask.defined())
        give(mask, "key_padding_mask",
             mask.shape() == Shape{batch, columns} || (batch == 1 && mask.shape() == Shape{columns}),
             to_string(Shape{batch, columns}), {batch, 1, 1, columns});
    const Int extra = bias_k.defined() + options_.add_zero_attn;
    // Without extra keys, and without a past or for a single query after all keys, attention itself implements causal.
    if (inputs.causal && (extra || (past && rows > 1)))
        masks.push_back(logical_not(tril(ones({rows, columns}, DType::boolean), past)));
    if (masks.empty()) return {};
    bool all_bool = true;
    for (const Tensor& mask : masks) all_bool = all_bool && mask.dtype() == DType::boolean;
    Tensor mask;
    for (const Tensor& one : masks) {
        const Tensor part = all_bool ? logical_not(one) : added(one, dtype);
        mask = !mask.defined() ? part : all_bool ? logical_and(mask, part) : mask + part;
    }
    if (extra == 0) return mask;
    std::vector<std::pair<Int, Int>> widths(static_cast<std::size_t>(mask.ndim()));
    widths.back().second = extra;
    return pad(mask, widths, {.value = all_bool ? 1.0 : 0.0});
}

AttentionOutput MultiheadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                               const AttentionInputs& inputs, Location where) const {
    check_inputs(query, key, value, where);
    if (query.ndim() == 2) {
        const int n = options_.batch_first ? 0 : 1;
        const Tensor q = expand_dims(query, n), k = expand_dims(key, n), v = expand_dims(value, n);
        const auto y =
            &query == &key && &key == &value ? (*this)(q, q, q, inputs, where) : (*this)(q, k, v, inputs, where);
        return {squeeze(y.output, n), y.weights.defined() ? squeeze(y.weights, 0) : Tensor()};
    }
    Heads heads = project(query, key, value, where);
    const Int past = inputs.cache ? remember(*inputs.cache, heads, where) : 0;
    const Tensor mask =
        mask_of(inputs, past, heads.query.shape(0), heads.query.shape(2), heads.key.shape(2), query.dtype(), where);
    const bool extended = bias_k.defined() || options_.add_zero_attn;
    if (extended) extend(heads);
    const AttentionOptions options{.mask = mask, .causal = inputs.causal && past == 0 && !extended};
    const bool drops = training && options_.dropout > 0;
    if (!drops && !inputs.need_weights) {
        const Tensor y = scaled_dot_product_attention({heads.query, where}, heads.key, heads.value, options);
        return {out_proj(from_heads(y), where), {}};
    }
    Tensor weights = attention_weights({heads.query, where}, heads.key, options);
    if (drops) {
        Generator generator(random_.next());
        weights = dropout(weights, options_.dropout, generator);
    }
    const Tensor mixed = [&] {
        const Autocast as_fused(Precision::full);
        return matmul(weights, heads.value);
    }();
    const Tensor y = out_proj(from_heads(mixed), where);
    if (!inputs.need_weights) return {y, {}};
    return {y, inputs.average_attn_weights ? mean(weights, 1) : weights};
}

AttentionOutput MultiheadAttention::operator()(const Tensor& x, const AttentionInputs& inputs, Location where) const {
    return (*this)(x, x, x, inputs, where);
}

XGRAD_FIELDS_OF(MultiheadAttention, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_weight, in_proj_bias, bias_k,
                bias_v, out_proj, random_)

}  // namespace xgrad::nn
