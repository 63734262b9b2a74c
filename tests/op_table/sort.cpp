#include "../op_table.hpp"

// clang-format off
namespace tests {

static const Cases sorted = {{{3, 4}}, {{}}, {{1}}, {{0}}, {{2, 0}}, {{67}}, {{2, 3, 4}}};

static std::vector<Row> sort_rows() {
    using xgrad::Quantile;
    using xgrad::Side;
    return {
        {"sort", [](In x) { return sort(x[0]); }, sorted, {all_signs}, {{{{3, nan, -inf, 1, inf}}, {-inf, 1, 3, inf, nan}, {{1, 1, 1, 1, 1}}}, {{{2, 1, 2}}, {1, 2, 2}}}, third},
        {"sort(weighted)", [](In x) { return sort(x[0]) * arange(1, 6, 1, x[0].dtype()); }, {{{5}}, {{3, 5}}}, {all_signs}, {{{{3, 1, 3, 2, 1}}, {1, 2, 6, 12, 15}, {{4, 1, 5, 3, 2}}}}},
        {"sort(descending)", [](In x) { return sort(x[0], -1, true); }, sorted, {all_signs}, {{{{3, nan, -inf, 1, inf}}, {nan, inf, 3, 1, -inf}, {{1, 1, 1, 1, 1}}}}},
        {"sort(axis 0)", [](In x) { return sort(x[0], 0); }, {{{3, 4}}, {{5}}, {{0, 2}}, {{41, 3}}}, {all_signs}},
        {"sort(long)", [](In x) { return sort(x[0]); }, {{{2, 300}}}, {all_signs}},
        {"argsort", [](In x) { return argsort(x[0]); }, sorted, {all_signs}, {{{{3, nan, 1, 3, 0, -0.0, 1}}, {4, 5, 2, 6, 0, 3, 1}}}, no_gradient},
        {"argsort(descending)", [](In x) { return argsort(x[0], 0, true); }, {{{3, 4}}, {{200}}}, {all_signs}, {{{{3, nan, 1, 3, 0, -0.0, 1}}, {1, 0, 3, 2, 6, 4, 5}}}, no_gradient},
        {"topk", [](In x) { return topk(x[0], 2).values; }, {{{3, 4}}, {{2}}, {{2, 3, 5}}, {{200}}}, {all_signs}, {{{{1, 3, 2, 3}}, {3, 3}, {{0, 1, 0, 1}}}, {{{nan, 1, 2}}, {nan, 2}}}},
        {"topk(smallest, axis 0)", [](In x) { return topk(x[0], 2, 0, false).values; }, {{{3, 4}}, {{2}}}, {all_signs}, {{{{1, 3, 2, 1}}, {1, 1}, {{1, 0, 0, 1}}}}},
        {"topk(scalar)", [](In x) { return topk(x[0], 1).values; }, {{{}}}, {all_signs}},
        {"topk(none)", [](In x) { return topk(x[0], 0).values; }, {{{3, 4}}, {{2, 0}}}, {all_signs}},
        {"topk(indices)", [](In x) { return topk(x[0], 3).indices; }, {{{3, 4}}}, {all_signs}, {{{{1, 3, 2, 3}}, {1, 3, 2}}}, no_gradient},
        {"unique", [](In x) { return unique(x[0]); }, one, {all_signs}, {{{{3, 1, nan, 3, 0, -0.0, nan, 1}}, {0, 1, 3, nan}}}, no_gradient | outside},
        {"searchsorted", [](In x) { return searchsorted(sort(x[0]), x[1]); }, {{{5}, {3, 4}}, {{0}, {2}}, {{4}, {}}, {{2, 4}, {2, 3}}, {{3}, {0}}}, {all_signs}, {{{{1, 2, 2, 3}, {0, 2, 2.5, 9, nan}}, {0, 1, 3, 4, 4}}}, no_gradient},
        {"searchsorted(right)", [](In x) { return searchsorted(x[0], x[1], Side::right); }, {{{4}, {3}}}, {all_signs}, {{{{1, 2, 2, nan}, {1, 2, 2.5, nan}}, {1, 3, 3, 4}}}, no_gradient},
        {"count_nonzero", [](In x) { return count_nonzero(x[0]); }, reduced_or_empty, {all_signs}, {{{{0, -0.0, nan, 2}}, 2}}, no_gradient},
        {"count_nonzero(axis)", [](In x) { return count_nonzero(x[0], 0, true); }, {{{3, 4}}}, {all_signs}, {{{tensor({{0.0, 1.0}, {2.0, 3.0}})}, tensor({{1.0, 2.0}})}}, no_gradient},
        {"ptp", [](In x) { return ptp(x[0]); }, reduced, {all_signs}, {{{{3, 1, 3, 2}}, 2, {{0.5, -1, 0.5, 0}}}, {{{2}}, 0, {{0}}}, {{{1, nan}}, nan}}},
        {"ptp(axis)", [](In x) { return ptp(x[0], 0, true); }, {{{3, 4}}, {{4, 0}}}, {all_signs}},
        {"nansum", [](In x) { return nansum(x[0]); }, reduced_or_empty, {all_signs}, {{{{1, nan, 3}}, 4, {{1, 0, 1}}}, {{{nan}}, 0, {{0}}}}},
        {"nansum(axis)", [](In x) { return nansum(x[0], -1, true); }, {{{3, 4}}}, {all_signs}},
        {"nanmean", [](In x) { return nanmean(x[0]); }, reduced, {all_signs}, {{{{1, nan, 3}}, 2, {{0.5, 0, 0.5}}}, {{{nan, nan}}, nan}}},
        {"nanmean(axis)", [](In x) { return nanmean(x[0], 0); }, {{{3, 4}}}, {all_signs}},
        {"average", [](In x) { return average(x[0], x[1]); }, {{{3, 4}, {3, 4}}, {{5}, {5}}, {{}, {}}}, {positive_only}, {{{{1, 2, 4}, {1, 1, 2}}, 2.75, {{0.25, 0.25, 0.5}, {-0.4375, -0.1875, 0.3125}}}}},
        {"average(vector of weights)", [](In x) { return average(x[0], x[1], 1); }, {{{3, 4}, {4}}, {{2, 3, 2}, {3}}}, {positive_only}},
        {"average(kept)", [](In x) { return average(x[0], x[1], {0, 2}, true); }, {{{2, 3, 2}, {2, 3, 2}}}, {positive_only}},
        {"cov", [](In x) { return cov(x[0]); }, {{{3, 4}}, {{5}}, {{2, 6}}, {{0, 3}}}, {all_signs}, {{{tensor({{0.0, 1.0, 2.0}, {2.0, 1.0, 0.0}})}, tensor({{1.0, -1.0}, {-1.0, 1.0}})}, {{{1, 3}}, 2, {{-2, 2}}}}},
        {"cov(correction)", [](In x) { return cov(x[0], 0); }, {{{3, 4}}}, {all_signs}},
        {"corrcoef", [](In x) { return corrcoef(x[0]); }, {{{3, 4}}, {{2, 6}}}, {all_signs}, {{{tensor({{0.0, 1.0, 2.0}, {2.0, 1.0, 0.0}})}, tensor({{1.0, -1.0}, {-1.0, 1.0}})}, {{{1, 3}}, 1}}},
        {"median", [](In x) { return median(x[0]); }, reduced, {all_signs}, {{{{3, 1, 2}}, 2, {{0, 0, 1}}}, {{{4, 1, 2, 3}}, 2.5, {{0, 0, 0.5, 0.5}}}, {{{inf, inf, 1, inf}}, inf}, {{{1, nan, 2}}, nan}, {{{2, 2, 2, 2}}, 2, {{0, 0.5, 0.5, 0}}}}},
        {"median(axis 0)", [](In x) { return median(x[0], 0); }, {{{3, 4}}, {{4, 3}}, {{5, 0}}}, {all_signs}},
        {"median(axes, kept)", [](In x) { return median(x[0], {0, -1}, true); }, cubes, {all_signs}},
        {"quantile", [](In x) { return quantile(x[0], 0.3); }, reduced, {all_signs}, {{{{3, 1, 2, 5, 4}}, 2.2, {{0.2, 0, 0.8, 0, 0}}}}},
        {"quantile(axis)", [](In x) { return quantile(x[0], 0.9, 0, Quantile::linear, true); }, {{{3, 4}}}, {all_signs}},
        {"quantile(several)", [](In x) { return quantile(x[0], std::vector<double>{0, 0.25, 1}, -1); }, {{{3, 4}}, {{2, 3, 4}}, {{5}}}, {all_signs}, {{{{3, 1, 2, 5, 4}}, {1, 2, 5}, {{0, 1, 1, 1, 0}}}}},
        {"quantile(lower)", [](In x) { return quantile(x[0], 0.3, {}, Quantile::lower); }, reduced, {all_signs}, {{{{3, 1, 2, 5, 4}}, 2, {{0, 0, 1, 0, 0}}}}},
        {"quantile(higher)", [](In x) { return quantile(x[0], 0.3, {}, Quantile::higher); }, reduced, {all_signs}, {{{{3, 1, 2, 5, 4}}, 3, {{1, 0, 0, 0, 0}}}}},
        {"quantile(nearest)", [](In x) { return quantile(x[0], 0.3, {}, Quantile::nearest); }, reduced, {all_signs}, {{{{3, 1, 2, 5, 4}}, 2, {{0, 0, 1, 0, 0}}}}},
        {"quantile(midpoint)", [](In x) { return quantile(x[0], 0.3, {}, Quantile::midpoint); }, reduced, {all_signs}, {{{{3, 1, 2, 5, 4}}, 2.5, {{0.5, 0, 0.5, 0, 0}}}}},
    };
}
static const Family sort_family(sort_rows);

}  // namespace tests
