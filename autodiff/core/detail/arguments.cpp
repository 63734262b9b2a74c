#include "arguments.hpp"

#include <string>

namespace xgrad::detail {

const Tensor& tensor_of(const Operand& x, const char* operation) {
    check<ValueError>(x.is_tensor() && x.tensor().defined(), x.where(), [&] {
        return std::string(operation) + ": the argument must be a tensor, got " +
               (x.is_tensor() ? "an empty one" : "the number " + x.number().text());
    });
    return x.tensor();
}

void throw_numbers_only(const char* operation, Location where) {
    throw ValueError(at(std::string(operation) + ": at least one operand must be a tensor, got numbers", where));
}

void throw_not_floating(DType dtype, const char* operation, Location where) {
    throw DTypeError(at(std::string(operation) + ": must be f32 or f64, got " + name_of(dtype), where));
}

void check_index_type(const Tensor& x, const char* operation, Location where) {
    check<DTypeError>(is_integer(x.dtype()), where, [&] {
        return std::string(operation) + ": indices must be i32 or i64, got " + name_of(x.dtype());
    });
}

void throw_other_dtype(DType a, DType b, const char* operation, const char* what, Location where) {
    std::string text = std::string(operation) + ": dtypes must agree, got " + name_of(a) + " and " + name_of(b);
    if (*what) text += std::string(" for ") + what;
    throw DTypeError(at(text + " (convert one with .to())", where));
}

Tensor number_as(const Operand& x, DType dtype, const char* operation) {
    check<ValueError>(x.number().fits(dtype), x.where(), [&] {
        return std::string(operation) + ": a plain number takes the tensor's type " + name_of(dtype) +
               ", which cannot hold " + x.number().text() + " (convert the tensor with .to())";
    });
    return scalar(x.number(), dtype);
}

}  // namespace xgrad::detail
