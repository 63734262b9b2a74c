#include "dataset.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace xgrad::nn::detail {

std::vector<std::int64_t> split_sizes(std::int64_t total, const std::vector<double>& lengths, Location where) {
    const double sum = std::accumulate(lengths.begin(), lengths.end(), 0.0);
    const bool counts = sum == static_cast<double>(total) && std::all_of(lengths.begin(), lengths.end(), [](double n) {
                            return n >= 0 && n == std::floor(n);
                        });
    const bool fractions =
        std::abs(sum - 1) < 1e-9 && std::all_of(lengths.begin(), lengths.end(), [](double n) { return n >= 0; });
    check<ValueError>(counts || fractions, where, [&] {
        return "random_split: lengths must add up to the size " + std::to_string(total) +
               ", or fractions to 1, got the sum " + PlainNumber(sum).text();
    });
    std::vector<std::int64_t> sizes;
    for (const double n : lengths)
        sizes.push_back(static_cast<std::int64_t>(counts ? n : std::floor(n * static_cast<double>(total))));
    std::int64_t rest = total - std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    for (std::size_t i = 0; rest > 0; i = (i + 1) % sizes.size(), --rest) ++sizes[i];
    return sizes;
}

void check_indices(const char* what, const Tensor& indices, std::int64_t size, Location where) {
    check<ShapeError>(indices.ndim() == 1, where, [&] {
        return std::string(what) + ": indices must be a vector, got " + to_string(indices.shape());
    });
    for (const std::int64_t i : indices.data<std::int64_t>())
        check<IndexError>(i >= 0 && i < size, where, [&] {
            return std::string(what) + ": indices must be in [0, " + std::to_string(size) + "), got " +
                   std::to_string(i);
        });
}

Parts parts_of(const Tensor& indices, const std::vector<std::int64_t>& ends) {
    check_indices("ConcatDataset", indices, ends.empty() ? 0 : ends.back(), {});
    const auto wanted = indices.data<std::int64_t>();
    std::vector<std::vector<std::int64_t>> within(ends.size()), places(ends.size());
    for (std::size_t at = 0; at < wanted.size(); ++at) {
        const auto set =
            static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), wanted[at]) - ends.begin());
        within[set].push_back(wanted[at] - (set ? ends[set - 1] : 0));
        places[set].push_back(static_cast<std::int64_t>(at));
    }
    Parts parts;
    std::vector<std::int64_t> order(wanted.size());
    std::int64_t joined = 0;
    for (std::size_t set = 0; set < ends.size(); ++set) {
        const auto count = static_cast<std::int64_t>(within[set].size());
        parts.within.push_back(count ? tensor(within[set], {count}) : Tensor());
        for (const std::int64_t at : places[set]) order[static_cast<std::size_t>(at)] = joined++;
    }
    parts.order = tensor(order, indices.shape());
    return parts;
}

}  // namespace xgrad::nn::detail
