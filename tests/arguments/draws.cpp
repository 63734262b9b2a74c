#include "draws.hpp"

#include <cmath>
#include <limits>

namespace tests {

using namespace xgrad;

double Draws::number() {
    constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double numbers[] = {1,    0.5,   2,      0,      -1,     1e-5,   3,       0.25,   nan, inf,
                                  -inf, 1e300, -1e300, 1e-300, 0x1p62, 0x1p63, -0x1p63, 0x1p40, -0.0};
    return once_in(2) ? numbers[byte() % 8] : one_of(numbers);
}

Shape Draws::shape() {
    constexpr std::int64_t sizes[] = {2, 3, 4, 1, 2, 3, 4, 6, 2, 8, 0, 5};
    constexpr int ranks[] = {2, 3, 4, 2, 1, 3, 2, 0, 4, 5, 3, 8};
    Shape shape;
    const bool odd = once_in(6);
    for (int k = one_of(ranks); k > 0; --k) shape.push_back(odd ? integer<std::int64_t>() : one_of(sizes));
    return shape;
}

Tensor Draws::tensor() {
    constexpr std::int64_t sizes[] = {2, 3, 4, 1, 2, 3, 4, 6, 2, 8, 0, 5};
    constexpr int ranks[] = {2, 3, 4, 2, 1, 3, 2, 0, 4, 5, 3, 8};
    constexpr DType types[] = {DType::f64, DType::f32, DType::f64, DType::i64, DType::f32, DType::boolean, DType::i32};
    Shape shape;
    DType dtype = one_of(types);
    // Related to an earlier one, or new.
    const int relation = byte() % 8;
    if (!tensors_.empty() && relation < 6 && tensors_[0].defined()) {
        const Tensor& other = tensors_[byte() % tensors_.size()];
        const Shape whole = other.defined() ? other.shape() : tensors_[0].shape();
        const int rank = whole.rank();
        if (!once_in(4)) dtype = other.defined() ? other.dtype() : dtype;
        if (relation < 2 || rank == 0) shape = whole;
        else if (relation == 2) shape = {whole[rank - 1]};
        else if (relation == 3 && rank > 1) shape = {whole[1]};
        else if (relation == 4) shape = Shape(whole.begin(), rank - 1);
        else
            for (int k = rank - 1; k >= 0; --k) shape.push_back(whole[k]);
    } else {
        for (int k = one_of(ranks); k > 0; --k) shape.push_back(shape.size() > 256 ? 1 : one_of(sizes));
    }
    std::vector<double> values(static_cast<std::size_t>(shape.size()));
    const int kind = byte() % 4;  // all positive, small integers, both signs, anything
    std::uint8_t step = byte();
    for (double& v : values) {
        step = static_cast<std::uint8_t>(step * 5 + 17);
        v = kind == 0 ? 0.25 + step / 128.0 : kind == 1 ? step % 3 : kind == 2 ? step / 64.0 - 2 : number();
        if (!is_floating(dtype)) {
            const double limit = dtype == DType::i32 ? 0x1p40 - 1 : 0x1p62;
            v = std::isnan(v) ? 0 : std::trunc(std::clamp(v, -limit, limit));
        }
    }
    Tensor t = xgrad::tensor(values, shape).to(dtype);
    if (!tape_ || !is_floating(dtype)) return t;
    watched_.push_back(tape_->watch(t));
    return watched_.back();
}

}  // namespace tests
