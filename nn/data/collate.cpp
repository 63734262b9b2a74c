#include "collate.hpp"

#include <algorithm>
#include <string>

#include <autodiff/ops/shape/arrange.hpp>

namespace xgrad::nn {

Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadSequenceOptions& options, Location where) {
    check<ValueError>(!sequences.empty(), where,
                      [] { return std::string("pad_sequence: a list of sequences is needed, got none"); });
    std::int64_t longest = 0;
    for (const Tensor& sequence : sequences) {
        const Shape &first = sequences[0].shape(), &shape = sequence.shape();
        check<ShapeError>(
            shape.rank() > 0 && std::equal(shape.begin() + 1, shape.end(), first.begin() + 1, first.end()), where, [&] {
                return "pad_sequence: sequences must have one shape but for the first size, got " + to_string(first) +
                       " and " + to_string(shape);
            });
        longest = std::max(longest, shape[0]);
    }
    std::vector<Tensor> padded;
    for (const Tensor& sequence : sequences) {
        std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(sequence.ndim()));
        widths[0].second = longest - sequence.shape(0);
        padded.push_back(widths[0].second ? pad(sequence, widths, {.value = options.padding_value}) : sequence);
    }
    return stack(padded, options.batch_first ? 0 : 1, where);
}

Tensor detail::stacked(const std::vector<Tensor>& column) { return stack(column); }

Tensor detail::lengths_of(const std::vector<Tensor>& sequences) {
    std::vector<std::int64_t> lengths;
    for (const Tensor& sequence : sequences) lengths.push_back(sequence.shape(0));
    return tensor(lengths, {static_cast<std::int64_t>(lengths.size())});
}

}  // namespace xgrad::nn
