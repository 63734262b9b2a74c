#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

#include "autodiff/core/detail/composition.hpp"
#include "autodiff/ops/linalg/detail/matrices.hpp"
#include "functions.hpp"

// Sums of products: dot, inner, vdot, tensordot, kron and einsum. All except kron reduce to `contract`: axes have
// labels, and axes with equal labels belong together.

namespace xgrad {

using namespace detail;

namespace {

using Labels = std::vector<int>;

struct Term {
    Tensor x;
    Labels labels;  // one for each axis, all different
};

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }
int axis_of(const Labels& labels, int label) {
    return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}
Int size_of_label(const Term& t, int label) { return t.x.shape()[axis_of(t.labels, label)]; }

template <class P>
Labels those(const Labels& labels, const P& predicate) {
    Labels chosen;
    std::copy_if(labels.begin(), labels.end(), std::back_inserter(chosen), predicate);
    return chosen;
}
Labels operator+(Labels a, const Labels& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// Each label once, in the order of its first appearance.
Labels distinct(const Labels& labels) {
    Labels result;
    for (const int label : labels)
        if (!has(result, label)) result.push_back(label);
    return result;
}

Tensor in_order(const Term& t, const Labels& order) {
    if (t.labels == order) return t.x;
    std::vector<int> axes;
    for (const int label : order) axes.push_back(axis_of(t.labels, label));
    return transpose(t.x, axes);
}

/// The term summed over the labels that are not in `keep`.
Term summed(Term t, const Labels& keep) {
    std::vector<int> axes;
    for (std::size_t k = 0; k < t.labels.size(); ++k)
        if (!has(keep, t.labels[k])) axes.push_back(static_cast<int>(k));
    if (axes.empty()) return t;
    return {sum(t.x, axes), those(t.labels, [&](int label) { return has(keep, label); })};
}

Int product_of_sizes(const Term& t, const Labels& labels) {
    Int n = 1;
    for (const int label : labels) n *= size_of_label(t, label);
    return n;
}

/// The term as a stack of matrices: axes (batch, rows, columns), or (batch, columns, rows) if it is stored that way.
struct Matrices {
    Tensor x;
    bool transposed;
};
bool stored_as(const Term& t, const Labels& batch, const Labels& rows, const Labels& columns) {
    return t.labels == batch + rows + columns || t.labels == batch + columns + rows;
}
Matrices as_matrices(const Term& t, const Labels& batch, const Labels& rows, const Labels& columns) {
    const bool turned = t.labels == batch + columns + rows && t.labels != batch + rows + columns;
    Shape shape;
    for (const int label : batch) shape.push_back(size_of_label(t, label));
    const Int m = product_of_sizes(t, rows), n = product_of_sizes(t, columns);
    shape.push_back(turned ? n : m);
    shape.push_back(turned ? m : n);
    return {reshape(in_order(t, turned ? t.labels : batch + rows + columns), shape), turned};
}

/// The term with an axis of size 1 for each label of `all` that it lacks.
Tensor aligned(const Term& t, const Labels& all) {
    const Tensor x = in_order(t, those(all, [&](int label) { return has(t.labels, label); }));
    Shape shape;
    for (const int label : all) shape.push_back(has(t.labels, label) ? size_of_label(t, label) : 1);
    return reshape(x, shape);
}

/// The product of two terms, summed over the labels that are not in `keep`, which has each label once; the result's
/// labels are in any order, in `keep`'s if that costs nothing.
Term contract(Term a, Term b, const Labels& keep, Location where) {
    a = summed(std::move(a), keep + b.labels);
    b = summed(std::move(b), keep + a.labels);
    const auto in_both = [&](int label) { return has(a.labels, label) && has(b.labels, label); };
    Labels batch = those(a.labels, [&](int l) { return in_both(l) && has(keep, l); });
    Labels inner = those(a.labels, [&](int l) { return in_both(l) && !has(keep, l); });
    const Labels rows = those(a.labels, [&](int l) { return !in_both(l); }),
                 columns = those(b.labels, [&](int l) { return !in_both(l); });
    if (inner.empty() || (rows.empty() && columns.empty() && !batch.empty())) {
        const Labels all = those(keep, [&](int l) { return has(a.labels, l) || has(b.labels, l); }) + inner;
        return summed({multiply({aligned(a, all), where}, aligned(b, all)), all}, keep);
    }
    // Choose orders of the common labels that move as few elements as possible.
    const Labels batches[] = {batch, those(b.labels, [&](int l) { return has(batch, l); }),
                              those(keep, [&](int l) { return has(batch, l); })};
    const Labels inners[] = {inner, those(b.labels, [&](int l) { return has(inner, l); })};
    Int best = -1;
    for (const Labels& outside : batches)
        for (const Labels& inside : inners) {
            const Int moved = (stored_as(a, outside, rows, inside) ? 0 : a.x.size()) +
                              (stored_as(b, outside, inside, columns) ? 0 : b.x.size());
            if (best < 0 || moved < best) best = moved, batch = outside, inner = inside;
        }
    const Matrices left = as_matrices(a, batch, rows, inner), right = as_matrices(b, batch, inner, columns);
    const bool swapped = !columns.empty() && !rows.empty() && axis_of(keep, columns[0]) < axis_of(keep, rows[0]);
    const Labels labels = swapped ? batch + columns + rows : batch + rows + columns;
    const Tensor y = swapped ? product(right.x, left.x, !right.transposed, !left.transposed, where, current_precision())
                             : product(left.x, right.x, left.transposed, right.transposed, where, current_precision());
    Shape shape;
    for (const int label : labels)
        shape.push_back(has(a.labels, label) ? size_of_label(a, label) : size_of_label(b, label));
    return {reshape(y, shape), labels};
}

// --- einsum's subscripts
// ---------------------------------------------------------------------------------------------------

/// Axes of an ellipsis have labels from this one on, counted from the last axis, so that they broadcast.
constexpr int ellipsis = 1000;

/// The labels of one operand's part of the subscripts, where an ellipsis stands for `more` axes.
Labels parse(const std::string& text, int more) {
    Labels labels;
    for (std::size_t k = 0; k < text.size(); ++k) {
        if (text[k] != '.') {
            labels.push_back(text[k]);
            continue;
        }
        for (int axis = more; axis > 0; --axis) labels.push_back(ellipsis + axis);
        k += 2;
    }
    return labels;
}

int letters_in(const std::string& text) {
    return static_cast<int>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c); }));
}

struct Subscripts {
    std::vector<std::string> inputs;
    std::string output;
    bool explicit_output = false;
};

Subscripts split_text(const std::string& text, std::size_t operands, Location where) {
    std::string dense;
    for (const char c : text)
        if (!std::isspace(static_cast<unsigned char>(c))) dense += c;
    const auto fail = [&](const std::string& rule) {
        throw ValueError(at("einsum: " + rule + ", got \"" + text + "\"", where));
    };
    Subscripts s;
    const auto arrow = dense.find("->");
    s.explicit_output = arrow != std::string::npos;
    if (s.explicit_output) s.output = dense.substr(arrow + 2);
    const std::string inputs = dense.substr(0, arrow);
    for (std::size_t begin = 0;;) {
        const auto comma = inputs.find(',', begin);
        s.inputs.push_back(inputs.substr(begin, comma - begin));
        if (comma == std::string::npos) break;
        begin = comma + 1;
    }
    const auto check_part = [&](const std::string& part) {
        const auto dots = part.find("...");
        const std::string rest = dots == std::string::npos ? part : part.substr(0, dots) + part.substr(dots + 3);
        if (letters_in(rest) != static_cast<int>(rest.size()))
            fail("subscripts must be letters, one \"...\", \",\" and one \"->\"");
    };
    for (const std::string& part : s.inputs) check_part(part);
    check_part(s.output);
    if (s.inputs.size() != operands)
        fail("each operand needs its subscripts, " + std::to_string(operands) + " of them");
    return s;
}

/// The diagonal of the axes that share a label, as the last axis.
Term without_repetition(Term t) {
    for (std::size_t i = 0; i < t.labels.size(); ++i)
        for (std::size_t j = i + 1; j < t.labels.size(); ++j) {
            if (t.labels[i] != t.labels[j]) continue;
            const int label = t.labels[i];
            std::vector<int> order;
            Labels labels;
            for (std::size_t k = 0; k < t.labels.size(); ++k)
                if (k != i && k != j) order.push_back(static_cast<int>(k)), labels.push_back(t.labels[k]);
            order.push_back(static_cast<int>(i));
            order.push_back(static_cast<int>(j));
            labels.push_back(label);
            return without_repetition({diagonal_of(transpose(t.x, order)), labels});
        }
    return t;
}

Labels concat_labels(const std::vector<Term>& terms) {
    Labels all;
    for (const Term& t : terms) all = all + t.labels;
    return all;
}

/// The number of multiplications needed to contract two terms.
double cost(const Term& a, const Term& b) {
    double n = static_cast<double>(a.x.size());
    for (const int label : b.labels)
        if (!has(a.labels, label)) n *= static_cast<double>(size_of_label(b, label));
    return n;
}

}  // namespace

namespace {

/// The type of a product with one more factor: integer types may be mixed, floating-point types may not.
DType common_factor_type(const char* operation, DType so_far, const Tensor& x, Location where) {
    check<DTypeError>(x.dtype() != DType::boolean, where,
                      [&] { return std::string(operation) + ": must be numbers, got bool"; });
    if (is_integer(so_far) && is_integer(x.dtype())) return common_integer(so_far, x.dtype());
    check_same_dtype(so_far, x.dtype(), operation, where);
    return so_far;
}

/// Integers are multiplied and summed as i64.
Tensor as_factor(const Tensor& x) { return is_floating(x.dtype()) ? x : x.to(DType::i64); }

}  // namespace

Tensor einsum(const std::string& text, const std::vector<Tensor>& operands, Location where) {
    return composed("einsum", where, [&]() -> Tensor {
        const Subscripts subscripts = split_text(text, operands.size(), where);
        const auto quoted = [&] { return " in \"" + text + "\""; };
        std::vector<Term> terms;
        DType dtype{};
        std::map<int, Int> sizes;
        int widest = 0;
        for (std::size_t k = 0; k < operands.size(); ++k) {
            const Tensor& x = tensor_of({operands[k], where}, "einsum");
            const std::string& part = subscripts.inputs[k];
            dtype = common_factor_type("einsum", k ? dtype : x.dtype(), x, where);
            const bool open = part.find('.') != std::string::npos;
            const int letters = letters_in(part), more = x.ndim() - letters;
            check<ShapeError>(open ? more >= 0 : more == 0, where, [&] {
                return "einsum: \"" + part + "\" must name the axes of its operand" + quoted() + ", got shape " +
                       to_string(x.shape());
            });
            widest = std::max(widest, more);
            Term term{as_factor(x), parse(part, more)};
            for (std::size_t axis = 0; axis < term.labels.size(); ++axis) {
                Int& size = sizes.try_emplace(term.labels[axis], 1).first->second;
                const Int own = x.shape()[static_cast<int>(axis)];
                check<ShapeError>(size == 1 || own == 1 || size == own, where, [&] {
                    const int label = term.labels[axis];
                    return "einsum: sizes of " +
                           (label > ellipsis ? std::string("\"...\"")
                                             : "'" + std::string(1, static_cast<char>(label)) + "'") +
                           " must agree" + quoted() + ", got " + std::to_string(size) + " and " + std::to_string(own);
                });
                if (own != 1) size = own;
            }
            terms.push_back(std::move(term));
        }

        Labels output;
        if (subscripts.explicit_output) {
            output = parse(subscripts.output, widest);
            const Labels all = concat_labels(terms);
            for (std::size_t k = 0; k < output.size(); ++k) {
                const std::string letter(1, static_cast<char>(output[k]));
                check<ValueError>(has(all, output[k]), where, [&] {
                    return "einsum: the output's '" + letter + "' must occur in an operand, got \"" + text + "\"";
                });
                check<ValueError>(axis_of(output, output[k]) == static_cast<int>(k), where,
                                  [&] { return "einsum: the output must name each axis once, got \"" + text + "\""; });
            }
            check<ValueError>(widest == 0 || subscripts.output.find('.') != std::string::npos, where, [&] {
                return "einsum: the output must have \"...\" where an operand's stands for axes, got \"" + text + "\"";
            });
        } else {
            const Labels all = concat_labels(terms);
            for (int axis = widest; axis > 0; --axis) output.push_back(ellipsis + axis);
            for (const auto& [label, size] : sizes)
                if (label < ellipsis && std::count(all.begin(), all.end(), label) == 1) output.push_back(label);
        }

        for (Term& t : terms) {
            t = without_repetition(std::move(t));
            // An axis of size 1 that others broadcast against multiplies all of their elements, as if it were absent.
            const Labels broadcast =
                those(t.labels, [&](int label) { return size_of_label(t, label) == 1 && sizes[label] != 1; });
            std::vector<int> axes;
            for (const int label : broadcast) axes.push_back(axis_of(t.labels, label));
            if (!axes.empty())
                t = {squeeze(t.x, axes), those(t.labels, [&](int label) { return !has(broadcast, label); })};
        }
        while (terms.size() > 1) {
            // The cheapest pair whose product a tensor can hold; of equally cheap ones, the pair with the fewest axes.
            const auto preference = [&](std::size_t i, std::size_t j) {
                Labels others = output;
                for (std::size_t k = 0; k < terms.size(); ++k)
                    if (k != i && k != j) others = others + terms[k].labels;
                const Labels both =
                    terms[i].labels + those(terms[j].labels, [&](int label) { return !has(terms[i].labels, label); });
                const std::size_t axes = those(both, [&](int label) { return has(others, label); }).size();
                return std::tuple(axes > Shape::max_rank, cost(terms[i], terms[j]), axes);
            };
            std::size_t first = 0, second = 1;
            auto best = preference(first, second);
            for (std::size_t i = 0; i < terms.size(); ++i)
                for (std::size_t j = i + 1; j < terms.size(); ++j)
                    if (const auto other = preference(i, j); other < best) first = i, second = j, best = other;
            check<ShapeError>(!std::get<0>(best), where, [&] {
                return "einsum: the product of two operands would have more than 8 axes, whatever the order, got \"" +
                       text + "\"";
            });
            Term a = std::move(terms[first]), b = std::move(terms[second]);
            terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(second));
            terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(first));
            terms.insert(terms.begin() + static_cast<std::ptrdiff_t>(first),
                         contract(std::move(a), std::move(b), distinct(output + concat_labels(terms)), where));
        }
        return in_order(summed(terms[0], output), output).to(dtype);
    });
}

// --- products of two -------------------------------------------------------------------------------------------------

namespace {

const Tensor& factor_of(const Operand& x, const char* operation) {
    const Tensor& t = tensor_of(x, operation);
    common_factor_type(operation, t.dtype(), t, x.where());
    return t;
}

/// Sums over axes_a of a and axes_b of b, which are counted from the front.
Tensor contract_axes(const char* operation, const Tensor& a, const Tensor& b, const std::vector<int>& axes_a,
                     const std::vector<int>& axes_b, Location where) {
    return composed(operation, where, [&]() -> Tensor {
        const DType dtype = common_factor_type(operation, a.dtype(), b, where);
        Term left{as_factor(a), {}}, right{as_factor(b), {}};
        for (int k = 0; k < a.ndim(); ++k) left.labels.push_back(k);
        for (int k = 0; k < b.ndim(); ++k) right.labels.push_back(a.ndim() + k);
        const Labels all = left.labels + right.labels;
        for (std::size_t k = 0; k < axes_a.size(); ++k) {
            const Int m = a.shape()[axes_a[k]], n = b.shape()[axes_b[k]];
            check<ShapeError>(m == n, where, [&] {
                return std::string(operation) + ": the sizes summed over must agree, got " + to_string(a.shape()) +
                       " and " + to_string(b.shape());
            });
            right.labels[static_cast<std::size_t>(axes_b[k])] = axes_a[k];
        }
        const Labels keep = those(all, [&](int label) { return has(left.labels, label) != has(right.labels, label); });
        return in_order(contract(left, right, keep, where), keep).to(dtype);
    });
}

}  // namespace

Tensor tensordot(const Operand& a, const Operand& b, const std::vector<int>& axes_a, const std::vector<int>& axes_b) {
    const Tensor &x = factor_of(a, "tensordot"), &y = factor_of(b, "tensordot");
    check<ShapeError>(axes_a.size() == axes_b.size(), a.where(), [&] {
        return "tensordot: equally many axes of both must be named, got " + std::to_string(axes_a.size()) + " and " +
               std::to_string(axes_b.size());
    });
    mask_of(axes_a, x.ndim(), "tensordot", a.where());
    mask_of(axes_b, y.ndim(), "tensordot", a.where());
    std::vector<int> of_x, of_y;
    for (const int axis : axes_a) of_x.push_back(normalise_axis(axis, x.ndim(), "tensordot", a.where()));
    for (const int axis : axes_b) of_y.push_back(normalise_axis(axis, y.ndim(), "tensordot", a.where()));
    return contract_axes("tensordot", x, y, of_x, of_y, a.where());
}

Tensor tensordot(const Operand& a, const Operand& b, int axes) {
    const Tensor &x = factor_of(a, "tensordot"), &y = factor_of(b, "tensordot");
    check<ShapeError>(axes >= 0 && axes <= x.ndim() && axes <= y.ndim(), a.where(), [&] {
        return "tensordot: both must have the number of axes summed over, " + std::to_string(axes) + ", got " +
               to_string(x.shape()) + " and " + to_string(y.shape());
    });
    std::vector<int> last, first;
    for (int k = 0; k < axes; ++k) last.push_back(x.ndim() - axes + k), first.push_back(k);
    return contract_axes("tensordot", x, y, last, first, a.where());
}

Tensor dot(const Operand& a, const Operand& b) {
    return composed("dot", a.where(), [&]() -> Tensor {
        const Tensor &x = factor_of(a, "dot"), &y = factor_of(b, "dot");
        if (x.ndim() == 0 || y.ndim() == 0) return multiply(a, b);
        return contract_axes("dot", x, y, {x.ndim() - 1}, {std::max(0, y.ndim() - 2)}, a.where());
    });
}

Tensor inner(const Operand& a, const Operand& b) {
    return composed("inner", a.where(), [&]() -> Tensor {
        const Tensor &x = factor_of(a, "inner"), &y = factor_of(b, "inner");
        if (x.ndim() == 0 || y.ndim() == 0) return multiply(a, b);
        return contract_axes("inner", x, y, {x.ndim() - 1}, {y.ndim() - 1}, a.where());
    });
}

Tensor vdot(const Operand& a, const Operand& b) {
    const Tensor &x = factor_of(a, "vdot"), &y = factor_of(b, "vdot");
    check<ShapeError>(x.size() == y.size(), a.where(), [&] {
        return "vdot: sizes must agree, got " + to_string(x.shape()) + " and " + to_string(y.shape());
    });
    return contract_axes("vdot", ravel({x, a.where()}), ravel({y, b.where()}), {0}, {0}, a.where());
}

}  // namespace xgrad
