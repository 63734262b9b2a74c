// The diabetes table of Efron, Hastie, Johnstone and Tibshirani (2004): 442 patients, ten measurements each, and the
// progression of the disease a year later. Linear regression has a closed form; here three kinds of gradient descent
// approach it.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Line {
    explicit Line(std::int64_t features) : weight(zeros({features}, DType::f64)), bias(zeros({}, DType::f64)) {}
    Tensor operator()(const Tensor& x) const { return matmul(x, weight) + bias; }
    Parameter weight, bias;
    XGRAD_FIELDS(weight, bias)
};

/// The weights and bias that minimise the mean squared error: the solution of a linear least-squares problem.
Tensor closed_form(const Table& table) {
    const Tensor ones_column = ones({table.x.shape(0), 1}, DType::f64);
    return lstsq(concat({table.x, ones_column}, 1), table.y).solution;
}

/// The distance of the line from the solution: the largest difference of a weight.
double distance(const Line& line, const Tensor& solution) {
    return max(abs(concat({line.weight.value(), reshape(line.bias.value(), {1})}) - solution)).item();
}

/// Gradient descent on `batch_size` rows at a time; returns the distance from the solution after each epoch.
std::vector<double> descend(Line& line, const Table& table, std::int64_t batch_size, std::int64_t epochs, double lr,
                            const Tensor& solution) {
    nn::DataLoader loader(table.x, table.y, {.batch_size = batch_size, .shuffle = true});
    nn::SGD sgd({.lr = lr});
    std::vector<double> distances;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
        // Steps on mini-batches do not converge to the minimum over all rows unless the learning rate decays.
        sgd.set_lr(batch_size == table.x.shape(0) ? lr : lr / (1 + static_cast<double>(epoch)));
        for (const auto& [x, y] : loader) {
            Tape tape;
            const Tensor loss = nn::mse_loss(line(x), y);
            sgd.step(line, tape.gradient(loss));
        }
        distances.push_back(distance(line, solution));
    }
    return distances;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("linear_regression",
                    "Fits a line to a real table by batch, mini-batch and stochastic gradient descent.");
    std::int64_t epochs = 10000;
    example.option("--epochs", epochs, "Passes over the table by batch gradient descent");
    return example.run(argc, argv, [&] {
        Table table = sklearn_table("diabetes"), none = table;
        standardize(table, none);
        const Tensor solution = closed_form(table);

        nn::Plot plot({.title = "Distance from the closed form",
                       .x = "epoch",
                       .y = "largest difference of a weight",
                       .log_x = true,
                       .log_y = true});
        const auto part = std::min<std::int64_t>(epochs, 300);
        Line batch(10), mini(10), stochastic(10);
        const auto by_batch = descend(batch, table, table.x.shape(0), epochs, 0.2, solution);
        const auto by_mini = descend(mini, table, 32, part, 0.05, solution),
                   by_one = descend(stochastic, table, 1, part, 0.005, solution);
        plot.line("batch: all 442 rows", by_batch)
            .line("mini-batch: 32 rows", by_mini)
            .line("stochastic: 1 row", by_one);

        example.figure("batch gradient descent: distance from the closed form", by_batch.back(),
                       {.at_most = 1e-6, .brief_at_most = 1e-6});
        const double least = nn::mse_loss(batch(table.x), table.y).item();
        example.figure("mini-batch: loss above the least, in per cent",
                       100 * (nn::mse_loss(mini(table.x), table.y).item() / least - 1),
                       {.at_most = 5, .brief_at_most = 5});
        example.figure("stochastic: loss above the least, in per cent",
                       100 * (nn::mse_loss(stochastic(table.x), table.y).item() / least - 1),
                       {.at_most = 5, .brief_at_most = 5});
        const Tensor residual = table.y - batch(table.x);
        example.figure("explained variance (R²)",
                       1 - (sum(square(residual)) / sum(square(table.y - mean(table.y)))).item());
        nn::Plot fit({.title = "Prediction and truth", .x = "predicted", .y = "a year later"});
        fit.points("patient", batch(table.x), table.y)
            .line("equal", std::vector<double>{25, 300}, std::vector<double>{25, 300});
        example.picture("descent.svg", "Each way of descending, and what the fitted line predicts.", {plot, fit});
    });
}
