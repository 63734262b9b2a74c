#include <sstream>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::values;

namespace {

struct Words {
    nn::Embedding words{10, 4};
    nn::WeightNorm<nn::Linear> wide{nn::Linear(4, 6)};
    nn::Linear unused{2, 2}, head{6, 3};
    Parameter scale{ones({3})};
    nn::Dropout dropout{0.5};
    Tensor operator()(const Tensor& x) const { return head(dropout(relu(wide(words(x))))) * scale; }
    XGRAD_FIELDS(words, wide, unused, head, scale, dropout)
};

struct TwoInputs {
    nn::Bilinear both{3, 2, 4};
    Tensor operator()(const Tensor& a, const Tensor& b) const { return both(a, b); }
    XGRAD_FIELDS(both)
};

std::string text_of(const nn::Summary& summary) {
    std::ostringstream out;
    out << summary;
    return "\n" + out.str();
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("summary: layers in the order of their use, with what stands between them") {
    nn::Sequential net(nn::Conv2d(1, 6, 5, {.padding = 2}), nn::BatchNorm2d(6), nn::ReLU(), nn::MaxPool2d(2),
                       nn::Flatten(), nn::Linear(1176, 10));
    nn::freeze(net, "0.*");
    CHECK(text_of(nn::summary(net, {1, 1, 28, 28})) == R"(
layer  operation   output          trainable  frozen    bytes
0      conv2d      (1, 6, 28, 28)          0     156    624 B
1      batch_norm  (1, 6, 28, 28)         12       0    104 B
       relu        (1, 6, 28, 28)
       max_pool2d  (1, 6, 14, 14)
       flatten     (1, 1176)
5      linear      (1, 10)            11,770       0  46.0 KB
total                                 11,782     156  46.7 KB
)");
}

TEST_CASE("summary: a run leaves the model as it was") {
    nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Dropout(0.5, 7), nn::SpectralNorm(nn::Linear(4, 2)));
    nn::freeze(net, "0.bias");
    const nn::State before = nn::state_dict(net);
    const nn::Sequential other = net;
    nn::summary(net, {2, 3});
    const nn::State after = nn::state_dict(net);
    for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(before[i].first == after[i].first);
        CHECK(values(before[i].second) == values(after[i].second));
    }
    CHECK(net.layer<nn::Linear>(0).bias.frozen());
    CHECK_FALSE(net.layer<nn::Linear>(0).weight.frozen());
    CHECK(net.layer<nn::BatchNorm1d>(1).training);
    CHECK(net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>() == 0);
    CHECK(values(net(ones({2, 3}))) == values(other(ones({2, 3}))));  // the same masks, too
    CHECK_THROWS_AS(nn::summary(net, {2, 5}), ShapeError);
    CHECK(net.layer<nn::BatchNorm1d>(1).training);
}

TEST_CASE("summary: indices as input, computed weights, parameters of the model itself, and layers that are not used") {
    CHECK(text_of(nn::summary(Words(), tensor<std::int64_t>({{1, 2, 3}}))) == R"(
layer    operation  output     trainable  frozen  bytes
words    embedding  (1, 3, 4)         40       0  160 B
wide     linear     (1, 3, 6)         36       0  144 B
         relu       (1, 3, 6)
head     linear     (1, 3, 3)         21       0   84 B
(model)  multiply   (1, 3, 3)          3       0   12 B
unused   not used                      6       0   24 B
total                                106       0  424 B
)");
    const nn::Summary two = nn::summary(TwoInputs(), ones({5, 3}), ones({5, 2}));
    REQUIRE(two.rows.size() >= 1);
    CHECK(two.rows[0].layer == "both");
    CHECK(two.trainable == 28);
    CHECK(nn::summary(nn::Linear(2, 3), {4, 2}).rows[0].layer == "");
    CHECK(nn::summary(nn::Linear(2, 3), {4, 2}).rows[0].output == Shape{4, 3});
}

TEST_CASE("summary: long stretches of operations are abbreviated") {
    nn::Sequential net(nn::Linear(2, 2));
    for (int i = 0; i < 20; ++i) net.append(nn::Tanh());
    const nn::Summary summary = nn::summary(net, {1, 2});
    CHECK(summary.rows.size() == 21);
    CHECK(to_string(summary).find("... 12 operations") != std::string::npos);
}

TEST_SUITE_END();
