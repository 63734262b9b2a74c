#include "attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/reduce/detail/reduction.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Shape batch_of(const Tensor& x) { return Shape(x.shape().begin(), x.ndim() - 2); }
Shape with_matrix(Shape batch, Int rows, Int columns) {
    batch.push_back(rows);
    batch.push_back(columns);
    return batch;
}

/// query (batch…, rows, width), key (batch…, columns, width), value (batch…, columns, depth).
struct Problem {
    Int batch, rows, columns, width, depth;
    double scale;
    bool causal;
    Tensor mask;                        // empty, bool, or added
    std::vector<Int> mask_of;           // where each batch's mask starts
    Int mask_row = 0, mask_column = 0;  // its strides

    Int work() const { return batch * rows * columns * (width + depth); }
    bool empty() const { return batch == 0 || rows == 0 || columns == 0; }
};

/// Determines the mask's strides and offsets relative to the scores.
void place_mask(Problem& p, const Shape& batch) {
    const Shape& own = p.mask.shape();
    const int rank = batch.rank() + 2;
    const auto stride = [&](int axis) -> Int {  // the mask's stride along an axis of the scores
        const int mine = axis - (rank - own.rank());
        if (mine < 0 || own[mine] == 1) return 0;
        Int step = 1;
        for (int k = mine + 1; k < own.rank(); ++k) step *= own[k];
        return step;
    };
    p.mask_row = stride(rank - 2);
    p.mask_column = stride(rank - 1);
    for (Int b = 0; b < p.batch; ++b) {
        Int at = 0, rest = b;
        for (int axis = batch.rank() - 1; axis >= 0; --axis) {
            at += rest % batch[axis] * stride(axis);
            rest /= batch[axis];
        }
        p.mask_of.push_back(at);
    }
}

Problem problem_of(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, double scale,
                   bool causal) {
    const Shape batch = batch_of(query);
    Problem p{batch.size(), query.shape(-2), key.shape(-2), query.shape(-1), value.shape(-1), scale, causal, mask, {}};
    if (mask.defined()) place_mask(p, batch);
    return p;
}

// Scores are computed in blocks of this many queries and keys.
constexpr Int block_rows = 128, block_columns = 128;

/// One thread's buffers, and the products between blocks, which are all row-major and dense.
template <class T>
class Blocks {
public:
    explicit Blocks(const Problem& p)
        : p_(p),
          gemm_(kernels::active().gemm),
          room_(detail::empty({gemm_.scratch_bytes / static_cast<Int>(sizeof(T))}, dtype_of<T>())),
          query_(detail::empty({block_rows, p.width}, dtype_of<T>())),
          scores_(detail::empty({2, block_rows, block_columns}, dtype_of<T>())) {}

    T* scores() { return elements<T>(scores_); }
    T* cotangents() { return elements<T>(scores_) + block_rows * block_columns; }

    /// c (m,n) = op(a) · op(b), or += with `add`.
    void product(bool ta, bool tb, Int m, Int n, Int k, const T* a, const T* b, T* c, bool add) {
        gemm_.run(kernels::GemmProblem<T>{ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, c, n, add, nullptr},
                  elements<T>(room_));
    }

    /// The scores of queries [row, row + rows) and keys [column, column + columns) of one batch.
    void score(const T* query, const T* key, Int batch, Int row, Int rows, Int column, Int columns) {
        T* const scaled = elements<T>(query_);
        const T scale = static_cast<T>(p_.scale);
        for (Int i = 0; i < rows * p_.width; ++i) scaled[i] = query[row * p_.width + i] * scale;
        product(false, true, rows, columns, p_.width, scaled, key + column * p_.width, scores(), false);
        if (p_.mask.defined()) hide(batch, row, rows, column, columns);
        if (!p_.causal) return;
        for (Int i = 0; i < rows; ++i) {
            const Int first = std::clamp<Int>(row + i + 1 - column, 0, columns);
            std::fill(scores() + i * columns + first, scores() + (i + 1) * columns,
                      -std::numeric_limits<T>::infinity());
        }
    }

private:
    void hide(Int batch, Int row, Int rows, Int column, Int columns) {
        const Int begin = p_.mask_of[static_cast<std::size_t>(batch)] + row * p_.mask_row + column * p_.mask_column;
        for (Int i = 0; i < rows; ++i) {
            T* const to = scores() + i * columns;
            const Int at = begin + i * p_.mask_row;
            if (p_.mask.dtype() == DType::boolean) {
                const std::uint8_t* seen = elements<std::uint8_t>(p_.mask) + at;
                for (Int j = 0; j < columns; ++j)
                    to[j] = seen[j * p_.mask_column] ? to[j] : -std::numeric_limits<T>::infinity();
            } else {
                const T* add = elements<T>(p_.mask) + at;
                for (Int j = 0; j < columns; ++j) to[j] += add[j * p_.mask_column];
            }
        }
    }

    const Problem& p_;
    const kernels::GemmKernels& gemm_;
    Tensor room_, query_, scores_;
};

/// Whether causal masking hides a whole block of keys, because they all come after the block's last query.
bool unseen(const Problem& p, Int last_row, Int column) { return p.causal && column > last_row; }

/// Computes the result and the logarithm of each query's sum of exponentials.
template <class T>
void attend(const Problem& p, const T* query, const T* key, const T* value, T* y, T* logsum) {
    const auto& kernel = kernels::active().attention.of<T>();
    const Int blocks = (p.rows + block_rows - 1) / block_rows;
    parallel_for(p.batch * blocks, p.work(), [&](Int begin, Int end) {
        Blocks<T> block(p);
        T largest[block_rows], sum[block_rows];
        for (Int task = begin; task < end; ++task) {
            const Int b = task / blocks, row = task % blocks * block_rows, rows = std::min(block_rows, p.rows - row);
            T* const out = y + (b * p.rows + row) * p.depth;
            std::fill_n(out, rows * p.depth, T(0));
            std::fill_n(largest, rows, -std::numeric_limits<T>::infinity());
            std::fill_n(sum, rows, T(0));
            for (Int column = 0; column < p.columns && !unseen(p, row + rows - 1, column); column += block_columns) {
                const Int columns = std::min(block_columns, p.columns - column);
                block.score(query + b * p.rows * p.width, key + b * p.columns * p.width, b, row, rows, column, columns);
                kernel.soften(block.scores(), rows, columns, largest, sum, out, p.depth);
                block.product(false, false, rows, p.depth, columns, block.scores(),
                              value + (b * p.columns + column) * p.depth, out, true);
            }
            for (Int i = 0; i < rows; ++i) {
                const T factor = sum[i] == 0 ? T(0) : 1 / sum[i];
                for (Int j = 0; j < p.depth; ++j) out[i * p.depth + j] *= factor;
                logsum[b * p.rows + row + i] =
                    sum[i] == 0 ? -std::numeric_limits<T>::infinity() : largest[i] + std::log(sum[i]);
            }
        }
    });
}

template <class T>
void attend_back(const Problem& p, const T* query, const T* key, const T* value, const T* y, const T* logsum,
                 const T* g, T* dquery, T* dkey, T* dvalue) {
    const auto& kernel = kernels::active().attention.of<T>();
    parallel_for(p.batch, p.work(), [&](Int begin, Int end) {
        Blocks<T> block(p);
        std::vector<T> delta(static_cast<std::size_t>(p.rows)), others(delta);
        std::vector<Int> peak(delta.size());
        for (Int b = begin; b < end; ++b) {
            const Int at_rows = b * p.rows, at_columns = b * p.columns;
            for (Int i = 0; i < p.rows; ++i) {
                T dot = 0;
                for (Int j = 0; j < p.depth; ++j)
                    dot += g[(at_rows + i) * p.depth + j] * y[(at_rows + i) * p.depth + j];
                delta[static_cast<std::size_t>(i)] = dot;
            }
            std::fill(others.begin(), others.end(), T(0));
            std::fill(peak.begin(), peak.end(), Int{-1});
            const T *const q = query + at_rows * p.width, *const k = key + at_columns * p.width;
            for (Int column = 0; column < p.columns; column += block_columns) {
                const Int columns = std::min(block_columns, p.columns - column);
                for (Int row = 0; row < p.rows; row += block_rows) {
                    const Int rows = std::min(block_rows, p.rows - row);
                    if (unseen(p, row + rows - 1, column)) continue;
                    block.score(q, k, b, row, rows, column, columns);
                    const T* const cotangent = g + (at_rows + row) * p.depth;
                    T *const weights = block.scores(), *const ds = block.cotangents();
                    block.product(false, true, rows, columns, p.depth, cotangent,
                                  value + (at_columns + column) * p.depth, ds, false);
                    kernel.harden(weights, ds, rows, columns, logsum + at_rows + row, delta.data() + row,
                                  static_cast<T>(p.scale), column, others.data() + row, peak.data() + row);
                    if (dvalue)
                        block.product(true, false, columns, p.depth, rows, weights, cotangent,
                                      dvalue + (at_columns + column) * p.depth, true);
                    if (dquery)
                        block.product(false, false, rows, p.width, columns, ds, k + column * p.width,
                                      dquery + (at_rows + row) * p.width, true);
                    if (dkey)
                        block.product(true, false, columns, p.width, rows, ds, q + row * p.width,
                                      dkey + (at_columns + column) * p.width, true);
                }
            }
            for (Int i = 0; i < p.rows; ++i) {
                const Int j = peak[static_cast<std::size_t>(i)];
                if (j < 0) continue;
                const T ds = -others[static_cast<std::size_t>(i)];
                for (Int c = 0; c < p.width; ++c) {
                    if (dquery) dquery[(at_rows + i) * p.width + c] += ds * k[j * p.width + c];
                    if (dkey) dkey[(at_columns + j) * p.width + c] += ds * q[i * p.width + c];
                }
            }
        }
    });
}

/// The weights, computed with operations.
Tensor weights_of(const Tensor& query, const Tensor& key, const Tensor& mask, bool causal, double scale) {
    const Autocast as_fused(Precision::full);
    Tensor scores = matmul(query, swapaxes(key, -1, -2)) * scale;
    if (mask.defined()) scores = mask.dtype() == DType::boolean ? where(mask, scores, -infinity) : scores + mask;
    if (causal) {
        const Int rows = scores.shape(-2), columns = scores.shape(-1);
        const Tensor row = reshape(arange(rows), {rows, 1}), column = arange(columns);
        scores = where(less_equal(column, row), scores, -infinity);
    }
    if (scores.size() == 0) return scores;
    if (!mask.defined()) return softmax(scores);
    const Tensor blind = equal(max(stop_gradient(scores), -1, true), -infinity);
    return where(blind, 0, softmax(where(blind, 0, scores)));
}

/// Takes query, key and value with one batch axis; the mask may be empty. The result is followed by the logarithm of
/// each query's sum of exponentials.
struct ScaledDotProductAttention {
    static constexpr const char* name = "scaled_dot_product_attention";
    double scale = 1;
    bool causal = false;
    XGRAD_ATTRIBUTES(scale, causal)
    static constexpr Saves saves{.inputs = 0b1111, .outputs = 0b11};
    static constexpr int results = 1;

    std::array<Tensor, 2> value(const Tensor& query, const Tensor& key, const Tensor& values,
                                const Tensor& mask) const {
        const Problem p = problem_of(query, key, values, mask, scale, causal);
        const Shape shape = with_matrix(batch_of(query), p.rows, p.depth);
        std::array<Tensor, 2> y{
            p.empty() ? zeros(shape, query.dtype()) : empty(shape, query.dtype()),
            p.empty() ? zeros({p.batch, p.rows}, query.dtype()) : empty({p.batch, p.rows}, query.dtype())};
        if (p.empty()) return y;
        with_floating(query.dtype(), [&]<class T>(T) {
            attend(p, elements<T>(query), elements<T>(key), elements<T>(values), elements<T>(y[0]), elements<T>(y[1]));
        });
        return y;
    }
    /// Writes out all scores.
    std::array<Tensor, 4> pullback(Tensor g, const Saved& s) const {
        const Tensor &query = s.input(0), &key = s.input(1), &values = s.input(2);
        const Tensor weights = weights_of(query, key, s.input(3), causal, scale);
        if (weights.size() == 0) return zeros_for(s);
        std::array<Tensor, 4> parts;
        if (s.needs(2)) parts[2] = matmul(swapaxes(weights, -1, -2), g);
        if (!s.needs(0) && !s.needs(1) && !s.needs(3)) return parts;
        const Tensor dweights = matmul(g, swapaxes(values, -1, -2));
        const AxisMask keys = AxisMask{1} << (weights.ndim() - 1);
        const Tensor dscores = closed(weights * (dweights - sum_kept(dweights * weights, keys)), weights, keys);
        if (s.needs(0)) parts[0] = matmul(dscores, key) * scale;
        if (s.needs(1)) parts[1] = matmul(swapaxes(dscores, -1, -2), query) * scale;
        if (s.needs(3)) parts[3] = dscores;
        return parts;
    }
    std::array<Tensor, 4> fused_pullback(Tensor g, const Saved& s) const {
        if (s.needs(3)) return pullback(std::move(g), s);
        const Tensor &query = s.input(0), &key = s.input(1), &values = s.input(2);
        const Problem p = problem_of(query, key, values, s.input(3), scale, causal);
        std::array<Tensor, 4> parts = zeros_for(s);
        if (p.empty()) return parts;
        with_floating(query.dtype(), [&]<class T>(T) {
            T* to[3];
            for (std::size_t i = 0; i < 3; ++i) to[i] = parts[i].defined() ? elements<T>(parts[i]) : nullptr;
            attend_back(p, elements<T>(query), elements<T>(key), elements<T>(values), elements<T>(s.output(0)),
                        elements<T>(s.output(1)), elements<T>(g), to[0], to[1], to[2]);
        });
        return parts;
    }

private:
    static std::array<Tensor, 4> zeros_for(const Saved& s) {
        std::array<Tensor, 4> parts;
        for (std::size_t i = 0; i < 4; ++i)
            if (s.needs(i)) parts[i] = zeros_like(s.input(i));
        return parts;
    }
};

void check_mask(const Shape& mask, const Shape& scores, Location where) {
    bool fits = mask.rank() <= scores.rank();
    for (int k = 0; fits && k < mask.rank(); ++k) {
        const Int size = mask[mask.rank() - 1 - k];
        fits = size == 1 || size == scores[scores.rank() - 1 - k];
    }
    check<ShapeError>(fits, where, [&] {
        return std::string(ScaledDotProductAttention::name) + ": the mask must broadcast to " + to_string(scores) +
               ", got " + to_string(mask);
    });
}

Tensor spread_over(const Tensor& x, const Shape& batch, Location where) {
    return broadcast_to({x, where}, with_matrix(batch, x.shape(-2), x.shape(-1)));
}

}  // namespace

Tensor attention_weights(const Operand& query_operand, const Operand& key_operand, const AttentionOptions& options) {
    return composed("attention_weights", query_operand.where(), [&]() -> Tensor {
        constexpr const char* operation = "attention_weights";
        const Location where = query_operand.where();
        const Tensor &query = tensor_of(query_operand, operation), &key = tensor_of(key_operand, operation),
                     &mask = options.mask;
        check_floating(query, operation, where);
        check_same_dtype(query, key, operation, where, "the key");
        if (mask.defined() && mask.dtype() != DType::boolean)
            check_same_dtype(query, mask, operation, where, "the mask");
        check<ShapeError>(query.ndim() >= 2 && key.ndim() >= 2 && query.shape(-1) == key.shape(-1), where, [&] {
            return std::string(operation) + ": query and key must be (…, L, E) and (…, S, E), got " +
                   to_string(query.shape()) + " and " + to_string(key.shape());
        });
        const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.shape(-1))));
        return weights_of(query, key, mask, options.causal, scale);
    });
}

Tensor scaled_dot_product_attention(const Operand& query_operand, const Operand& key_operand,
                                    const Operand& value_operand, const AttentionOptions& options) {
    return composed("scaled_dot_product_attention", query_operand.where(), [&]() -> Tensor {
        constexpr const char* name = ScaledDotProductAttention::name;
        const Location where = query_operand.where();
        Tensor query = tensor_of(query_operand, name), key = tensor_of(key_operand, name),
               value = tensor_of(value_operand, name);
        const Tensor& mask = options.mask;
        check_floating(query, name, where);
        check_same_dtype(query, key, name, where, "the key");
        check_same_dtype(query, value, name, where, "the value");
        if (mask.defined() && mask.dtype() != DType::boolean) check_same_dtype(query, mask, name, where, "the mask");
        const bool fits = query.ndim() >= 2 && key.ndim() >= 2 && value.ndim() >= 2 &&
                          query.shape(-1) == key.shape(-1) && key.shape(-2) == value.shape(-2);
        check<ShapeError>(fits, where, [&] {
            return std::string(name) + ": query, key and value must be (…, L, E), (…, S, E) and (…, S, V), got " +
                   to_string(query.shape()) + ", " + to_string(key.shape()) + " and " + to_string(value.shape());
        });
        const Shape batch = broadcast_shapes(broadcast_shapes(batch_of(query), batch_of(key), name, where),
                                             batch_of(value), name, where);
        for (Tensor* t : {&query, &key, &value})
            if (batch_of(*t) != batch) *t = spread_over(*t, batch, where);

        if (mask.defined()) check_mask(mask.shape(), with_matrix(batch, query.shape(-2), key.shape(-2)), where);
        const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.shape(-1))));
        return apply(ScaledDotProductAttention{scale, options.causal}, {query, key, value, mask}, where)[0];
    });
}

}  // namespace xgrad
