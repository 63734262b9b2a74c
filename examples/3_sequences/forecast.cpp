// Sunspots, counted every year since 1700 (statsmodels' table, from the World Data Center SILSO). A recurrent network
// reads 22 years, two cycles of the sun, and predicts the next year (many-to-one) and, by reading its own forecasts as
// inputs, the next eleven (one-to-many). Years up to 1920 are for training, later ones are forecast and compared with
// the persistence forecast ("as this year") and with the best linear forecast, an autoregression (Yule 1927, on the
// same data).
// needs: python3-statsmodels

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <fmt/core.h>

#include <example.hpp>

using namespace xgrad;

namespace {

constexpr std::int64_t window = 22, ahead = 11;

struct Series {
    Tensor years, values;  // values: standardised square roots, whose rise and fall are symmetric
    double middle, deviation;
    std::int64_t train;  // number of years for training
    Tensor spots(const Tensor& forecast) const { return square(maximum(forecast * deviation + middle, 0.0)); }
};

Series read_series() {
    const auto table = nn::read_csv("/usr/lib/python3/dist-packages/statsmodels/datasets/sunspots/sunspots.csv");
    const Tensor years = ravel(table.numbers({"YEAR"}, DType::f64)),
                 roots = sqrt(ravel(table.numbers({"SUNACTIVITY"}, DType::f64)));
    const std::int64_t train = 221;
    const double middle = mean(slice(roots, 0, 0, train)).item(),
                 deviation = xgrad::std(slice(roots, 0, 0, train)).item();
    return {years, (roots - middle) / deviation, middle, deviation, train};
}

/// Windows that begin in the years [first, last): (n, window) and the years after each (n, ahead).
std::pair<Tensor, Tensor> windows(const Tensor& values, std::int64_t first, std::int64_t last) {
    const Tensor starts = expand_dims(arange(first, last), 1);
    return {take(values, starts + arange(window)), take(values, starts + arange(window, window + ahead))};
}

/// An autoregression of that order, fitted by least squares to windows and the year after each: (order + 1, 1), the
/// constant last.
Tensor autoregression(const Tensor& x, const Tensor& y, std::int64_t order) {
    return lstsq(concat({slice(x, 1, -order), ones({x.shape(0), 1}, DType::f64)}, 1), slice(y, 1, 0, 1)).solution;
}
/// Its forecast for the year after the last of `seen`.
Tensor next_year(const Tensor& weights, const Tensor& seen) {
    return matmul(slice(seen, 1, -(weights.shape(0) - 1)), slice(weights, 0, 0, -1)) + weights[-1];
}
/// The autoregression iterated forward (n, ahead).
Tensor linear_forecast(const Tensor& weights, const Tensor& seen) {
    Tensor all = seen;
    for (std::int64_t i = 0; i < ahead; ++i) all = concat({all, next_year(weights, all)}, 1);
    return slice(all, 1, window);
}

/// A network's forecasts after each year that it reads, and after those that it forecast itself.
struct Forecasts {
    Tensor reading;  // (n, window - order): the years order … window - 1
    Tensor next;  // (n, ahead)
};

/// A recurrent network on top of an autoregression: it learns the non-linear part.
struct Network {
    Network(std::int64_t hidden, const Tensor& linear)
        : cell(1, hidden, {.dtype = DType::f64}), output(hidden, 1, {.dtype = DType::f64}), weights(linear) {
        nn::init::zeros(output.weight);
        nn::init::zeros(output.bias);
    }
    nn::GRUCell cell;
    nn::Linear output;
    Tensor weights;
    XGRAD_FIELDS(cell, output, weights)

    Forecasts operator()(const Tensor& seen) const {
        const std::int64_t order = weights.shape(0) - 1;
        Tensor state = zeros({seen.shape(0), output.in_features()}, DType::f64), known = slice(seen, 1, 0, 1);
        Tensors forecasts;
        for (std::int64_t i = 0; i < window + ahead - 1; ++i) {
            state = cell(slice(known, 1, -1), state);
            const Tensor forecast = i + 1 < order ? Tensor() : next_year(weights, known) + output(state);
            if (forecast.defined()) forecasts.push_back(forecast);
            known = concat({known, i + 1 < window ? slice(seen, 1, i + 1, i + 2) : forecast}, 1);
        }
        const Tensor all = concat(forecasts, 1);
        return {slice(all, 1, 0, window - order), slice(all, 1, window - order)};
    }
};

/// Trains until the forecasts of the newest thirty years of the training period stop improving; returns the network as
/// it was then. Forecasting every year along the way teaches the first step; continuing from its own forecasts teaches
/// the others.
Network train(const Series& series, std::int64_t order, std::int64_t epochs, std::vector<double>& losses) {
    const auto [x, y] = windows(series.values, 0, series.train - 30 - window - ahead + 1);
    const auto [held_x, held_y] = windows(series.values, series.train - 30 - window, series.train - window - ahead + 1);
    Network net(8, autoregression(x, y, order)), best = net;
    nn::AdamW adam({.lr = 0.005, .weight_decay = 0.1});
    double least = INFINITY;
    for (std::int64_t epoch = 0, since = 0; epoch < epochs && since < 100; ++epoch, ++since) {
        Tape tape;
        const Forecasts forecasts = net(x);
        const Tensor loss = nn::mse_loss(forecasts.next, y) + nn::mse_loss(forecasts.reading, slice(x, 1, order));
        adam.step(net, nn::clip_grad_norm(net, tape.gradient(loss), 1.0));
        const Forecasts held = net(held_x);
        losses.push_back(nn::mse_loss(held.next, held_y).item() +
                         nn::mse_loss(held.reading, slice(held_x, 1, order)).item());
        if (losses.back() >= least) continue;
        least = losses.back();
        best = net;
        since = 0;
    }
    return best;
}

/// Root mean squared error in sunspots, for each number of years ahead.
std::vector<double> errors(const Series& series, const Tensor& forecast, const Tensor& truth) {
    const Tensor per_year = sqrt(mean(square(series.spots(forecast) - series.spots(truth)), 0));
    return {per_year.data<double>().begin(), per_year.data<double>().end()};
}

double mean_of(const std::vector<double>& numbers) { return mean(tensor(numbers)).item(); }

}  // namespace

int main(int argc, char** argv) {
    Example example("forecast", "Forecasts sunspots one and eleven years ahead, against naive and linear forecasts.");
    std::int64_t epochs = 600, networks = 5;
    example.option("--epochs", epochs, "Passes over the years for learning, at most");
    example.option("--networks", networks, "Networks whose forecasts are averaged");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 150, networks = 2;
        const Series series = read_series();
        const auto [x, y] = windows(series.values, series.train - window, series.values.size() - window - ahead + 1);

        const auto [past_x, past_y] = windows(series.values, 0, series.train - window - ahead + 1);
        nn::Plot learning(
            {.title = "Error on the newest years of the past", .x = "epoch", .y = "mean squared error", .log_y = true});
        nn::ProgressBar bar;
        bar.start("networks", networks);
        Tensor sum = zeros(y.shape(), DType::f64);
        for (std::int64_t i = 0; i < networks; ++i) {
            std::vector<double> losses;
            sum = sum + train(series, 9, epochs, losses)(x).next;
            learning.line(fmt::format("network {}", i + 1), losses);
            bar.advance();
            bar.show();
        }
        bar.clear();
        const Tensor forecast = sum / static_cast<double>(networks);

        const auto network = errors(series, forecast, y);
        const auto naive = errors(series, broadcast_to(slice(x, 1, -1), y.shape()), y);
        std::vector<double> linear;  // errors of the order that is best in hindsight, on the forecast years themselves
        for (std::int64_t order = 1; order <= window; ++order)
            if (const auto tried = errors(series, linear_forecast(autoregression(past_x, past_y, order), x), y);
                linear.empty() || mean_of(tried) < mean_of(linear))
                linear = tried;

        example.figure("one year ahead: error of the network / naive", network[0] / naive[0],
                       {.at_most = 1, .brief_at_most = 1});
        example.figure("one year ahead: error of the network / best linear", network[0] / linear[0], {.at_most = 1});
        example.figure("eleven years ahead, mean: network / naive", mean_of(network) / mean_of(naive),
                       {.at_most = 1, .brief_at_most = 1});
        example.figure("eleven years ahead, mean: network / best linear", mean_of(network) / mean_of(linear),
                       {.at_most = 1});

        nn::Plot by_year({.title = "Error by years ahead", .x = "years ahead", .y = "sunspots"});
        by_year.line("network", network, {.marks = true})
            .line("naive", naive, {.marks = true})
            .line("best linear", linear, {.marks = true});
        const Tensor known = slice(series.years, 0, series.train, series.train + y.shape(0));
        nn::Plot next({.title = "The next year", .x = "year", .y = "sunspots", .width = 1090});
        next.line("counted", known, series.spots(select(y, 1, 0)))
            .line("forecast", known, series.spots(select(forecast, 1, 0)), {.stroke = nn::Stroke::dashed});
        nn::Plot cycles({.title = "Eleven years in one go", .x = "year", .y = "sunspots", .width = 1090});
        cycles.line("counted", known, series.spots(select(y, 1, 0)));
        for (std::int64_t i = 0; i + ahead <= y.shape(0); i += ahead)
            cycles.line(i ? "" : "forecast", slice(known, 0, i, i + ahead), series.spots(forecast[i]), {.colour = 1});
        example.picture("forecast.svg", "Years that the network has not seen, one ahead and eleven at once.",
                        {next, cycles}, 1);
        example.picture("errors.svg", "Errors of the forecasts, and of the networks while they learn.",
                        {by_year, learning});
    });
}
