#include "indices.hpp"

#include <limits>

#include "../tape.hpp"

namespace xgrad::detail {

namespace {

template <class I>
void check_each(const I* index, Int count, Int low, Int n, const char* name, Location where) {
    for (Int j = 0; j < count; ++j)
        check<IndexError>(index[j] >= low && index[j] < n, where, [&] {
            return std::string(name) + ": indices must be in [" + std::to_string(low) + ", " + std::to_string(n) + "), got " +
                   std::to_string(index[j]);
        });
}

}  // namespace

Tensor indices_of(const Operand& operand, Int low, Int n, const char* name, Location where) {
    const Tensor given = stop_gradient(tensor_of(operand, name));
    check_index_type(given, name, where);
    Tensor indices = given;
    bool good = false;
    with_indices(given, [&]<class I>(const I* index) {
        if (n <= std::numeric_limits<std::int32_t>::max()) {
            const auto& kernels = kernels::active().choose;
            indices = empty(given.shape(), DType::i32);
            auto* to = elements<std::int32_t>(indices);
            if constexpr (sizeof(I) == 4) good = kernels.compact_i32(index, to, given.size(), low, n);
            else good = kernels.compact_i64(index, to, given.size(), low, n);
        }
        if (!good) check_each(index, given.size(), low, n, name, where);
    });
    return indices;
}

}  // namespace xgrad::detail
