#include "op_checker.hpp"

#include "op_table/economy.hpp"
#include "op_table/large.hpp"

#include <omp.h>

#include <autodiff/kernels/kernels.hpp>
#include <autodiff/core/detail/trace.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

namespace tests {
namespace {

using xgrad::gradcheck;
using xgrad::Tape;
using xgrad::Unconnected;

/// XGRAD_TEST_SEED in the environment draws other inputs.
std::uint64_t seed() {
    const char* text = std::getenv("XGRAD_TEST_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 1;
}

std::string describe(const Row& row, std::span<const Tensor> xs) {
    std::string text = row.name + " on";
    for (const Tensor& x : xs) text += ' ' + to_string(x.shape());
    return text + ", seed " + std::to_string(seed()) + ": ";
}

Tensor random(const Shape& shape, Domain domain, std::mt19937_64& engine) {
    std::vector<double> values(static_cast<std::size_t>(shape.size()));
    for (double& v : values)
        v = domain.low + (domain.high - domain.low) * (static_cast<double>(engine() >> 11) * 0x1p-53);
    return xgrad::tensor(values, shape);
}

Domain domain_of(const Row& row, std::size_t input) { return row.domains[std::min(input, row.domains.size() - 1)]; }

Tensors inputs(const Row& row, const std::vector<Shape>& shapes) {
    std::mt19937_64 engine(seed());
    Tensors xs;
    for (const Shape& shape : shapes) xs.push_back(random(shape, domain_of(row, xs.size()), engine));
    return xs;
}

/// Weights of either sign, none near zero, all different.
Tensor cotangent(const Shape& shape, DType dtype) {
    std::mt19937_64 engine(seed() + 1);
    std::vector<double> values(static_cast<std::size_t>(shape.size()));
    for (double& v : values) {
        v = 0.5 + static_cast<double>(engine() >> 11) * 0x1p-53;
        if (engine() & 1) v = -v;
    }
    return xgrad::tensor(values, shape).to(dtype);
}

Tensors to(const Tensors& xs, DType dtype) {
    Tensors result;
    for (const Tensor& x : xs) result.push_back(x.to(dtype));
    return result;
}

Tensors watch(Tape& tape, const Tensors& xs) {
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x));
    return watched;
}

/// f(xs), followed by the gradients of <u, f> when the operation has any.
Tensors value_and_gradients(const Row& row, const Tensors& xs, const Tensor& u = Tensor()) {
    if (!row.has_gradient()) return {row.f(xs)};
    Tape tape;
    const Tensors watched = watch(tape, xs);
    Tensors results{row.f(watched)};
    const Tensor& y = results[0];
    for (Tensor& g : tape.gradient(
             y, watched,
             {.cotangent = u.defined() ? u : cotangent(y.shape(), y.dtype()), .unconnected = Unconnected::zeros}))
        results.push_back(std::move(g));
    return results;
}

/// The same with an outer tape that records the gradient too, so that no fused path may be taken.
Tensors recorded_value_and_gradients(const Row& row, const Tensors& xs, const Tensor& u = Tensor()) {
    Tape outer;
    const Tensors watched = watch(outer, xs);
    return value_and_gradients(row, watched, u.defined() ? outer.watch(u) : u);
}

double number(const Tensor& x, std::size_t i) {
    switch (x.dtype()) {
        case DType::f32: return static_cast<double>(x.data<float>()[i]);
        case DType::f64: return x.data<double>()[i];
        case DType::i32: return x.data<std::int32_t>()[i];
        case DType::i64: return static_cast<double>(x.data<std::int64_t>()[i]);
        case DType::boolean: return x.data<bool>()[i];
    }
    return 0;
}

/// Elements may differ by rtol times the largest finite one of their tensor, or times `scale` where that is larger: the
/// terms of a sum are of the size of the inputs and cotangents, which are about 1, even where the sum comes out near
/// zero.
std::string difference(const Tensor& got, const Tensor& expected, double rtol, double scale, const std::string& what) {
    if (got.shape() != expected.shape())
        return what + " has shape " + to_string(got.shape()) + " instead of " + to_string(expected.shape());
    const auto size = static_cast<std::size_t>(expected.size());
    for (std::size_t i = 0; i < size; ++i)
        if (const double e = std::abs(number(expected, i)); std::isfinite(e)) scale = std::max(scale, e);
    for (std::size_t i = 0; i < size; ++i) {
        const double g = number(got, i), e = number(expected, i);
        if (g == e || (std::isnan(g) && std::isnan(e)) || std::abs(g - e) <= rtol * scale) continue;
        std::ostringstream text;
        text.precision(17);
        text << what << ", element " << i << ": " << g << " instead of " << e;
        return text.str();
    }
    return {};
}

std::string difference(const Tensors& got, const Tensors& expected, double rtol, double scale = 1) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::string what = i == 0 ? "value" : "gradient of input " + std::to_string(i - 1);
        if (auto text = difference(got[i], expected[i], rtol, scale, what); !text.empty()) return text;
    }
    return {};
}

/// The first fault that `check(xs)` finds in the row's cases.
template <class Check>
std::string every_case(const Row& row, Check&& check) {
    for (const auto& shapes : row.cases) {
        const Tensors xs = inputs(row, shapes);
        std::string text;
        try {
            text = check(xs);
        } catch (const std::exception& error) {
            text = std::string("threw ") + error.what();
        }
        if (!text.empty()) return describe(row, xs) + text;
    }
    return {};
}

std::string complaint(const xgrad::GradcheckReport& report) { return report.ok ? std::string() : report.message; }

double dot(const Tensor& a, const Tensor& b) {
    double total = 0;
    for (std::size_t i = 0; i < a.data<double>().size(); ++i) total += a.data<double>()[i] * b.data<double>()[i];
    return total;
}

/// uᵀ(Jv) against (uᵀJ)v, input by input: both are exact, so this is far tighter than differences.
std::string check_transpose(const Row& row, const Tensors& xs) {
    const Tensors results = value_and_gradients(row, xs);
    const Tensor u = cotangent(results[0].shape(), DType::f64);
    for (std::size_t i = 0; i < xs.size(); ++i) {
        std::mt19937_64 engine(seed() + 2 + i);
        const Tensor v = random(xs[i].shape(), {-1, 1}, engine);
        auto of_one = [&](const Tensor& x) {
            Tensors all = xs;
            all[i] = x;
            return row.f(all);
        };
        const double forward = dot(u, jvp(of_one, xs[i], v)), reverse = dot(results[i + 1], v);
        const double scale = std::sqrt(dot(results[i + 1], results[i + 1])) + 1;
        if (!(std::abs(forward - reverse) <= 1e-11 * scale))
            return "u(Jv) is " + std::to_string(forward) + " and (uJ)v " + std::to_string(reverse) + " for input " +
                   std::to_string(i);
    }
    return {};
}

}  // namespace

std::string check_derivatives(const Row& row, int order) {
    return every_case(row, [&](const Tensors& xs) {
        if (auto text = check_transpose(row, xs); !text.empty()) return text;
        return complaint(
            gradcheck(row.f, xs, {.order = order, .rtol = 1e-6, .seed = seed(), .full_jacobian = order < 3}));
    });
}

std::string check_fan_out(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        auto twice = [&](const Tensors& in) { return row.f(in) + row.f(in); };
        if (auto report = gradcheck(twice, xs, {.rtol = 1e-6, .seed = seed()}); !report)
            return "f + f: " + report.message;
        if (xs.size() != 2 || xs[0].shape() != xs[1].shape() || row.domains.size() > 1) return std::string();
        auto same = [&](const Tensor& x) { return row.f({x, x}); };
        const auto report = gradcheck(same, {xs[0]}, {.order = 2, .rtol = 1e-6, .seed = seed()});
        return report ? std::string() : "f(x, x): " + report.message;
    });
}

std::string check_single_precision(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        const Tensors rounded = to(xs, DType::f32);
        const Tensors single = value_and_gradients(row, rounded);
        const Tensors exact = value_and_gradients(row, to(rounded, DType::f64));
        for (const Tensor& t : single)
            if (row.has_gradient() && t.dtype() != DType::f32)
                return std::string("f32 inputs gave ") + name_of(t.dtype());
        // The cotangent of the f32 run was rounded, so the accuracy is at best a few units of 6e-8.
        return difference(single, exact, 4e-6);
    });
}

std::string check_instruction_sets(const Row& row) {
#ifdef XGRAD_STATIC
    const std::string chosen = xgrad::kernels::active().isa;
    return every_case(row, [&](const Tensors& xs) {
        for (const DType dtype : {DType::f32, DType::f64}) {
            const Tensors expected = value_and_gradients(row, to(xs, dtype));
            for (const char* isa : {"baseline", "avx2", "avx512"}) {
                if (!xgrad::kernels::select(isa)) continue;
                const Tensors got = value_and_gradients(row, to(xs, dtype));
                xgrad::kernels::select(chosen.c_str());
                if (auto text = difference(got, expected, dtype == DType::f32 ? 2e-6 : 1e-14); !text.empty())
                    return std::string(isa) + " against " + chosen + ", " + name_of(dtype) + ": " + text;
            }
        }
        return std::string();
    });
#else
    (void)row;  // the kernels are hidden in a shared library; ctest runs everything once per XGRAD_ISA
    return {};
#endif
}

std::string check_composed_path(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        for (const DType dtype : {DType::f64, DType::f32}) {
            const Tensors typed = to(xs, dtype);
            const auto text = difference(recorded_value_and_gradients(row, typed), value_and_gradients(row, typed),
                                         dtype == DType::f32 ? 2e-6 : 1e-14);
            if (!text.empty()) return "recorded against plain, " + std::string(name_of(dtype)) + ": " + text;
        }
        return std::string();
    });
}

std::string check_constant_cotangent(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        const Tensor shape_of = row.f(xs);
        std::vector<xgrad::Axes> sums{xgrad::Axes()};
        for (int axis = 0; axis < shape_of.ndim(); ++axis) sums.emplace_back(axis);
        for (const xgrad::Axes& axes : sums)
            for (const bool recorded : {false, true}) {
                const Tensor u = cotangent(sum(shape_of, axes, true).shape(), DType::f64);
                const Tensors expected = value_and_gradients(row, xs, broadcast_to(u, shape_of.shape()));
                const Row summed{row.name, [&](const Tensors& in) { return sum(row.f(in), axes, true); }, {}, {}};
                const Tensors got =
                    recorded ? recorded_value_and_gradients(summed, xs, u) : value_and_gradients(summed, xs, u);
                for (std::size_t i = 1; i < expected.size(); ++i)
                    if (auto text =
                            difference(got[i], expected[i], 1e-13, 1, "gradient of input " + std::to_string(i - 1));
                        !text.empty())
                        return (axes.all() ? std::string("summed over all axes")
                                           : "summed over axis " + std::to_string(axes.list()[0])) +
                               (recorded ? ", recorded: " : ": ") + text;
            }
        return std::string();
    });
}

std::string check_repeatable(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        const Tensors single = to(xs, DType::f32), first = value_and_gradients(row, single),
                      second = value_and_gradients(row, single);
        for (std::size_t i = 0; i < first.size(); ++i) {
            const auto bytes = static_cast<std::size_t>(first[i].size() * size_of(first[i].dtype()));
            auto raw = [](const Tensor& t) { return xgrad::detail::TensorAccess::data(t); };
            if (bytes && std::memcmp(raw(first[i]), raw(second[i]), bytes) != 0)
                return std::string("a second run gave other bits");
        }
        return std::string();
    });
}

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
    if (a.defined() != b.defined()) return false;
    if (!a.defined()) return true;
    if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
    const auto raw = [](const Tensor& t) { return xgrad::detail::TensorAccess::data(t); };
    return a.size() == 0 || std::memcmp(raw(a), raw(b), static_cast<std::size_t>(a.size() * size_of(a.dtype()))) == 0;
}

/// Describes the fault of a run that is repeated by `operation`.
std::string repeated(const xgrad::detail::TracedRun& run, const xgrad::detail::AnyOperation& operation,
                     const char* how) {
    const std::string name =
        operation.name() + std::string("(") + to_string(operation.attributes()) + ") " + how + ": ";
    const Tensors again = operation.run(run.inputs);
    if (again.size() != run.outputs.size())
        return name + std::to_string(again.size()) + " outputs instead of " + std::to_string(run.outputs.size());
    for (std::size_t j = 0; j < again.size(); ++j)
        if (!same_bits(again[j], run.outputs[j])) return name + "output " + std::to_string(j) + " has other bits";
    return {};
}

/// `strangers` counts results that are not computed by an operation.
std::string check_runs(const Row& row, const xgrad::detail::Trace& trace, const Tensors& xs, const Tensor& y,
                       int& strangers) {
    bool known = y.size() == 0, custom = false;
    const auto is_y = [&](const Tensor& t) {
        return t.defined() && t.size() && xgrad::detail::TensorAccess::data(t) == xgrad::detail::TensorAccess::data(y);
    };
    for (const Tensor& x : xs) known = known || is_y(x);
    for (const xgrad::detail::TracedRun& run : trace.runs) {
        const xgrad::detail::AnyOperation& operation = run.operation;
        for (const Tensor& output : run.outputs) known = known || is_y(output);
        if (!operation.is_data() && (row.flags & tests::custom)) {
            custom = true;
            continue;
        }
        if (!operation.can_run() || !operation.is_data())
            return std::string(operation.name()) + " is not made of its attributes";
        if (auto text = repeated(run, operation, "run again"); !text.empty()) return text;
        const std::string json = to_json(operation.attributes());
        const xgrad::detail::AnyOperation read = operation.with(xgrad::attributes_from_json(json));
        if (!(read.attributes() == operation.attributes()))
            return operation.name() + std::string(" read back from ") + json + ": other attributes, " +
                   to_json(read.attributes());
        if (auto text = repeated(run, read, ("read back from " + json).c_str()); !text.empty()) return text;
    }
    if (custom != !!(row.flags & tests::custom))
        return "its flag says that it calls a user's function, and it does not";
    strangers += !known;
    return known || (row.flags & outside) ? std::string() : "the result comes from no operation";
}

}  // namespace

std::string check_run_again(const Row& row) {
    int strangers = 0;
    std::string complaint = every_case(row, [&](const Tensors& xs) {
        for (const DType dtype : {DType::f64, DType::f32})
            for (const bool recorded : {false, true}) {
                const Tensors typed = to(xs, dtype);
                const xgrad::detail::Trace trace;
                const Tensors results =
                    recorded ? recorded_value_and_gradients(row, typed) : value_and_gradients(row, typed);
                if (auto text = check_runs(row, trace, typed, results[0], strangers); !text.empty())
                    return (recorded ? "recorded, " : "plain, ") + std::string(name_of(dtype)) + ": " + text;
            }
        return std::string();
    });
    if (complaint.empty() && (row.flags & outside) && strangers == 0)
        complaint = row.name + ": its flag says that the result comes from no operation, but it always does";
    return complaint;
}

std::string check_points(const Row& row) {
    for (const Point& point : row.points) {
        Tensors xs, expected{point.value.tensor};
        for (const Values& x : point.inputs) xs.push_back(x.tensor);
        for (const Values& g : point.gradients) expected.push_back(g.tensor);
        std::ostringstream where;
        where << row.name << " at";
        for (const Tensor& x : xs) where << ' ' << x;
        try {
            for (const DType dtype : {DType::f64, DType::f32}) {
                const Tensors typed = to(xs, dtype);
                const Tensor u = row.has_gradient() ? ones(point.value.tensor.shape(), dtype) : Tensor();
                const double rtol = dtype == DType::f32 ? 5e-7 : 1e-15;
                for (const bool recorded : {false, true}) {
                    const Tensors got =
                        recorded ? recorded_value_and_gradients(row, typed, u) : value_and_gradients(row, typed, u);
                    if (auto text = difference(got, expected, rtol, 0); !text.empty())
                        return where.str() + (recorded ? ", recorded, " : ", ") + name_of(dtype) + ": " + text;
                }
            }
        } catch (const std::exception& error) {
            return where.str() + ": threw " + error.what();
        }
    }
    return {};
}

std::string check_recorded(const Row& row) {
    return every_case(row, [&](const Tensors& xs) {
        Tape tape;
        const bool recorded = tracked(row.f(watch(tape, xs)));
        if (recorded == row.has_gradient()) return std::string();
        return std::string(recorded ? "was recorded though it has no gradient" : "was not recorded");
    });
}

namespace {

/// While one lives, operations may use this many threads.
class Threads {
public:
    explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
    ~Threads() { omp_set_num_threads(before_); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

private:
    int before_;
};

/// value_and_gradients(row, xs, u), assembled from pieces of the batch that are too small for blocks and threads.
Tensors of_pieces(const Row& row, const LargeCase& large, const Tensors& xs, const Tensor& u) {
    const std::int64_t batch = u.shape(large.result_axis), piece = batch > 60 ? 29 : 1;
    const auto axis_of = [&](std::size_t result) { return result == 0 ? large.result_axis : large.split[result - 1]; };
    std::vector<Tensors> parts(xs.size() + 1);
    for (std::int64_t begin = 0; begin < batch; begin += piece) {
        const std::int64_t end = std::min(begin + piece, batch);
        Tensors samples = xs;
        for (std::size_t i = 0; i < xs.size(); ++i)
            if (large.split[i] != LargeCase::shared) samples[i] = slice(xs[i], large.split[i], begin, end);
        const Tensors results = value_and_gradients(row, samples, slice(u, large.result_axis, begin, end));
        for (std::size_t r = 0; r < results.size(); ++r) {
            if (axis_of(r) != LargeCase::shared) parts[r].push_back(results[r]);
            else if (parts[r].empty()) parts[r] = {results[r]};
            else parts[r][0] = parts[r][0] + results[r];
        }
    }
    Tensors whole;
    for (std::size_t r = 0; r < parts.size(); ++r)
        if (!parts[r].empty())
            whole.push_back(axis_of(r) == LargeCase::shared ? parts[r][0] : concat(parts[r], axis_of(r)));
    return whole;
}

}  // namespace

std::string check_large(const Row& row, const LargeCase& large) {
    const Tensors xs = inputs(row, large.shapes);
    const Row chained{row.name + " in a chain",
                      [&](const Tensors& in) { return tanh(row.f(in) * 0.5) * 2.0 - 1.0; },
                      {},
                      row.domains,
                      {},
                      row.flags};
    for (const Row& tried : {row, chained}) {
        Threads one(1);
        const Tensor u = cotangent(tried.f(xs).shape(), DType::f64);
        const Tensors expected = of_pieces(tried, large, xs, u);
        for (const DType dtype : {DType::f64, DType::f32})
            for (const int count : {1, 2}) {
                const Threads threads(count);
                const Tensors got = value_and_gradients(tried, to(xs, dtype), u.to(dtype));
                if (auto text = difference(got, expected, dtype == DType::f32 ? 1e-4 : 1e-12); !text.empty())
                    return describe(tried, xs) + name_of(dtype) + ", " + std::to_string(count) + " threads: " + text;
            }
    }
    return {};
}

namespace {

/// The bytes that the allocator uses for a tensor of this many bytes.
double block(double bytes) {
    using namespace xgrad::detail;
    return bytes == 0 ? 0
                      : static_cast<double>(
                            bytes_of_class(size_class_of(Storage::block_bytes(static_cast<std::size_t>(bytes)))));
}
double block(const Tensor& x) { return block(static_cast<double>(x.size() * size_of(x.dtype()))); }

}  // namespace

std::string check_economy(const Row& row, const Economy& economy) {
    std::ostringstream text;
    // In bytes: the inputs are released except for what the tape stores of them.
    double kept = 0, expected = 0;
    Tape tape({.persistent = true});
    Tensors watched = watch(tape, inputs(row, economy.shapes));
    for (const int i : economy.inputs) expected += block(watched[static_cast<std::size_t>(i)]);
    expected += block(economy.extra * static_cast<double>(watched[0].size() * 8));
    double bytes_of_inputs = 0;
    for (const Tensor& x : watched) bytes_of_inputs += block(x);
    const Tensor w = tape.watch(xgrad::scalar(0.0));
    Tensors fresh;  // results that only the operation holds
    for (const Tensor& x : watched) fresh.push_back(x + w);
    const auto before = static_cast<double>(xgrad::memory_stats().bytes_in_use);
    Tensor y = row.f(fresh);
    if (economy.output) expected += block(y);
    const Tensor u = cotangent(y.shape(), y.dtype());
    std::vector<int> runs;
    for (const Tensor& x : fresh) {
        const xgrad::detail::Trace trace;
        tape.gradient(y, x, {.cotangent = u});
        runs.push_back(static_cast<int>(trace.runs.size()));
    }
    const double of_cotangent = block(u);
    y = Tensor();
    fresh.clear();
    if (xgrad::memory_stats().blocks > 0) {  // there are no statistics under AddressSanitizer
        kept = static_cast<double>(xgrad::memory_stats().bytes_in_use) - before + bytes_of_inputs - of_cotangent;
        if (std::abs(kept - expected) > 300)  // tolerance for small allocations

            text << row.name << ": the tape keeps " << kept << " bytes instead of " << expected << "; ";
    }
    if (!economy.runs.empty() && runs != economy.runs) {
        text << row.name << ": one input's cotangent takes so many operations:";
        for (const int n : runs) text << ' ' << n;
    }
    return text.str();
}

}  // namespace tests
