#include "../op_table.hpp"

#include <autodiff/transform/implicit.hpp>
#include <autodiff/map.hpp>

// What differentiates and is declared outside the headers of operations: members, templates, functions of functions.

// clang-format off
namespace tests {

static std::vector<Row> beyond_rows() {
    using xgrad::checkpoint;
    using xgrad::fixed_point;
    using xgrad::map;
    using xgrad::root;
    const Cases pairs = {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{3, 1}, {1, 4}}, {{}, {3}}, {{2, 3}, {}}, {{0}, {1}}, {{35}, {35}}};
    return {
        {"to", [](In x) { return x[0].to(x[0].dtype() == DType::f32 ? DType::f64 : DType::f32).to(x[0].dtype()) * 0.0 + x[0].to(DType::f64).to(x[0].dtype()); }, one, {all_signs}},
        {"+=", [](In x) { Tensor y = x[0]; y += x[1]; return y; }, two, {all_signs}},
        {"-=", [](In x) { Tensor y = x[0]; y -= x[1]; return y; }, two, {all_signs}},
        {"*=", [](In x) { Tensor y = x[0]; y *= x[1]; return y; }, two, {all_signs}},
        {"/=", [](In x) { Tensor y = x[0]; y /= x[1]; return y; }, two, {positive_only}},
        {"map", [](In x) { return map([](auto a) { return a / (1.0 + exp(-a)); }, x[0]); }, one, {all_signs}, {}, third},
        {"map(two inputs)", [](In x) { return map([](auto a, auto b) { return a * sin(b) + maximum(a, -5.0); }, x[0], x[1]); }, pairs, {all_signs}, {}, third},
        {"map(two results)", [](In x) { const auto y = map([](auto a, auto b) { return std::array{a * sin(b), a * cos(b)}; }, x[0], x[1]); return y[0] - y[1]; }, pairs, {all_signs}},
        {"checkpoint", [](In x) { return checkpoint([](const Tensor& a, const Tensor& b) { return tanh(a * b) + a; }, x[0], x[1]); }, {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{}, {3}}}, {all_signs}, {}, custom},
        {"fixed_point", [](In x) { return fixed_point([](const Tensor& y, const Tensor& p) { return 0.1 * cos(y) + p; }, stop_gradient(x[0]), x[0], {.tolerance = x[0].dtype() == DType::f32 ? 1e-7 : 1e-13}); }, {{{3}}, {{}}, {{2, 2}}}, {all_signs}, {}, custom},
        {"root", [](In x) { return root([](const Tensor& y, const Tensor& p) { return y * y * y + y - p; }, stop_gradient(x[0]), x[0]); }, {{{3}}, {{}}, {{2, 2}}}, {all_signs}, {}, custom},
    };
}
static const Family beyond_family(beyond_rows);

}  // namespace tests
