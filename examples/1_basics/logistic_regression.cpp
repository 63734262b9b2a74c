// Tumours classified by ten measurements of their cells' nuclei: the Wisconsin data of Street, Wolberg and Mangasarian
// (1993), 569 patients, each measurement as mean, standard error and worst value. One weight per number, a sigmoid, and
// the cross-entropy as loss; batch, mini-batch and stochastic gradient descent are compared.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct LogisticRegression {
    explicit LogisticRegression(std::int64_t features)
        : weight(zeros({features}, DType::f64)), bias(zeros({}, DType::f64)) {}
    /// The logit (log-odds): its sigmoid is the probability of class 1.
    Tensor operator()(const Tensor& x) const { return matmul(x, weight) + bias; }
    Parameter weight, bias;
    XGRAD_FIELDS(weight, bias)
};

double loss(const LogisticRegression& model, const Table& table) {
    return nn::binary_cross_entropy_with_logits(model(table.x), table.y).item();
}
double accuracy(const LogisticRegression& model, const Table& table) {
    return nn::accuracy((model(table.x) > 0.0).to(DType::i64), table.y);
}

/// One way to descend: the number of rows per step, and the step size.
struct Way {
    std::string name;
    std::int64_t batch_size;
    double lr;
};

struct Course {
    std::vector<double> loss, accuracy;  // training loss and test accuracy, after each epoch
};

Course descend(LogisticRegression& model, const Split& data, const Way& way, std::int64_t epochs) {
    const std::int64_t rows = data.train.x.shape(0);
    nn::DataLoader loader(data.train.x, data.train.y, {.batch_size = std::min(way.batch_size, rows), .shuffle = true});
    nn::SGD sgd({.lr = way.lr});
    Course course;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
        for (const auto& [x, y] : loader) {
            Tape tape;
            sgd.step(model, tape.gradient(nn::binary_cross_entropy_with_logits(model(x), y)));
        }
        course.loss.push_back(loss(model, data.train));
        course.accuracy.push_back(accuracy(model, data.test));
    }
    return course;
}

/// The weights laid out like the table's columns: three numbers for each of ten measurements.
nn::Plot weights(const LogisticRegression& model) {
    nn::Plot plot(
        {.title = "Weights: what speaks for benign (red) and malignant (blue)", .width = 1096, .height = 220});
    return plot.heat_map(reshape(model.weight.value(), {3, 10}),
                         {.x_labels = {"radius", "texture", "perimeter", "area", "smoothness", "compactness",
                                       "concavity", "concave points", "symmetry", "fractal dim."},
                          .y_labels = {"mean", "error", "worst"},
                          .palette = nn::Palette::diverging});
}

/// The model's certainty for each test row, by true class.
nn::Plot certainty(const LogisticRegression& model, const Table& test) {
    nn::Plot plot({.title = "What it says of the test rows",
                   .x = "probability of benign, from",
                   .y = "rows",
                   .log_y = true,
                   .y_range = {{0.7, 100}}});
    const Tensor tenths = minimum(floor(sigmoid(model(test.x)) * 10.0), 9.0).to(DType::i64);
    std::vector<std::string> labels;
    for (int i = 0; i < 10; ++i) labels.push_back(fmt::format("{:.1f}", 0.1 * i));
    for (const std::int64_t truth : {0, 1}) {
        const Tensor of_class = (test.y == truth).to(DType::f64);
        plot.bars(truth ? "benign" : "malignant", labels,
                  sum(one_hot(tenths, 10, DType::f64) * expand_dims(of_class, 1), 0));
    }
    return plot;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("logistic_regression",
                    "Tells malignant tumours from benign ones by batch, mini-batch and stochastic gradient descent.");
    std::int64_t epochs = 50, splits = 10;
    example.option("--epochs", epochs, "Passes over the training rows");
    example.option("--splits", splits, "Random splits into training and test rows; accuracies are means over them");
    return example.run(argc, argv, [&] {
        const Table table = sklearn_table("breast_cancer");
        const std::vector<Way> ways = {{"batch: all rows", table.x.shape(0), 0.5},
                                       {"mini-batch: 32 rows", 32, 0.1},
                                       {"stochastic: 1 row", 1, 0.01}};
        std::vector<double> right(ways.size());
        double auc = 0;
        Generator generator(example.seed());
        nn::Plot losses({.title = "First split: loss of the training rows",
                         .x = "epoch",
                         .y = "cross-entropy",
                         .log_y = true,
                         .y_range = {{0.03, 0.3}}});
        nn::Plot accuracies({.title = "First split: accuracy of the test rows", .x = "epoch", .y = "accuracy"});
        for (std::int64_t i = 0; i < splits; ++i) {
            Split data = split(table, 0.7, generator);
            standardize(data.train, data.test);
            for (std::size_t k = 0; k < ways.size(); ++k) {
                LogisticRegression model(table.x.shape(1));
                const Course course = descend(model, data, ways[k], epochs);
                right[k] += course.accuracy.back() / static_cast<double>(splits);
                if (k == 1) auc += nn::roc_auc(model(data.test.x), data.test.y) / static_cast<double>(splits);
                if (i > 0) continue;
                losses.line(ways[k].name, course.loss);
                accuracies.line(ways[k].name, course.accuracy);
                if (k == 1) {
                    example.picture("weights.svg", "The weights that mini-batches find, of standardised measurements.",
                                    {weights(model)});
                    example.picture("certainty.svg", "How sure it is; a row on the wrong side of 0.5 is mistaken.",
                                    {certainty(model, data.test)});
                }
            }
        }
        example.picture("descent.svg", "Each way of descending, with as many passes over the rows.",
                        {losses, accuracies});
        for (std::size_t k = 0; k < ways.size(); ++k)
            example.figure(fmt::format("{}: test accuracy, mean of {} splits", ways[k].name, splits), right[k],
                           {.at_least = 0.96, .brief_at_least = 0.94});
        example.figure("mini-batch: area under the ROC curve, mean", auc);
    });
}
