#include <cstring>
#include <tuple>

#include "arguments.hpp"
#include "draws.hpp"

namespace tests {
namespace {

using namespace xgrad;
using I = std::int64_t;
using Ints = std::vector<int>;
using Sizes = std::vector<I>;
using O = const Operand&;

/// Every byte of a result is read.
void collect(const Tensor& t, Tensors& all) {
    if (!t.defined()) return;
    if (t.size() != t.shape().size()) std::abort();
    const auto* bytes = static_cast<const unsigned char*>(xgrad::detail::TensorAccess::data(t));
    unsigned sum = 0;
    for (I i = 0; i < t.size() * size_of(t.dtype()); ++i) sum += bytes[i];
    [[maybe_unused]] volatile unsigned kept = sum;
    all.push_back(t);
}
void collect(const Shape&, Tensors&) {}
void collect(const Tensors& ts, Tensors& all) {
    for (const Tensor& t : ts) collect(t, all);
}
template <class Results>
void collect(const Results& results, Tensors& all) {
    for_members(results, [&](const Tensor& t) { collect(t, all); });
}

/// What is recorded is pulled back, in the same call: a pullback has nothing to complain of that its operation has not.
void pull_back(const Tensors& results, Draws& draws) {
    Tensor total;
    for (const Tensor& t : results)
        if (tracked(t)) total = total.defined() ? total + sum(t).to(DType::f64) : sum(t).to(DType::f64);
    if (!total.defined()) return;
    Tensors gradients;
    collect(draws.tape()->gradient(total, draws.watched(), {.unconnected = Unconnected::zeros}), gradients);
}

template <class R, class... A>
void call_with_draws(Draws& draws, const void* function) {
    R (*f)(A...);
    static_assert(sizeof f == sizeof function);
    std::memcpy(&f, &function, sizeof f);
    std::tuple<std::decay_t<A>...> arguments{draws.draw<std::decay_t<A>>()...};
    if constexpr (std::is_void_v<R>) std::apply(f, arguments);
    else {
        Tensors results;
        collect(std::apply(f, arguments), results);
        pull_back(results, draws);
    }
}

template <class R, class... A>
PublicFunction row(const char* name, R (*f)(A...), const char* in_errors = nullptr) {
    constexpr bool located =
        ((std::is_same_v<std::decay_t<A>, Operand> || std::is_same_v<std::decay_t<A>, Location>) || ...);
    PublicFunction r{name, in_errors ? in_errors : name, located, &call_with_draws<R, A...>, nullptr};
    std::memcpy(&r.function, &f, sizeof f);
    return r;
}

template <class F>
F* overload(F* f) {
    return f;
}

}  // namespace

// clang-format off
const std::vector<PublicFunction>& public_functions() {
    static const std::vector<PublicFunction> table = {
        // ops/elementwise/elementwise.hpp
        row("add", xgrad::add),
        row("subtract", xgrad::subtract),
        row("multiply", xgrad::multiply),
        row("divide", xgrad::divide),
        row("floor_divide", xgrad::floor_divide),
        row("remainder", xgrad::remainder),
        row("fmod", xgrad::fmod),
        row("pow", xgrad::pow),
        row("negative", xgrad::negative),
        row("positive", xgrad::positive),
        row("operator+", overload<Tensor(O, O)>(xgrad::operator+), "add"),
        row("operator+", overload<Tensor(O)>(xgrad::operator+), "positive"),
        row("operator-", overload<Tensor(O, O)>(xgrad::operator-), "subtract"),
        row("operator-", overload<Tensor(O)>(xgrad::operator-), "negative"),
        row("operator*", xgrad::operator*, "multiply"),
        row("operator/", xgrad::operator/, "divide"),
        row("operator%", xgrad::operator%, "remainder"),
        row("abs", xgrad::abs),
        row("sign", xgrad::sign),
        row("square", xgrad::square),
        row("sqrt", xgrad::sqrt),
        row("cbrt", xgrad::cbrt),
        row("reciprocal", xgrad::reciprocal),
        row("exp", xgrad::exp),
        row("exp2", xgrad::exp2),
        row("expm1", xgrad::expm1),
        row("log", xgrad::log),
        row("log2", xgrad::log2),
        row("log10", xgrad::log10),
        row("log1p", xgrad::log1p),
        row("logaddexp", xgrad::logaddexp),
        row("sin", xgrad::sin),
        row("cos", xgrad::cos),
        row("tan", xgrad::tan),
        row("asin", xgrad::asin),
        row("acos", xgrad::acos),
        row("atan", xgrad::atan),
        row("atan2", xgrad::atan2),
        row("hypot", xgrad::hypot),
        row("sinh", xgrad::sinh),
        row("cosh", xgrad::cosh),
        row("tanh", xgrad::tanh),
        row("asinh", xgrad::asinh),
        row("acosh", xgrad::acosh),
        row("atanh", xgrad::atanh),
        row("deg2rad", xgrad::deg2rad),
        row("rad2deg", xgrad::rad2deg),
        row("erf", xgrad::erf),
        row("erfc", xgrad::erfc),
        row("erfinv", xgrad::erfinv),
        row("lgamma", xgrad::lgamma),
        row("digamma", xgrad::digamma),
        row("polygamma", xgrad::polygamma),
        row("xlogy", xgrad::xlogy),
        row("sinc", xgrad::sinc),
        row("floor", xgrad::floor),
        row("ceil", xgrad::ceil),
        row("round", xgrad::round),
        row("trunc", xgrad::trunc),
        row("maximum", xgrad::maximum),
        row("minimum", xgrad::minimum),
        row("fmax", xgrad::fmax),
        row("fmin", xgrad::fmin),
        row("copysign", xgrad::copysign),
        row("clip", xgrad::clip),
        row("heaviside", xgrad::heaviside),
        row("nan_to_num", xgrad::nan_to_num),
        row("where", xgrad::where),
        row("sigmoid", xgrad::sigmoid),
        row("relu", xgrad::relu),
        row("leaky_relu", xgrad::leaky_relu),
        row("elu", xgrad::elu),
        row("gelu", xgrad::gelu),
        row("silu", xgrad::silu),
        row("softplus", xgrad::softplus),
        row("logsigmoid", xgrad::logsigmoid),
        row("softsign", xgrad::softsign),
        row("mish", xgrad::mish),
        row("prelu", xgrad::prelu),
        row("selu", xgrad::selu),
        row("celu", xgrad::celu),
        row("hardtanh", xgrad::hardtanh),
        row("relu6", xgrad::relu6),
        row("hardsigmoid", xgrad::hardsigmoid),
        row("hardswish", xgrad::hardswish),
        row("tanhshrink", xgrad::tanhshrink),
        row("softshrink", xgrad::softshrink),
        row("hardshrink", xgrad::hardshrink),
        row("threshold", xgrad::threshold),
        row("equal", xgrad::equal),
        row("not_equal", xgrad::not_equal),
        row("less", xgrad::less),
        row("less_equal", xgrad::less_equal),
        row("greater", xgrad::greater),
        row("greater_equal", xgrad::greater_equal),
        row("operator==", xgrad::operator==, "equal"),
        row("operator!=", xgrad::operator!=, "not_equal"),
        row("operator<", xgrad::operator<, "less"),
        row("operator<=", xgrad::operator<=, "less_equal"),
        row("operator>", xgrad::operator>, "greater"),
        row("operator>=", xgrad::operator>=, "greater_equal"),
        row("logical_and", xgrad::logical_and),
        row("logical_or", xgrad::logical_or),
        row("logical_xor", xgrad::logical_xor),
        row("logical_not", xgrad::logical_not),
        row("isnan", xgrad::isnan),
        row("isinf", xgrad::isinf),
        row("isfinite", xgrad::isfinite),
        row("signbit", xgrad::signbit),
        // ops/reduce/reduce.hpp
        row("sum", xgrad::sum),
        row("mean", xgrad::mean),
        row("prod", xgrad::prod),
        row("max", xgrad::max),
        row("min", xgrad::min),
        row("var", xgrad::var),
        row("logsumexp", xgrad::logsumexp),
        row("norm", xgrad::norm),
        row("argmax", overload<Tensor(O, int, bool)>(xgrad::argmax)),
        row("argmax", overload<Tensor(O)>(xgrad::argmax)),
        row("argmin", overload<Tensor(O, int, bool)>(xgrad::argmin)),
        row("argmin", overload<Tensor(O)>(xgrad::argmin)),
        row("all", xgrad::all),
        row("any", xgrad::any),
        row("softmax", xgrad::softmax),
        row("log_softmax", xgrad::log_softmax),
        row("sum_to", xgrad::sum_to),
        // ops/reduce/scan.hpp
        row("cumsum", overload<Tensor(O, int)>(xgrad::cumsum)),
        row("cumsum", overload<Tensor(O)>(xgrad::cumsum)),
        row("cumprod", overload<Tensor(O, int)>(xgrad::cumprod)),
        row("cumprod", overload<Tensor(O)>(xgrad::cumprod)),
        row("cummax", xgrad::cummax),
        row("cummin", xgrad::cummin),
        row("logcumsumexp", xgrad::logcumsumexp),
        // ops/reduce/sort.hpp
        row("sort", xgrad::sort),
        row("argsort", xgrad::argsort),
        row("topk", xgrad::topk),
        row("unique", xgrad::unique),
        row("searchsorted", xgrad::searchsorted),
        // ops/shape/shape.hpp
        row("broadcast_shapes", xgrad::broadcast_shapes),
        row("reshape", xgrad::reshape),
        row("ravel", xgrad::ravel),
        row("flatten", xgrad::flatten),
        row("transpose", overload<Tensor(O)>(xgrad::transpose)),
        row("transpose", overload<Tensor(O, const Ints&)>(xgrad::transpose)),
        row("permute", xgrad::permute),
        row("swapaxes", xgrad::swapaxes),
        row("expand_dims", xgrad::expand_dims),
        row("squeeze", xgrad::squeeze),
        row("broadcast_to", xgrad::broadcast_to),
        row("slice", overload<Tensor(O, int, std::optional<I>, std::optional<I>, I)>(xgrad::slice)),
        row("slice", overload<Tensor(O, const std::vector<Slice>&)>(xgrad::slice)),
        row("select", overload<Tensor(O, int, I)>(xgrad::select)),
        // functions/functions.hpp
        row("select", overload<Tensor(O, O)>(xgrad::select)),
        // ops/shape/shape.hpp
        row("concat", xgrad::concat),
        row("stack", xgrad::stack),
        row("unbind", xgrad::unbind),
        row("split", overload<Tensors(O, int, int)>(xgrad::split)),
        row("split", overload<Tensors(O, const Sizes&, int)>(xgrad::split)),
        // ops/shape/arrange.hpp
        row("flip", xgrad::flip),
        row("roll", overload<Tensor(O, I, int)>(xgrad::roll)),
        row("roll", overload<Tensor(O, I)>(xgrad::roll)),
        row("roll", overload<Tensor(O, const Sizes&, const Ints&)>(xgrad::roll)),
        row("tril", xgrad::tril),
        row("triu", xgrad::triu),
        row("diagonal", xgrad::diagonal),
        row("diag", xgrad::diag),
        row("pad", xgrad::pad),
        row("unfold", overload<Tensor(O, int, I, I)>(xgrad::unfold)),
        // functions/functions.hpp
        row("unfold", overload<Tensor(O, const PerAxis&, const UnfoldOptions&)>(xgrad::unfold)),
        // ops/shape/index.hpp
        row("take", xgrad::take),
        row("index_add", xgrad::index_add),
        row("take_along_axis", xgrad::take_along_axis),
        row("embedding", xgrad::embedding),
        row("one_hot", xgrad::one_hot),
        row("argwhere", xgrad::argwhere),
        // ops/shape/scatter.hpp
        row("gather", xgrad::gather),
        row("scatter", xgrad::scatter),
        row("scatter_add", xgrad::scatter_add),
        // ops/shape/interpolate.hpp
        row("interpolate", xgrad::interpolate),
        // ops/linalg/matmul.hpp
        row("matmul", xgrad::matmul),
        row("linear", xgrad::linear),
        // ops/nn/recurrent.hpp
        row("rnn", xgrad::rnn),
        row("lstm", xgrad::lstm),
        row("gru", xgrad::gru),
        // ops/nn/ctc.hpp
        row("ctc_loss", xgrad::ctc_loss),
        // ops/nn/cross_entropy.hpp
        row("bernoulli_cross_entropy", xgrad::bernoulli_cross_entropy),
        // ops/linalg/linalg.hpp
        row("solve", xgrad::solve),
        row("triangular_solve", xgrad::triangular_solve),
        row("inv", xgrad::inv),
        row("pinv", xgrad::pinv),
        row("cholesky", xgrad::cholesky),
        row("det", xgrad::det),
        row("slogdet", xgrad::slogdet),
        row("qr", xgrad::qr),
        row("eigh", xgrad::eigh),
        row("svd", xgrad::svd),
        row("svdvals", xgrad::svdvals),
        // ops/random/random.hpp
        row("rand", overload<Tensor(const Shape&, Generator&, DType, Location)>(xgrad::rand)),
        row("randn", overload<Tensor(const Shape&, Generator&, DType, Location)>(xgrad::randn)),
        row("randint", overload<Tensor(I, I, const Shape&, Generator&, DType, Location)>(xgrad::randint)),
        row("bernoulli", overload<Tensor(double, const Shape&, Generator&, DType, Location)>(xgrad::bernoulli)),
        row("bernoulli", overload<Tensor(const Tensor&, Generator&, Location)>(xgrad::bernoulli)),
        row("permutation", xgrad::permutation),
        row("normal", overload<Tensor(O, O, const Shape&, Generator&)>(xgrad::normal)),
        row("normal", overload<Tensor(O, O, Generator&)>(xgrad::normal)),
        row("uniform", overload<Tensor(O, O, const Shape&, Generator&)>(xgrad::uniform)),
        row("uniform", overload<Tensor(O, O, Generator&)>(xgrad::uniform)),
        row("exponential", overload<Tensor(O, const Shape&, Generator&)>(xgrad::exponential)),
        row("exponential", overload<Tensor(O, Generator&)>(xgrad::exponential)),
        row("gamma", overload<Tensor(O, O, const Shape&, Generator&)>(xgrad::gamma)),
        row("gamma", overload<Tensor(O, O, Generator&)>(xgrad::gamma)),
        row("beta", overload<Tensor(O, O, const Shape&, Generator&)>(xgrad::beta)),
        row("beta", overload<Tensor(O, O, Generator&)>(xgrad::beta)),
        row("poisson", overload<Tensor(O, const Shape&, Generator&)>(xgrad::poisson)),
        row("poisson", overload<Tensor(O, Generator&)>(xgrad::poisson)),
        row("binomial", overload<Tensor(O, O, const Shape&, Generator&)>(xgrad::binomial)),
        row("binomial", overload<Tensor(O, O, Generator&)>(xgrad::binomial)),
        row("categorical", xgrad::categorical),
        row("multinomial", xgrad::multinomial),
        row("gumbel_softmax", xgrad::gumbel_softmax),
        // ops/nn/update.hpp
        row("renorm_rows", xgrad::renorm_rows),
        // ops/nn/normalize.hpp
        row("layer_norm", xgrad::layer_norm),
        row("rms_norm", xgrad::rms_norm),
        row("group_norm", xgrad::group_norm),
        row("instance_norm", xgrad::instance_norm),
        row("batch_norm", xgrad::batch_norm),
        // ops/nn/conv.hpp
        row("conv1d", xgrad::conv1d),
        row("conv2d", xgrad::conv2d),
        row("conv3d", xgrad::conv3d),
        row("conv_transpose1d", xgrad::conv_transpose1d),
        row("conv_transpose2d", xgrad::conv_transpose2d),
        row("conv_transpose3d", xgrad::conv_transpose3d),
        // ops/nn/pool.hpp
        row("max_pool1d", xgrad::max_pool1d),
        row("max_pool2d", xgrad::max_pool2d),
        row("max_pool3d", xgrad::max_pool3d),
        row("max_pool1d_with_indices", xgrad::max_pool1d_with_indices),
        row("max_pool2d_with_indices", xgrad::max_pool2d_with_indices),
        row("max_pool3d_with_indices", xgrad::max_pool3d_with_indices),
        row("avg_pool1d", xgrad::avg_pool1d),
        row("avg_pool2d", xgrad::avg_pool2d),
        row("avg_pool3d", xgrad::avg_pool3d),
        row("lp_pool1d", xgrad::lp_pool1d),
        row("lp_pool2d", xgrad::lp_pool2d),
        row("lp_pool3d", xgrad::lp_pool3d),
        row("adaptive_avg_pool1d", xgrad::adaptive_avg_pool1d),
        row("adaptive_avg_pool2d", xgrad::adaptive_avg_pool2d),
        row("adaptive_avg_pool3d", xgrad::adaptive_avg_pool3d),
        row("adaptive_max_pool1d", xgrad::adaptive_max_pool1d),
        row("adaptive_max_pool2d", xgrad::adaptive_max_pool2d),
        row("adaptive_max_pool3d", xgrad::adaptive_max_pool3d),
        row("adaptive_max_pool1d_with_indices", xgrad::adaptive_max_pool1d_with_indices),
        row("adaptive_max_pool2d_with_indices", xgrad::adaptive_max_pool2d_with_indices),
        row("adaptive_max_pool3d_with_indices", xgrad::adaptive_max_pool3d_with_indices),
        // ops/nn/attention.hpp
        row("scaled_dot_product_attention", xgrad::scaled_dot_product_attention),
        row("attention_weights", xgrad::attention_weights),
        // functions/functions.hpp
        row("lerp", xgrad::lerp),
        row("std", xgrad::std),
        row("stddev", xgrad::stddev, "std"),
        row("diff", xgrad::diff),
        row("count_nonzero", xgrad::count_nonzero),
        row("median", xgrad::median),
        row("quantile", overload<Tensor(O, double, const Axes&, Quantile, bool)>(xgrad::quantile)),
        row("quantile", overload<Tensor(O, const std::vector<double>&, const Axes&, Quantile, bool)>(xgrad::quantile)),
        row("ptp", xgrad::ptp),
        row("nansum", xgrad::nansum),
        row("nanmean", xgrad::nanmean),
        row("average", xgrad::average),
        row("cov", xgrad::cov),
        row("corrcoef", xgrad::corrcoef),
        row("moveaxis", xgrad::moveaxis),
        row("rot90", xgrad::rot90),
        row("tile", xgrad::tile),
        row("repeat", overload<Tensor(O, O, int)>(xgrad::repeat)),
        row("repeat", overload<Tensor(O, O)>(xgrad::repeat)),
        row("meshgrid", xgrad::meshgrid),
        row("put_along_axis", xgrad::put_along_axis),
        row("masked_fill", xgrad::masked_fill),
        row("masked_select", xgrad::masked_select),
        row("nonzero", xgrad::nonzero),
        row("outer", xgrad::outer),
        row("dot", xgrad::dot),
        row("inner", xgrad::inner),
        row("vdot", xgrad::vdot),
        row("tensordot", overload<Tensor(O, O, int)>(xgrad::tensordot)),
        row("tensordot", overload<Tensor(O, O, const Ints&, const Ints&)>(xgrad::tensordot)),
        row("kron", xgrad::kron),
        row("einsum", xgrad::einsum),
        row("trace", xgrad::trace),
        row("lstsq", xgrad::lstsq),
        row("matrix_exp", xgrad::matrix_exp),
        row("matrix_power", xgrad::matrix_power),
        row("matrix_norm", xgrad::matrix_norm),
        row("cond", xgrad::cond),
        row("dropout", xgrad::dropout),
        row("dropout1d", xgrad::dropout1d),
        row("dropout2d", xgrad::dropout2d),
        row("dropout3d", xgrad::dropout3d),
        row("alpha_dropout", xgrad::alpha_dropout),
        row("feature_alpha_dropout", xgrad::feature_alpha_dropout),
        row("glu", xgrad::glu),
        row("softmin", xgrad::softmin),
        row("rrelu", xgrad::rrelu),
        row("bilinear", xgrad::bilinear),
        row("embedding_bag", xgrad::embedding_bag),
        row("local_response_norm", xgrad::local_response_norm),
        row("unflatten", xgrad::unflatten),
        row("pixel_shuffle", xgrad::pixel_shuffle),
        row("pixel_unshuffle", xgrad::pixel_unshuffle),
        row("channel_shuffle", xgrad::channel_shuffle),
        row("max_unpool1d", xgrad::max_unpool1d),
        row("max_unpool2d", xgrad::max_unpool2d),
        row("max_unpool3d", xgrad::max_unpool3d),
        row("position_angles", xgrad::position_angles),
        row("sinusoidal_positions", xgrad::sinusoidal_positions),
        row("rotary", xgrad::rotary),
        row("normalize", xgrad::normalize),
        row("cosine_similarity", xgrad::cosine_similarity),
        row("pairwise_distance", xgrad::pairwise_distance),
        row("fold", xgrad::fold),
        row("affine_grid", xgrad::affine_grid),
        row("grid_sample", xgrad::grid_sample),
        row("scatter_reduce", xgrad::scatter_reduce),
        row("pdist", xgrad::pdist),
    };
    return table;
}
// clang-format on

}  // namespace tests
