// A model for programs written with xtensor (Mabille, Corlay, Vollprecht): data, one operation and the loss are xtensor
// expressions, with pullbacks in xtensor as well; parameters, tape and optimizer are xgrad's. The operation is a layer
// of Gaussian bumps (Broomhead and Lowe 1988), the loss is pseudo-Huber (Charbonnier et al. 1997). An equivalent model
// in plain tensors must produce the same results. The data are synthetic.

#include <autodiff/autodiff.hpp>
#include <autodiff/xtensor.hpp>
#include <nn/nn.hpp>

#include <omp.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#if __has_include(<xtensor/generators/xrandom.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/generators/xrandom.hpp>
#else
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xrandom.hpp>
#endif

#include <example.hpp>

using namespace xgrad;

namespace {

struct Data {
    Tensor x, y;  // (n, 1) and (n)
};
/// A wave that fades on both sides, with noise and, like data from a measuring device, an occasional outlier.
Data made_up(std::size_t n, std::uint64_t seed) {
    xt::random::default_engine_type engine(static_cast<std::uint32_t>(seed));
    const xt::xarray<double> x = xt::linspace<double>(-4, 4, n);
    const xt::xarray<double> noise = xt::random::randn<double>({n}, 0.0, 0.05, engine);
    const xt::xarray<double> wrong = xt::cast<double>(xt::random::rand<double>({n}, 0.0, 1.0, engine) < 0.05);
    return {expand_dims(from_xtensor(x), 1), from_xtensor(xt::sin(3 * x) * xt::exp(-x * x / 6) + noise + 2 * wrong)};
}

constexpr double delta = 0.1;  // where the loss changes from quadratic to linear

// --- in xtensor expressions ------------------------------------------------------------------------------------------

/// exp(-((x - c) / w)² / 2) for x (n, 1), centres and widths (m): (n, m). x is data and has no gradient.
Tensor bumps_by_xtensor(const Tensor& x, const Tensor& centres, const Tensor& widths) {
    return apply<double>(
        "bumps", {x, centres, widths},
        [](const auto& in, const auto& c, const auto& w) { return xt::exp(-0.5 * xt::square((in - c) / w)); },
        [](const auto& g, const auto& y, const auto& in, const auto& c, const auto& w) {
            return std::make_tuple(std::nullopt, g * y * (in - c) / xt::square(w),
                                   g * y * xt::square(in - c) / (w * w * w));
        });
}

/// The mean of δ² (sqrt(1 + (r/δ)²) - 1) for residuals r.
Tensor loss_by_xtensor(const Tensor& residual) {
    return apply<double>(
        "pseudo_huber", {residual},
        [](const auto& r) { return xt::mean(delta * delta * (xt::sqrt(1 + xt::square(r / delta)) - 1)); },
        [](const auto& g, const auto&, const auto& r) {
            return g * r / xt::sqrt(1 + xt::square(r / delta)) / static_cast<double>(r.size());
        });
}

// --- the same in tensors, whose pullbacks are built in ---------------------------------------------------------------

Tensor bumps_by_tensors(const Tensor& x, const Tensor& centres, const Tensor& widths) {
    return exp(-0.5 * square((x - centres) / widths));
}

Tensor loss_by_tensors(const Tensor& residual) {
    return mean(delta * delta * (sqrt(1 + square(residual / delta)) - 1));
}

// --- the model -------------------------------------------------------------------------------------------------------

struct Model {
    explicit Model(std::int64_t bumps)
        : centres(linspace(-4, 4, bumps, DType::f64)),
          widths(full({bumps}, 0.6, DType::f64)),
          heights(zeros({bumps}, DType::f64)) {}
    Parameter centres, widths, heights;
    template <class Bumps>
    Tensor operator()(const Tensor& x, const Bumps& bumps) const {
        return matmul(bumps(x, centres, widths), heights);
    }
    XGRAD_FIELDS(centres, widths, heights)
};

/// The model's arithmetic, in one of the two ways.
struct Way {
    const char* name;
    Tensor (*bumps)(const Tensor& x, const Tensor& centres, const Tensor& widths);
    Tensor (*loss)(const Tensor& residual);
};
constexpr Way in_xtensor{"in xtensor", bumps_by_xtensor, loss_by_xtensor},
    in_tensors{"in tensors", bumps_by_tensors, loss_by_tensors};

std::pair<Tensor, Gradients> loss_and_gradients(const Model& model, const Data& data, const Way& way) {
    Tape tape;
    const Tensor loss = way.loss(model(data.x, way.bumps) - data.y);
    return {loss, tape.gradient(loss)};
}

/// The largest difference of a loss or a gradient at the same weights, relative to the largest value.
double difference(const Model& model, const Data& data) {
    const auto numbers = [&](const Way& way) {
        const auto [loss, gradients] = loss_and_gradients(model, data, way);
        return concat(
            {reshape(loss, {1}), gradients[model.centres], gradients[model.widths], gradients[model.heights]});
    };
    const Tensor ours = numbers(in_xtensor), theirs = numbers(in_tensors);
    return (max(abs(ours - theirs)) / max(abs(theirs))).item();
}

struct Run {
    std::vector<double> losses;
    double apart = 0;
};
Run train(Model& model, const Data& data, std::int64_t steps, const Way& way) {
    nn::Adam adam({.lr = 1e-2});
    Run run;
    nn::ProgressBar progress;
    progress.start(way.name, steps, "steps");
    for (std::int64_t step = 0; step < steps; ++step) {
        if (step % 10 == 0) run.apart = std::max(run.apart, difference(model, data));
        const auto [loss, gradients] = loss_and_gradients(model, data, way);
        adam.step(model, gradients);
        run.losses.push_back(loss.item());
        if (progress.advance()) progress.show({{"loss", run.losses.back()}});
    }
    progress.clear();
    return run;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("xtensor_model",
                    "Trains a model whose data, loss and one operation are written in xtensor expressions.");
    std::int64_t steps = 500, bumps = 16, count = 200;
    example.option("--steps", steps, "Training steps");
    example.option("--bumps", bumps, "Gaussian bumps that are added");
    example.option("--count", count, "Made-up measurements");
    return example.run(argc, argv, [&] {
        omp_set_num_threads(1);  // the tensors are small
        example.note("The data are made up: a fading wave with noise, and one measurement in twenty is wrong by 2.");
        const Data data = made_up(static_cast<std::size_t>(count), example.seed());

        Generator random(example.seed());
        const Tensor c = randn({3}, random, DType::f64), w = 0.5 + rand({3}, random, DType::f64);
        const auto few = [&](const Tensor& a, const Tensor& b) {
            return bumps_by_xtensor(slice(data.x, 0, {}, {}, count / 10), a, b);
        };
        const GradcheckReport layer = gradcheck(few, {c, w}),
                              loss = gradcheck(loss_by_xtensor, {slice(data.y, 0, 0, 20)});
        if (!layer) example.note(layer.message);
        if (!loss) example.note(loss.message);
        example.figure("operations in xtensor whose derivatives are right, of two", layer.ok + loss.ok,
                       {.at_least = 2, .brief_at_least = 2});

        Model ours(bumps), theirs(bumps);
        const Run run = train(ours, data, steps, in_xtensor), same = train(theirs, data, steps, in_tensors);
        const Tensor fitted = ours(data.x, bumps_by_xtensor), fitted_too = theirs(data.x, bumps_by_tensors);

        nn::Plot fit({.title = "Measurements and the model", .x = "x", .y = "y"});
        fit.points("measured", data.x, data.y)
            .line("in xtensor", data.x, fitted)
            .line("in tensors", data.x, fitted_too, {.stroke = nn::Stroke::dashed});
        nn::Plot curve({.title = "Loss", .x = "step", .y = "pseudo-Huber", .log_y = true});
        curve.line("in xtensor", run.losses).line("in tensors", same.losses, {.stroke = nn::Stroke::dashed});
        example.picture("fit.svg",
                        "The loss forgives wrong measurements; both ways of writing the model lie on each other.",
                        {fit, curve});
        const Tensor truth = squeeze(sin(3 * data.x) * exp(-data.x * data.x / 6), 1);
        example.figure("difference of loss and gradients from the tensors', largest while training",
                       std::max(run.apart, same.apart), {.at_most = 1e-12, .brief_at_most = 1e-12});
        example.note("Trained apart, the two differ by what Adam makes of the rounding in so many steps.");
        example.figure("largest difference of their predictions after that", max(abs(fitted - fitted_too)).item(),
                       {.at_most = 1e-3, .brief_at_most = 1e-3});
        example.figure("root mean square distance from the wave without noise",
                       sqrt(nn::mse_loss(fitted, truth)).item(), {.at_most = 0.05, .brief_at_most = 0.2});
    });
}
