#pragma once

#include "op_checker.hpp"

// One row per operation: name, function, input shapes, domains, special points {inputs, value, gradients}, flags. An
// operation without a row fails the suite (op_table_test.cpp). Arguments that need their own row are in parentheses
// after the name. Domains avoid kinks and poles, which the special points cover. The rows are in op_table/, one file
// per family, so that a new row compiles in seconds.

// clang-format off
namespace tests {

using In = const Tensors&;
using Cases = std::vector<std::vector<Shape>>;
using I = std::int64_t;
using xgrad::tensor;
using xgrad::scalar;
using xgrad::concat;
using xgrad::stack;

// Shapes that many rows use.
inline const Cases one = {{{3, 4}}, {{}}, {{1}}, {{0}}, {{2, 0, 3}}, {{67}}};
inline const Cases two = {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{3, 1}, {1, 4}}, {{}, {3}}, {{2, 3}, {}}, {{}, {}}, {{2, 1, 3}, {4, 1}}, {{1}, {0}}, {{3, 0}, {1}}, {{35}, {35}}, {{35}, {1}}, {{2, 19}, {19}}};
inline const Cases three = {{{3, 4}, {3, 4}, {3, 4}}, {{4}, {3, 1}, {}}, {{}, {}, {}}, {{2, 1}, {1, 3}, {2, 3}}, {{0}, {1}, {0}}, {{35}, {35}, {35}}};
inline const Cases reduced = {{{3, 4}}, {{}}, {{5}}, {{2, 3, 4}}, {{41}}, {{2, 35}}, {{35, 2}}};  // rows that need at least one element
inline const Cases reduced_or_empty = {{{3, 4}}, {{}}, {{5}}, {{2, 3, 4}}, {{0}}, {{2, 0, 3}}, {{41}}, {{2, 35}}, {{35, 2}}};
inline const Cases matrices = {{{3, 4}}, {{1, 5}}, {{4, 1}}, {{37, 3}}, {{3, 37}}};
inline const Cases cubes = {{{2, 3, 4}}, {{1, 5, 2}}};
inline const Domain all_signs{-2, 2}, positive_only{0.3, 3};

/// A family of rows, which joins the table where it is defined: `static const Family family(softmax_rows);`
struct Family {
    explicit Family(std::vector<Row> (*rows)()) { all().push_back(rows); }
    static std::vector<std::vector<Row> (*)()>& all() {
        static std::vector<std::vector<Row> (*)()> families;
        return families;
    }
};

inline const std::vector<Row>& op_table() {
    static const std::vector<Row> table = [] {
        std::vector<Row> rows;
        for (auto family : Family::all())
            for (Row& row : family()) rows.push_back(std::move(row));
        return rows;
    }();
    return table;
}

}  // namespace tests
// clang-format on
