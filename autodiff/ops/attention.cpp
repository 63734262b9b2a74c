#include "attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "../composition.hpp"
#include "../apply.hpp"
#include "../kernels/kernels.hpp"
#include "axes.hpp"
#include "elementwise.hpp"
#include "matmul.hpp"
#include "parallel.hpp"
#include "reduce.hpp"
#include "reduction.hpp"
#include "shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr const char* name = "scaled_dot_product_attention";

/// query (batch…, rows, width), key (batch…, columns, width), value (batch…, columns, depth).
struct Problem {
    Int batch, rows, columns, width, depth;
    Shape result;
    double scale;
    bool causal;
    Tensor mask;                          // empty, bool, or added
    std::vector<Int> mask_of;             // where each batch's mask begins
    Int mask_row = 0, mask_column = 0;  // its strides

    Int work() const { return batch * rows * columns * (width + depth); }
    bool empty() const { return batch == 0 || rows == 0 || columns == 0; }
};

// Scores are made in blocks of so many queries and keys.
constexpr Int block_rows = 128, block_columns = 128;

/// One thread's room and the products between blocks, all of them row-major and dense.
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

    /// c (m,n) = op(a) · op(b), or + it.
    void product(bool ta, bool tb, Int m, Int n, Int k, const T* a, const T* b, T* c, bool add) {
        gemm_.run(kernels::GemmProblem<T>{ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, c, n, add, nullptr}, elements<T>(room_));
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
            std::fill(scores() + i * columns + first, scores() + (i + 1) * columns, -std::numeric_limits<T>::infinity());
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
                for (Int j = 0; j < columns; ++j) to[j] = seen[j * p_.mask_column] ? to[j] : -std::numeric_limits<T>::infinity();
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

/// Past its last query a block of keys hides nothing but the future.
bool unseen(const Problem& p, Int last_row, Int column) { return p.causal && column > last_row; }

/// The result, and the logarithm of each query's sum of exponentials.
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
                block.product(false, false, rows, p.depth, columns, block.scores(), value + (b * p.columns + column) * p.depth, out, true);
            }
            for (Int i = 0; i < rows; ++i) {
                const T factor = sum[i] == 0 ? T(0) : 1 / sum[i];
                for (Int j = 0; j < p.depth; ++j) out[i * p.depth + j] *= factor;
                logsum[b * p.rows + row + i] = sum[i] == 0 ? -std::numeric_limits<T>::infinity() : largest[i] + std::log(sum[i]);
            }
        }
    });
}

template <class T>
void attend_back(const Problem& p, const T* query, const T* key, const T* value, const T* y, const T* logsum, const T* g, T* dquery,
                 T* dkey, T* dvalue) {
    const auto& kernel = kernels::active().attention.of<T>();
    parallel_for(p.batch, p.work(), [&](Int begin, Int end) {
        Blocks<T> block(p);
        std::vector<T> delta(static_cast<std::size_t>(p.rows)), others(delta);
        std::vector<Int> peak(delta.size());
        for (Int b = begin; b < end; ++b) {
            const Int at_rows = b * p.rows, at_columns = b * p.columns;
            for (Int i = 0; i < p.rows; ++i) {
                T dot = 0;
                for (Int j = 0; j < p.depth; ++j) dot += g[(at_rows + i) * p.depth + j] * y[(at_rows + i) * p.depth + j];
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
                    block.product(false, true, rows, columns, p.depth, cotangent, value + (at_columns + column) * p.depth, ds, false);
                    kernel.harden(weights, ds, rows, columns, logsum + at_rows + row, delta.data() + row, static_cast<T>(p.scale), column,
                                  others.data() + row, peak.data() + row);
                    if (dvalue)
                        block.product(true, false, columns, p.depth, rows, weights, cotangent, dvalue + (at_columns + column) * p.depth,
                                      true);
                    if (dquery)
                        block.product(false, false, rows, p.width, columns, ds, k + column * p.width, dquery + (at_rows + row) * p.width,
                                      true);
                    if (dkey)
                        block.product(true, false, columns, p.width, rows, ds, q + row * p.width, dkey + (at_columns + column) * p.width,
                                      true);
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

struct Result {
    Tensor y, logsum;
};
Result attention_values(const Problem& p, const Tensor& query, const Tensor& key, const Tensor& value) {
    Result r{p.empty() ? zeros(p.result, query.dtype()) : empty(p.result, query.dtype()), empty({p.batch, p.rows}, query.dtype())};
    if (p.empty()) return r;
    with_floating(query.dtype(), [&]<class T>(T) {
        attend(p, elements<T>(query), elements<T>(key), elements<T>(value), elements<T>(r.y), elements<T>(r.logsum));
    });
    return r;
}

std::array<Tensor, 4> nothing(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, Needs needs) {
    std::array<Tensor, 4> parts;
    const Tensor* const inputs[] = {&query, &key, &value, &mask};
    for (std::size_t i = 0; i < 4; ++i)
        if (needs[i] && inputs[i]->defined()) parts[i] = zeros_like(*inputs[i]);
    return parts;
}

std::array<Tensor, 4> attention_back(const Problem& p, const Tensor& query, const Tensor& key, const Tensor& value, const Result& r,
                                     const Tensor& g, Needs needs) {
    std::array<Tensor, 4> parts = nothing(query, key, value, Tensor(), needs);
    with_floating(query.dtype(), [&]<class T>(T) {
        T* to[3];
        for (std::size_t i = 0; i < 3; ++i) to[i] = parts[i].defined() ? elements<T>(parts[i]) : nullptr;
        attend_back(p, elements<T>(query), elements<T>(key), elements<T>(value), elements<T>(r.y), elements<T>(r.logsum), elements<T>(g),
                    to[0], to[1], to[2]);
    });
    return parts;
}

/// The weights in operations.
Tensor weights_of(const Tensor& query, const Tensor& key, const Tensor& mask, bool causal, double scale) {
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

/// The same cotangents in operations, with all scores written out.
std::array<Tensor, 4> composed_back(const Problem& p, const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                                    const Tensor& g, Needs needs) {
    std::array<Tensor, 4> parts;
    const Tensor weights = weights_of(query, key, mask, p.causal, p.scale);
    if (needs[2]) parts[2] = matmul(swapaxes(weights, -1, -2), g);
    if (!needs[0] && !needs[1] && !(mask.defined() && needs[3])) return parts;
    const Tensor dweights = matmul(g, swapaxes(value, -1, -2));
    const AxisMask keys = AxisMask{1} << (weights.ndim() - 1);
    const Tensor dscores = closed(weights * (dweights - sum_kept(dweights * weights, keys)), weights, keys);
    if (needs[0]) parts[0] = matmul(dscores, key) * p.scale;
    if (needs[1]) parts[1] = matmul(swapaxes(dscores, -1, -2), query) * p.scale;
    if (mask.defined() && needs[3]) parts[3] = dscores;
    return parts;
}

/// How the mask lies beside the scores.
void place_mask(Problem& p, const Shape& batch, Location where) {
    Shape scores = batch;
    scores.push_back(p.rows);
    scores.push_back(p.columns);
    const Shape& own = p.mask.shape();
    bool fits = own.rank() <= scores.rank();
    for (int k = 0; fits && k < own.rank(); ++k) {
        const Int size = own[own.rank() - 1 - k];
        fits = size == 1 || size == scores[scores.rank() - 1 - k];
    }
    check<ShapeError>(fits, where,
                      [&] { return std::string(name) + ": the mask must broadcast to " + to_string(scores) + ", got " + to_string(own); });
    const auto stride = [&](int axis) -> Int {  // of an axis of the scores in the mask
        const int mine = axis - (scores.rank() - own.rank());
        if (mine < 0 || own[mine] == 1) return 0;
        Int step = 1;
        for (int k = mine + 1; k < own.rank(); ++k) step *= own[k];
        return step;
    };
    p.mask_row = stride(scores.rank() - 2);
    p.mask_column = stride(scores.rank() - 1);
    for (Int b = 0; b < p.batch; ++b) {
        Int at = 0, rest = b;
        for (int axis = batch.rank() - 1; axis >= 0; --axis) {
            at += rest % batch[axis] * stride(axis);
            rest /= batch[axis];
        }
        p.mask_of.push_back(at);
    }
}

Tensor spread_over(const Tensor& x, const Shape& batch, Location where) {
    Shape shape = batch;
    shape.push_back(x.shape(-2));
    shape.push_back(x.shape(-1));
    return broadcast_to({x, where}, shape);
}

}  // namespace

Tensor attention_weights(const Operand& query_operand, const Operand& key_operand, const AttentionOptions& options) {
    return composed("attention_weights", query_operand.where(), [&]() -> Tensor {
        constexpr const char* operation = "attention_weights";
        const Location where = query_operand.where();
        const Tensor &query = tensor_of(query_operand, operation), &key = tensor_of(key_operand, operation), &mask = options.mask;
        check_floating(query, operation, where);
        check<DTypeError>(
            key.dtype() == query.dtype() && (!mask.defined() || mask.dtype() == DType::boolean || mask.dtype() == query.dtype()), where,
            [&] {
                return std::string(operation) + ": dtypes must agree, got " + name_of(query.dtype()) + " and " +
                       name_of(key.dtype() == query.dtype() ? mask.dtype() : key.dtype());
            });
        check<ShapeError>(query.ndim() >= 2 && key.ndim() >= 2 && query.shape(-1) == key.shape(-1), where, [&] {
            return std::string(operation) + ": query and key must be (…, L, E) and (…, S, E), got " + to_string(query.shape()) + " and " +
                   to_string(key.shape());
        });
        const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.shape(-1))));
        return weights_of(query, key, mask, options.causal, scale);
    });
}

Tensor scaled_dot_product_attention(const Operand& query_operand, const Operand& key_operand, const Operand& value_operand,
                                    const AttentionOptions& options) {
    return composed("scaled_dot_product_attention", query_operand.where(), [&]() -> Tensor {
        const Location where = query_operand.where();
        Tensor query = tensor_of(query_operand, name), key = tensor_of(key_operand, name), value = tensor_of(value_operand, name);
        const Tensor& mask = options.mask;
        check_floating(query, name, where);
        for (const Tensor* t : {&std::as_const(key), &std::as_const(value), &mask}) {
            if (t == &mask && !mask.defined()) continue;
            check<DTypeError>(t->dtype() == query.dtype() || (t == &mask && t->dtype() == DType::boolean), where, [&] {
                return std::string(name) + ": dtypes must agree, got " + name_of(query.dtype()) + " and " + name_of(t->dtype());
            });
        }
        const bool fits = query.ndim() >= 2 && key.ndim() >= 2 && value.ndim() >= 2 && query.shape(-1) == key.shape(-1) &&
                          key.shape(-2) == value.shape(-2);
        check<ShapeError>(fits, where, [&] {
            return std::string(name) + ": query, key and value must be (…, L, E), (…, S, E) and (…, S, V), got " +
                   to_string(query.shape()) + ", " + to_string(key.shape()) + " and " + to_string(value.shape());
        });
        const auto leading = [](const Tensor& x) { return Shape(x.shape().begin(), x.ndim() - 2); };
        const Shape batch = broadcast_shapes(broadcast_shapes(leading(query), leading(key), name, where), leading(value), name, where);
        for (Tensor* t : {&query, &key, &value})
            if (leading(*t) != batch) *t = spread_over(*t, batch, where);

        Problem p{batch.size(),
                  query.shape(-2),
                  key.shape(-2),
                  query.shape(-1),
                  value.shape(-1),
                  batch,
                  0,
                  options.causal,
                  stop_gradient(mask),
                  {}};
        p.result.push_back(p.rows);
        p.result.push_back(p.depth);
        p.scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(p.width)));
        if (mask.defined()) place_mask(p, batch, where);
        Result r = attention_values(p, query, key, value);
        const Tensor inputs[] = {query, key, value, mask};
        if (!any_tracked(inputs)) return r.y;
        record_applied(
            name, inputs, {&r.y, 1},
            [p](const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& m) {
                Problem again = p;
                again.mask = m;
                return attention_values(again, q, k, v).y;
            },
            [p, query, key, value, mask, logsum = r.logsum](Tensor g, const Tensor& y, Needs needs) {
                if (p.empty()) return nothing(query, key, value, mask, needs);
                const bool outer = tracked(g) || tracked(query) || tracked(key) || tracked(value) || (mask.defined() && tracked(mask));
                if (!outer && !(mask.defined() && needs[3])) return attention_back(p, query, key, value, {y, logsum}, g, needs);
                return composed_back(p, query, key, value, mask, g, needs);
            },
            where);
        return r.y;
    });
}

}  // namespace xgrad
