#include <cmath>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::wave;

TEST_SUITE_BEGIN("nn");

namespace {

Tensor classes(const std::vector<std::int64_t>& list) { return tensor(list, {static_cast<std::int64_t>(list.size())}); }

/// A metric that was saved and loaded in between gives the same.
template <class M>
double continued(const M& metric, M fresh) {
    fresh.set_state(metric.state());
    return fresh.value();
}

}  // namespace

TEST_CASE("metrics: numbers by their definitions") {
    const tests::Figures figures("metrics");
    const Tensor scores = wave({60, 5}, 1), target = figures.at("classes", "target").to(DType::i64);
    const auto check = [&](const char* quantity, double value) { figures.check("classes", quantity, scalar(value)); };
    check("accuracy", nn::accuracy(scores, target));
    check("accuracy", nn::accuracy(argmax(scores, 1), target));
    check("perplexity", nn::perplexity(scores, target));
    for (int k = 1; k <= 5; ++k) check(("top " + std::to_string(k)).c_str(), nn::top_k_accuracy(scores, target, k));

    nn::ConfusionMatrix matrix(5);
    nn::Accuracy accuracy;
    nn::Perplexity perplexity;
    for (std::int64_t at = 0; at < 60; at += 25) {  // batches of different sizes
        const Tensor s = slice(scores, 0, at, at + 25), t = slice(target, 0, at, at + 25);
        matrix.update(s, t.to(DType::i32));
        accuracy.update(s, t);
        perplexity.update(s, t);
    }
    check("accuracy", accuracy.value());
    check("perplexity", perplexity.value());
    figures.check("classes", "counts", matrix.counts().to(DType::f64));
    const auto list = [](const std::vector<double>& values) { return tensor(values, {5}); };
    figures.check("classes", "precision", list(matrix.precision()));
    figures.check("classes", "recall", list(matrix.recall()));
    figures.check("classes", "f1", list(matrix.f1()));
    using nn::Average;
    check("precision macro", matrix.precision(Average::macro));
    check("recall macro", matrix.recall(Average::macro));
    check("f1 macro", matrix.f1(Average::macro));
    check("precision weighted", matrix.precision(Average::weighted));
    check("recall weighted", matrix.recall(Average::weighted));
    check("f1 weighted", matrix.f1(Average::weighted));
    for (const double micro :
         {matrix.precision(Average::micro), matrix.recall(Average::micro), matrix.f1(Average::micro)})
        check("accuracy", micro);

    CHECK(continued(matrix, nn::ConfusionMatrix(5)) == matrix.value());
    CHECK(continued(accuracy, {}) == accuracy.value());
    CHECK(continued(perplexity, {}) == perplexity.value());
}

TEST_CASE("metrics: the area under the curve counts equal scores half") {
    const tests::Figures figures("metrics");
    std::vector<double> rounded;
    for (const double s : tests::values(wave({80}, 3, 4))) rounded.push_back(std::nearbyint(s));
    const Tensor scores = tensor(rounded, {80}), target = figures.at("auc", "target");
    figures.check("auc", "auc", scalar(nn::roc_auc(scores, target)));
    nn::RocAuc auc;
    auc.update(slice(scores, 0, 0, 30), slice(target, 0, 0, 30));
    auc.update(slice(scores, 0, 30), slice(target, 0, 30).to(DType::boolean));
    figures.check("auc", "auc", scalar(auc.value()));
    CHECK(continued(auc, {}) == auc.value());

    CHECK(nn::roc_auc(tensor({0.1, 0.4, 0.35, 0.8}), classes({0, 0, 1, 1})) == 0.75);
    CHECK(nn::roc_auc(tensor({1.0, 1.0, 1.0}), classes({0, 1, 1})) == 0.5);
    CHECK(nn::roc_auc(tensor({3.0, 1.0}), classes({0, 1})) == 0);
    CHECK(std::isnan(nn::roc_auc(tensor({1.0, 2.0}), classes({1, 1}))));
    CHECK(error_of<ValueError>([] { nn::roc_auc(tensor({1.0}), classes({2})); }) ==
          "roc_auc: targets must be 0 or 1, got 2" + here());
    CHECK(error_of<ValueError>([] { nn::roc_auc(tensor({NAN}), classes({1})); }) ==
          "roc_auc: scores must be numbers, got nan" + here());
}

TEST_CASE("metrics: hand-counted values") {
    CHECK(nn::accuracy(classes({1, 2, 0, 1}), classes({1, 2, 2, 2})) == 0.5);
    CHECK(nn::accuracy(tensor({{0.0, 0.0}, {0.0, 1.0}}), classes({0, 0})) == 0.5);  // of equal scores the first
    CHECK(nn::top_k_accuracy(tensor({{1.0, 1.0, 1.0}}), classes({2}), 2) == 0);
    CHECK(nn::top_k_accuracy(tensor({{1.0, 1.0, 1.0}}), classes({1}), 2) == 1);
    CHECK(close(scalar(nn::perplexity(zeros({3, 7}, DType::f64), classes({0, 3, 6}))), scalar(7.0)));
    // Scores with further axes: two positions of two samples.
    CHECK(nn::accuracy(tensor(std::vector<double>{1, 0, 0, 1, /**/ 0, 0, 1, 1}, {2, 2, 2}), tensor({{0, 1}, {1, 0}})) ==
          0.75);

    nn::Mean mean;
    CHECK(std::isnan(mean.value()));
    mean.update(1, 3);
    mean.update(5);
    CHECK(mean.value() == 2);
    CHECK(continued(mean, {}) == 2);
    mean.reset();
    CHECK(std::isnan(mean.value()));

    nn::RunningMean running(0.5);
    running.update(4);
    CHECK(running.value() == 4);
    running.update(1);
    CHECK(running.value() == doctest::Approx((0.5 * 4 + 1) / 1.5));
    CHECK(continued(running, nn::RunningMean(0.5)) == running.value());
}

TEST_CASE("metrics: a confusion matrix is a table") {
    nn::ConfusionMatrix matrix(2);
    CHECK(std::isnan(matrix.accuracy()));
    matrix.update(classes({0, 0, 1, 1, 1}), classes({0, 1, 1, 1, 0}));
    CHECK(matrix.count(1, 0) == 1);
    CHECK(matrix.count(0, 1) == 1);
    CHECK(matrix.str({"Hemd", "Stößel"}) ==
          "true \\ predicted  Hemd  Stößel  precision  recall      F1\n"
          "Hemd                 1       1     0.5000  0.5000  0.5000\n"
          "Stößel               1       2     0.6667  0.6667  0.6667\n"
          "accuracy 0.6000\n");
    matrix.reset();
    CHECK(matrix.count(1, 1) == 0);
}

TEST_CASE("metrics: errors say what is wrong") {
    nn::ConfusionMatrix matrix(3);
    CHECK(error_of<IndexError>([&] { matrix.update(classes({3}), classes({0})); }) ==
          "ConfusionMatrix: class must be in [0, 3), got 3" + here());
    CHECK(error_of<ShapeError>([&] { matrix.update(zeros({2, 4}), classes({0, 1})); }) ==
          "ConfusionMatrix: scores must have 3 classes along axis 1, got (2, 4)" + here());
    CHECK(error_of<ValueError>([&] { matrix.str({"a"}); }) ==
          "ConfusionMatrix: a name for each class is needed, got 1 for 3" + here());
    CHECK(error_of<ValueError>([] { nn::ConfusionMatrix(0); }) ==
          "ConfusionMatrix: classes must be in [1, 32768], got 0" + here());
    CHECK(error_of<ShapeError>([] { nn::accuracy(classes({1, 2}), classes({1})); }) ==
          "accuracy: prediction and target must fit, got (2,) and (1,)" + here());
    CHECK(error_of<DTypeError>([] { nn::accuracy(classes({1}), tensor({1.0})); }) ==
          "accuracy: classes must be i32 or i64, got f64" + here());
    CHECK(error_of<ValueError>([] { nn::top_k_accuracy(zeros({1, 3}), classes({1}), 4); }) ==
          "top_k_accuracy: k must be in [1, 3], got 4" + here());
    CHECK(error_of<IndexError>([] { nn::top_k_accuracy(zeros({1, 3}), classes({3}), 1); }) ==
          "top_k_accuracy: class must be in [0, 3), got 3" + here());
}

TEST_SUITE_END();
