#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> contraction_rows() {
    const auto sums = [](const char* text) { return [text](In x) { return einsum(text, x); }; };
    return {
        {"dot", [](In x) { return dot(x[0], x[1]); }, {{{4}, {4}}, {{3, 4}, {4, 2}}, {{3, 4}, {4}}, {{4}, {4, 2}}, {{2, 3, 4}, {5, 4, 2}}, {{}, {3}}, {{2, 3}, {}}, {{}, {}}, {{0}, {0}}, {{3, 0}, {0, 2}}, {{2, 3}, {2, 3, 2}}}, {all_signs}, {{{{1, 2}, {3, 4}}, 11, {{3, 4}, {1, 2}}}, {{2, {3, 4}}, {6, 8}, {7, {2, 2}}}}, third},
        {"inner", [](In x) { return inner(x[0], x[1]); }, {{{4}, {4}}, {{3, 4}, {2, 4}}, {{2, 3, 4}, {4}}, {{3, 4}, {2, 5, 4}}, {{}, {3}}, {{0}, {0}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}}), {1, 1}}, {3, 7}, {tensor({{1.0, 1.0}, {1.0, 1.0}}), {4, 6}}}}},
        {"vdot", [](In x) { return vdot(x[0], x[1]); }, {{{4}, {4}}, {{2, 3}, {3, 2}}, {{}, {1}}, {{0}, {2, 0}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}}), {1, 0, 0, 2}}, 9}}},
        {"tensordot", [](In x) { return tensordot(x[0], x[1]); }, {{{2, 3, 4}, {3, 4, 5}}, {{3, 4}, {3, 4}}, {{2, 0, 3}, {0, 3}}, {{2, 1, 1}, {1, 1, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}}), tensor({{1.0, 2.0}, {3.0, 4.0}})}, 30, {tensor({{1.0, 2.0}, {3.0, 4.0}}), tensor({{1.0, 2.0}, {3.0, 4.0}})}}}},
        {"tensordot(no axes)", [](In x) { return tensordot(x[0], x[1], 0); }, {{{2, 3}, {4}}, {{}, {3}}}, {all_signs}},
        {"tensordot(named axes)", [](In x) { return tensordot(x[0], x[1], {1, -1}, {0, 1}); }, {{{2, 3, 4}, {3, 4, 2}}, {{4, 2, 3}, {2, 3}}}, {all_signs}},
        {"tensordot(axes crossed)", [](In x) { return tensordot(x[0], x[1], {0, 1}, {1, 0}); }, {{{2, 3, 4}, {3, 2, 5}}, {{3, 3}, {3, 3}}}, {all_signs}},
        {"kron", [](In x) { return kron(x[0], x[1]); }, {{{2, 3}, {3, 2}}, {{3}, {4}}, {{3}, {2, 2}}, {{2, 2, 2}, {2}}, {{}, {3}}, {{}, {}}, {{0, 2}, {2, 2}}, {{2, 2}, {2, 2}}}, {all_signs}, {{{{1, 2}, {3, 4}}, {3, 4, 6, 8}, {{7, 7}, {3, 3}}}}, third},
        {"einsum", [](In x) { return einsum("ij,jk->ik", x); }, {{{3, 4}, {4, 2}}, {{0, 4}, {4, 2}}, {{3, 0}, {0, 2}}, {{3, 3}, {3, 3}}, {{2, 1}, {3, 2}}}, {all_signs}, {}, third},
        {"einsum(transposed result)", sums("ij,jk->ki"), {{{3, 4}, {4, 2}}}, {all_signs}},
        {"einsum(transposed operands)", sums("ji,kj->ik"), {{{4, 3}, {2, 4}}}, {all_signs}},
        {"einsum(implicit output)", sums("ba,cb"), {{{4, 3}, {2, 4}}}, {all_signs}},
        {"einsum(trace)", sums("ii"), {{{3, 3}}, {{0, 0}}, {{1, 1}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, 5, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}}},
        {"einsum(diagonal)", sums("iji->ji"), {{{3, 2, 3}}}, {all_signs}},
        {"einsum(thrice)", sums("iii->i"), {{{3, 3, 3}}}, {all_signs}},
        {"einsum(sum)", sums("ijk->j"), {{{2, 3, 4}}, {{2, 0, 3}}}, {all_signs}},
        {"einsum(permutation)", sums("kij"), {{{2, 3, 4}}}, {all_signs}, {{{tensor({{{1.0, 2.0}}, {{3.0, 4.0}}})}, tensor({{{1.0, 3.0}, {2.0, 4.0}}})}}},
        {"einsum(batch)", sums("bij,bjk->bik"), {{{2, 3, 4}, {2, 4, 2}}, {{1, 3, 4}, {2, 4, 2}}}, {all_signs}},
        {"einsum(batch inside)", sums("ibj,jbk->kbi"), {{{3, 2, 4}, {4, 2, 2}}}, {all_signs}},
        {"einsum(ellipsis)", sums("...ij,...jk->...ik"), {{{3, 4}, {4, 2}}, {{2, 3, 4}, {4, 2}}, {{2, 1, 3, 4}, {3, 4, 2}}}, {all_signs}},
        {"einsum(ellipsis, implicit)", sums("i...,ij..."), {{{3, 2}, {3, 4, 2}}, {{3}, {3, 4, 2}}}, {all_signs}},
        {"einsum(ellipsis behind)", sums("i...->..."), {{{3, 2, 4}}, {{3}}}, {all_signs}},
        {"einsum(products of elements)", sums("bi,bi->b"), {{{2, 3}, {2, 3}}, {{1, 3}, {2, 1}}}, {all_signs}},
        {"einsum(outer)", sums("i,j->ji"), {{{2}, {3}}, {{0}, {3}}}, {all_signs}},
        {"einsum(sums on one side)", sums("ij,kl->jl"), {{{2, 3}, {4, 2}}, {{0, 3}, {4, 2}}}, {all_signs}},
        {"einsum(bilinear)", sums("i,ij,j->"), {{{3}, {3, 4}, {4}}}, {all_signs}, {}, third},
        {"einsum(three of one label)", sums("i,i,i->i"), {{{3}, {3}, {3}}}, {all_signs}, {{{tensor({1.0, 2.0, 3.0}), tensor({1.0, -1.0, 2.0}), tensor({0.5, 4.0, 1.0})}, tensor({0.5, -8.0, 6.0})}}},
        {"einsum(four of one label)", sums("i,i,i,i->"), {{{3}, {3}, {3}, {3}}}, {all_signs}},
        {"einsum(three matrices)", sums("ij,ij,ij->ij"), {{{2, 3}, {2, 3}, {2, 3}}}, {all_signs}},
        {"einsum(outer of three, batch)", sums("bi,bj,bk->bijk"), {{{2, 3}, {2, 2}, {2, 4}}}, {all_signs}},
        {"einsum(weighted attention)", sums("bqd,bkd,bkv,b->bqv"), {{{2, 3, 2}, {2, 4, 2}, {2, 4, 3}, {2}}}, {all_signs}},
        {"einsum(chain)", sums("ab,bc,cd,de->ea"), {{{2, 3}, {3, 4}, {4, 2}, {2, 3}}}, {all_signs}},
        {"einsum(star)", sums("ai,bi,ci->abc"), {{{2, 3}, {4, 3}, {2, 3}}}, {all_signs}},
        {"einsum(scalars)", sums(",i,->i"), {{{}, {3}, {}}}, {all_signs}},
    };
}
static const Family contraction_family(contraction_rows);

}  // namespace tests
