#include "indices.hpp"

#include <atomic>
#include <cstring>
#include <limits>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"

namespace xgrad::detail {

namespace {

template <class I>
void check_each(const I* index, Int count, Int low, Int n, const char* name, Location where) {
    for (Int j = 0; j < count; ++j)
        check<IndexError>(index[j] >= low && index[j] < n, where, [&] {
            return std::string(name) + ": indices must be in [" + std::to_string(low) + ", " + std::to_string(n) +
                   "), got " + std::to_string(index[j]);
        });
}

/// Indices in the form that operations need, all in [low, n).
struct CheckedIndices {
    static constexpr const char* name = "checked_indices";
    Int low = 0, n = 0;
    XGRAD_ATTRIBUTES(low, n)
    const char* label = name;  // the operation they belong to, for errors
    Location where = {};

    Tensor value(const Tensor& given) const {
        Tensor indices = given;
        bool good = false;
        with_indices(given, [&]<class I>(const I* index) {
            if (n <= std::numeric_limits<std::int32_t>::max()) {
                const auto& kernels = kernels::active().gather;
                indices = empty(given.shape(), DType::i32);
                auto* to = elements<std::int32_t>(indices);
                std::atomic<bool> all{true};
                parallel_for(given.size(), given.size(), [&](Int begin, Int end) {
                    bool piece;
                    if constexpr (sizeof(I) == 4)
                        piece = kernels.narrow_indices(index + begin, to + begin, end - begin, low, n);
                    else piece = kernels.compact_i64(index + begin, to + begin, end - begin, low, n);
                    if (!piece) all = false;
                });
                good = all;
            }
            if (!good) check_each(index, given.size(), low, n, label, where);
        });
        return indices;
    }
};

}  // namespace

Tensor indices_of(const Operand& operand, Int low, Int n, const char* name, Location where) {
    const Tensor& given = tensor_of(operand, name);
    check_index_type(given, name, where);
    return apply(CheckedIndices{low, n, name, where}, {given}, where, name);
}

Tensor copy_of(const Tensor& x) {
    Tensor y = empty(x.shape(), x.dtype());
    if (x.size())
        std::memcpy(TensorAccess::data(y), TensorAccess::data(x),
                    static_cast<std::size_t>(x.size() * size_of(x.dtype())));
    return y;
}

}  // namespace xgrad::detail
