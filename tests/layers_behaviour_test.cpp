#include <memory>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;
using tests::wave;

namespace {

/// "weight (3, 4), bias (3,)" of a state.
template <class M>
std::string state_of(const M& model) {
    std::string text;
    for (const auto& [name, t] : nn::state_dict(model))
        text += (text.empty() ? "" : ", ") + name + " " + to_string(t.shape());
    return text;
}

double largest(const Tensor& x) { return max(abs(x)).item<double>(); }

/// Values in [-bound, bound) that fill it as a uniform distribution does.
bool is_uniform(const Parameter& p, double bound) {
    const double deviation = xgrad::std(p.value()).item<double>() * std::sqrt(3.0) / bound;
    return largest(p.value()) <= bound && deviation > 0.9 && deviation < 1.1;
}

struct Tied {
    std::shared_ptr<nn::Conv1d> first = std::make_shared<nn::Conv1d>(2, 2, 1), second = first;
    std::shared_ptr<nn::BatchNorm1d> norm = std::make_shared<nn::BatchNorm1d>(2), again = norm;
    Tensor operator()(const Tensor& x) const { return (*again)((*second)((*norm)((*first)(x)))); }
    XGRAD_FIELDS(first, second, norm, again)
};

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("layers: the state has PyTorch's names, shapes and order") {
    CHECK(state_of(nn::Bilinear(3, 2, 4)) == "weight (4, 3, 2), bias (4,)");
    CHECK(state_of(nn::Embedding(5, 3)) == "weight (5, 3)");
    CHECK(state_of(nn::EmbeddingBag(5, 3)) == "weight (5, 3)");
    CHECK(state_of(nn::Conv2d(4, 6, {3, 5}, {.groups = 2})) == "weight (6, 2, 3, 5), bias (6,)");
    CHECK(state_of(nn::Conv3d(1, 2, 3, {.bias = false})) == "weight (2, 1, 3, 3, 3)");
    CHECK(state_of(nn::ConvTranspose1d(4, 6, 3, {.groups = 2})) == "weight (4, 3, 3), bias (6,)");
    const char* batch_norm = "weight (3,), bias (3,), running_mean (3,), running_var (3,), num_batches_tracked ()";
    CHECK(state_of(nn::BatchNorm2d(3)) == batch_norm);
    CHECK(state_of(nn::InstanceNorm2d(3, {.affine = true, .track_running_stats = true})) == batch_norm);
    CHECK(state_of(nn::InstanceNorm2d(3)) == "");
    CHECK(state_of(nn::LayerNorm({2, 3})) == "weight (2, 3), bias (2, 3)");
    CHECK(state_of(nn::LayerNorm(3, {.bias = false})) == "weight (3,)");
    CHECK(state_of(nn::RMSNorm(3)) == "weight (3,)");
    CHECK(state_of(nn::GroupNorm(2, 4)) == "weight (4,), bias (4,)");
    CHECK(state_of(nn::AdaptiveLogSoftmaxWithLoss(16, 9, {2, 5})) ==
          "head.weight (4, 16), tail.0.0.weight (4, 16), tail.0.1.weight (3, 4), tail.1.0.weight (1, 16), "
          "tail.1.1.weight (4, 1)");
    CHECK(state_of(nn::PReLU()) == "weight (1,)");
    CHECK(state_of(nn::Dropout2d()) == "");
    CHECK(state_of(nn::WeightNorm(nn::Linear(4, 3))) == "bias (3,), weight_g (3, 1), weight_v (3, 4)");
    CHECK(state_of(nn::WeightNorm(nn::Conv2d(2, 3, 5), 1)) ==
          "bias (3,), weight_g (1, 2, 1, 1), weight_v (3, 2, 5, 5)");
    CHECK(state_of(nn::SpectralNorm(nn::Linear(4, 3))) ==
          "bias (3,), weight_orig (3, 4), weight_u (3,), weight_v (4,)");
    CHECK(state_of(nn::SpectralNorm(nn::ConvTranspose1d(4, 3, 2, {.bias = false}))) ==
          "weight_orig (4, 3, 2), weight_u (3,), weight_v (8,)");
    nn::ModuleList<nn::Linear> list;
    list.emplace_back(1, 2);
    list.emplace_back(2, 1, false);
    CHECK(state_of(list) == "0.weight (2, 1), 0.bias (2,), 1.weight (1, 2)");
    CHECK(state_of(nn::Sequential(nn::Conv1d(1, 2, 1), nn::BatchNorm1d(2, {.affine = false}), nn::MaxPool1d(2),
                                  nn::PReLU())) ==
          "0.weight (2, 1, 1), 0.bias (2,), 1.running_mean (2,), 1.running_var (2,), 1.num_batches_tracked (), "
          "3.weight (1,)");
}

TEST_CASE("layers: initial values have PyTorch's distributions") {
    nn::manual_seed(1);
    const nn::Conv2d conv(8, 40, {3, 5}, {.groups = 2});
    CHECK(is_uniform(conv.weight, 1 / std::sqrt(4 * 15.0)));
    CHECK(largest(conv.bias.value()) <= 1 / std::sqrt(4 * 15.0));
    const nn::ConvTranspose2d transposed(40, 8, 3, {.groups = 2});
    CHECK(is_uniform(transposed.weight, 1 / std::sqrt(4 * 9.0)));
    CHECK(largest(transposed.bias.value()) <= 1 / std::sqrt(4 * 9.0));
    CHECK(is_uniform(nn::Bilinear(10, 20, 30).weight, 1 / std::sqrt(10.0)));
    const nn::Embedding embedding(100, 50, {.padding_idx = -1});
    CHECK(xgrad::std(embedding.weight.value()).item<double>() == doctest::Approx(1).epsilon(0.05));
    CHECK(largest(select(embedding.weight.value(), 0, 99)) == 0);
    CHECK(largest(select(embedding.weight.value(), 0, 98)) > 0);
    CHECK(values(nn::PReLU({.num_parameters = 2}).weight) == std::vector<double>{0.25, 0.25});
    CHECK(values(nn::BatchNorm1d(2).weight) == std::vector<double>{1, 1});
    CHECK(nn::Conv1d(1, 1, 1, {.dtype = DType::f64}).weight.dtype() == DType::f64);
}

TEST_CASE("layers: a computed weight starts as the layer's own") {
    const nn::Conv1d conv(2, 3, 2);
    const Tensor x = wave({1, 2, 5}, 0, 1, 0, DType::f32);
    CHECK(close(nn::WeightNorm(conv)(x), conv(x), 1e-6));
    CHECK(nn::WeightNorm(conv).layer().options().padding.numbers()[0] == 0);
    nn::SpectralNorm spectral(nn::Linear(6, 5, {.dtype = DType::f64}), {.n_power_iterations = 60});
    const double before = svdvals(spectral.weight_orig.value()).data<double>()[0];
    CHECK(svdvals(stop_gradient(spectral.weight())).data<double>()[0] == doctest::Approx(1));
    nn::eval(spectral);
    const Tensor u = spectral.weight_u;
    spectral.weight();
    CHECK(close(spectral.weight_u, u, 0));
    CHECK(before > 0);
}

TEST_CASE("layers: running statistics move in training only, once for each batch") {
    nn::BatchNorm1d norm(3);
    const Tensor x = wave({4, 3}, 0, 1, 0, DType::f32);
    nn::eval(norm);
    norm(x);
    CHECK(norm.num_batches_tracked.item<std::int64_t>() == 0);
    CHECK(values(norm.running_var) == std::vector<double>{1, 1, 1});
    nn::train(norm);
    nn::BatchNorm1d copy = norm;
    norm(x);
    CHECK(norm.num_batches_tracked.item<std::int64_t>() == 1);
    CHECK(copy.num_batches_tracked.item<std::int64_t>() == 0);
    CHECK_FALSE(tracked(norm.running_mean));

    // A batch that cannot be normalised leaves no trace.
    CHECK(error_of<ValueError>([&] { norm(ones({1, 3})); }) != "no error");
    CHECK(norm.num_batches_tracked.item<std::int64_t>() == 1);

    Tape tape;
    const Tensor w = tape.watch(x);
    const Tensor y = checkpoint([&](const Tensor& in) { return copy(in); }, w);
    const Tensor g = tape.gradient(sum(y * wave({4, 3}, 1, 1, 0, DType::f32)), w);
    CHECK(copy.num_batches_tracked.item<std::int64_t>() == 1);
    CHECK(close(copy.running_mean, norm.running_mean, 0));
    Tape plain;
    const Tensor v = plain.watch(x);
    CHECK(close(plain.gradient(sum(norm(v) * wave({4, 3}, 1, 1, 0, DType::f32)), v), g, 1e-6));
}

TEST_CASE("layers: max_norm scales the rows that are read, in the parameter itself") {
    nn::Embedding embedding(3, 2, {.max_norm = 1});
    embedding.weight = tensor({{3.0f, 4.0f}, {30.0f, 40.0f}, {0.3f, 0.4f}});
    const float* const place = embedding.weight.data<float>().data();
    Tape tape;
    const Tensor y = embedding(tensor<std::int64_t>({0, 2, 0}));
    CHECK(close(y, tensor({{0.6, 0.8}, {0.3, 0.4}, {0.6, 0.8}}), 1e-6));
    CHECK(close(embedding.weight, tensor({{0.6, 0.8}, {30.0, 40.0}, {0.3, 0.4}}), 1e-6));
    CHECK(embedding.weight.data<float>().data() == place);  // nobody else held it
    const Tensor held = embedding.weight.value();
    embedding(tensor<std::int64_t>({1}));
    CHECK(values(held)[2] == 30);
    CHECK(values(embedding.weight)[2] == doctest::Approx(0.6));
    CHECK(values(tape.gradient(sum(y))[embedding.weight]) == std::vector<double>{2, 2, 0, 0, 1, 1});
    CHECK(error_of<IndexError>([&] { embedding(tensor<std::int64_t>({3})); }).substr(0, 12) == "renorm_rows:");
    CHECK(embedding.weight.defined());

    const nn::Embedding frozen = nn::Embedding::from_pretrained(ones({2, 3}));
    CHECK(frozen.weight.frozen());
    CHECK_FALSE(nn::Embedding::from_pretrained(ones({2, 3}), false).weight.frozen());
    CHECK(values(frozen(tensor<std::int64_t>({1}))) == std::vector<double>{1, 1, 1});
}

TEST_CASE("layers: dropout of channels drops whole ones and keeps the mean") {
    nn::Dropout2d drop(0.25, 7);
    const Tensor y = drop(ones({40, 50, 2, 3}));
    const Tensor channels = reshape(y, {2000, 6});
    CHECK(close(max(channels, 1), min(channels, 1), 0));
    CHECK(mean(y).item<double>() == doctest::Approx(1).epsilon(0.05));
    CHECK(max(y).item<double>() == doctest::Approx(1 / 0.75));
    CHECK_FALSE(close(drop(ones({40, 50, 2, 3})), y, 0));
    CHECK(close(nn::Dropout2d(0.25, 7)(ones({40, 50, 2, 3})), y, 0));
    nn::eval(drop);
    CHECK(close(drop(ones({4, 5, 2, 3})), ones({4, 5, 2, 3}), 0));
    // Without batch, channels come first; of dropout2d three axes are (batch, channels, size).
    const Tensor unbatched = nn::Dropout1d(0.5, 3)(ones({300, 4})), three = nn::Dropout2d(0.5, 3)(ones({20, 30, 4}));
    CHECK(close(max(unbatched, 1), min(unbatched, 1), 0));
    CHECK(sum(min(unbatched, 1)).item<double>() > 0);
    CHECK(close(max(three, 2), min(three, 2), 0));
    CHECK_FALSE(close(max(three, 1), min(three, 1), 0));

    const Tensor noise = randn({100, 100, 3}, nn::default_generator(), DType::f64);
    for (const Tensor& kept : {nn::AlphaDropout(0.3, 5)(noise), nn::FeatureAlphaDropout(0.3, 5)(noise)}) {
        CHECK(mean(kept).item<double>() == doctest::Approx(0).epsilon(0.03));
        CHECK(xgrad::std(kept).item<double>() == doctest::Approx(1).epsilon(0.05));
    }
    const Tensor slopes = -nn::RReLU(0.1, 0.4, 5)(full({1000}, -1.0));
    CHECK(min(slopes).item<double>() >= 0.1f);
    CHECK(max(slopes).item<double>() <= 0.4f);
    CHECK(mean(slopes).item<double>() == doctest::Approx(0.25).epsilon(0.05));
}

TEST_CASE("layers: tied ones are counted, saved and updated once") {
    Tied tied;
    std::vector<std::string> names;
    for (const auto& [name, p] : nn::named_parameters(tied)) names.push_back(name);
    CHECK(names == std::vector<std::string>{"first.weight", "first.bias", "norm.weight", "norm.bias"});
    CHECK(state_of(tied) ==
          "first.weight (2, 2, 1), first.bias (2,), second.weight (2, 2, 1), second.bias (2,), norm.weight (2,), "
          "norm.bias (2,), "
          "norm.running_mean (2,), norm.running_var (2,), norm.num_batches_tracked (), again.weight (2,), again.bias "
          "(2,), "
          "again.running_mean (2,), again.running_var (2,), again.num_batches_tracked ()");

    const Tensor x = wave({3, 2, 4}, 0, 1, 0, DType::f32), target = wave({3, 2, 4}, 1, 1, 0, DType::f32);
    const Tensor before = tied.first->weight.value();
    Tape tape;
    const Gradients gradients = tape.gradient(nn::mse_loss(tied(x), target));
    CHECK(tied.norm->num_batches_tracked.item<std::int64_t>() == 2);
    nn::SGD({.lr = 0.5}).step(tied, gradients);
    CHECK(close(tied.first->weight.value(), before - 0.5 * gradients[tied.first->weight], 1e-6));

    Tied other;
    nn::load_state_dict(other, nn::state_dict(tied));
    CHECK(close(other.second->weight.value(), tied.first->weight.value(), 0));
    CHECK(close(other.again->running_mean, tied.norm->running_mean, 0));
    CHECK(nn::summary(other, Shape{1, 2, 4}).trainable == 10);
}

TEST_CASE("layers: errors name the layer, the rule and what came") {
    const auto value = [](auto&& f) { return error_of<ValueError>(f); };
    const auto shape = [](auto&& f) { return error_of<ShapeError>(f); };
    CHECK(value([] { nn::Bilinear(0, 1, 2); }) == "Bilinear: sizes must be positive, got 0, 1 and 2" + here());
    CHECK(value([] { nn::Embedding(0, 3); }) == "Embedding: sizes must be positive, got 0 and 3" + here());
    CHECK(error_of<IndexError>([] { nn::EmbeddingBag(4, 3, {.padding_idx = 4}); }) ==
          "EmbeddingBag: padding_idx must be in [-4, 4), got 4" + here());
    CHECK(shape([] { nn::Embedding::from_pretrained(ones({3})); }) ==
          "Embedding: the rows must have 2 axes, got shape (3,)" + here());
    CHECK(value([] { nn::Conv1d(0, 1, 2); }) == "Conv1d: channels must be positive, got 0 and 1" + here());
    CHECK(value([] { nn::Conv2d(4, 6, 2, {.groups = 4}); }) ==
          "Conv2d: groups must divide in_channels and out_channels, got 4 for 4 and 6" + here());
    CHECK(value([] { nn::Conv2d(1, 1, {1, 2, 3}); }) == "Conv2d: kernel_size must be one number or 2, got 3" + here());
    CHECK(value([] { nn::ConvTranspose3d(1, 1, {1, 0, 3}); }) ==
          "ConvTranspose3d: kernel_size must be positive, got 0" + here());
    CHECK(value([] { nn::Conv2d(1, 1, 2, {.stride = 2, .padding = "same"}); }) ==
          "Conv2d: \"same\" padding needs stride 1, got 2" + here());
    CHECK(value([] { nn::Conv2d(1, 1, 2, {.padding = "full"}); }) ==
          "padding: it must be numbers, \"same\" or \"valid\", got \"full\"" + here());
    CHECK(shape([] { nn::Conv2d(1, 1, 2, {.padding = 1, .padding_mode = PadMode::circular})(ones({4, 4})); }) ==
          "Conv2d: the input must have 4 axes (batch, channels, sizes), or 3 without batch, got shape (4, 4)" + here());
    CHECK(value([] { nn::ConvTranspose1d(1, 1, 3, {.stride = 2})(ones({1, 1, 4}), {11}); }) ==
          "ConvTranspose1d: output_size must be in [9, 11), got 11" + here());
    CHECK(value([] { nn::AdaptiveLogSoftmaxWithLoss(4, 9, {3, 9}); }) ==
          "AdaptiveLogSoftmaxWithLoss: cutoffs must rise from 1 to 8, got [3, 9]" + here());
    CHECK(error_of<IndexError>([] {
              nn::AdaptiveLogSoftmaxWithLoss(4, 9, {3})(ones({1, 4}), tensor<std::int64_t>({9}));
          }) == "AdaptiveLogSoftmaxWithLoss: class must be in [0, 9), got 9" + here());
    CHECK(value([] { nn::BatchNorm1d(0); }) == "BatchNorm1d: num_features must be positive, got 0" + here());
    CHECK(shape([] { nn::BatchNorm1d(3)(ones({2, 4})); }) ==
          "BatchNorm1d: the input must have 2 or 3 axes and 3 channels, got shape (2, 4)" + here());
    CHECK(shape([] { nn::BatchNorm2d(3)(ones({2, 3, 4})); }) ==
          "BatchNorm2d: the input must have 4 axes and 3 channels, got shape (2, 3, 4)" + here());
    CHECK(shape([] { nn::InstanceNorm1d(3)(ones({2, 4})); }) ==
          "InstanceNorm1d: the input must have 2 or 3 axes and 3 channels, got shape (2, 4)" + here());
    CHECK(value([] { nn::GroupNorm(2, 5); }) == "GroupNorm: num_groups must divide num_channels, got 2 and 5" + here());
    CHECK(shape([] { nn::GroupNorm(2, 4)(ones({1, 2})); }) ==
          "GroupNorm: the input must have 4 channels in axis 1, got shape (1, 2)" + here());
    CHECK(error_of<IndexError>([] { nn::WeightNorm(nn::Linear(2, 3), 2); }) ==
          "WeightNorm: dim must be in [-2, 2), got 2" + here());
    CHECK(value([] { nn::Dropout2d(1.5); }) == "Dropout2d: p must be in [0, 1], got 1.5" + here());
    CHECK(value([] { nn::RReLU(0.5, 0.25); }) == "RReLU: lower must not be above upper, got 0.5 and 0.25" + here());
    CHECK(value([] { nn::PReLU({.num_parameters = 0}); }) == "PReLU: num_parameters must be positive, got 0" + here());
    CHECK(shape([] { nn::Softmax2d()(ones({2, 3})); }) ==
          "Softmax2d: the input must have 3 or 4 axes, got shape (2, 3)" + here());
    CHECK(value([] { nn::ZeroPad2d({1, 2, 3}); }) == "ZeroPad2d: padding must be one number or 4, got 3" + here());
    CHECK(value([] { nn::ReflectionPad1d({1, -1}); }) ==
          "ReflectionPad1d: padding must not be negative, got -1" + here());
    CHECK(shape([] { nn::ConstantPad1d(1, 2.0)(ones({3})); }) ==
          "ConstantPad1d: the input must have 3 axes (batch, channels, sizes), or 2 without batch, got shape (3,)" +
              here());
}

TEST_CASE("layers: errors of the compositions that they call") {
    const auto shape = [](auto&& f) { return error_of<ShapeError>(f); };
    const Tensor i = tensor<std::int64_t>({0, 1}), w = ones({2, 3});
    CHECK(shape([] { glu(ones({2, 3})); }) ==
          "glu: the axis to be halved must have an even size, got 3 in (2, 3)" + here());
    CHECK(shape([] { bilinear(ones({2, 3}), ones({2, 4}), ones({5, 3, 3})); }) ==
          "bilinear: inputs (…, in1) and (…, in2) and a weight (out, in1, in2) are needed, got (2, 3), (2, 4) and (5, "
          "3, 3)" +
              here());
    CHECK(shape([] { unflatten(ones({6}), 0, {4, -1}); }) ==
          "unflatten: the sizes must multiply to 6, got (4, -1) for axis 0 of (6,)" + here());
    CHECK(shape([] { pixel_shuffle(ones({3, 2, 2}), 2); }) ==
          "pixel_shuffle: the channels of (…, channels, height, width) must be a multiple of the factor's square, got "
          "(3, 2, 2) and factor "
          "2" +
              here());
    CHECK(shape([] { pixel_unshuffle(ones({3, 2, 3}), 2); }) ==
          "pixel_unshuffle: height and width of (…, channels, height, width) must be multiples of the factor, got (3, "
          "2, 3) and factor 2" +
              here());
    CHECK(shape([] { channel_shuffle(ones({1, 5}), 2); }) ==
          "channel_shuffle: groups must divide the channels of (batch, channels, …), got 2 for (1, 5)" + here());
    CHECK(shape([&] { max_unpool1d(ones({1, 1, 2}), tensor<std::int64_t>({0}), 2); }) ==
          "max_unpool1d: input and indices must have one shape, got (1, 1, 2) and (1,)" + here());
    Generator generator;
    CHECK(shape([&] { dropout2d(ones({2, 3}), 0.5, generator); }) ==
          "dropout2d: the input must have 3 or 4 axes, got shape (2, 3)" + here());
    CHECK(
        shape([&] { embedding_bag(i, w); }) ==
        "embedding_bag: indices of 2 axes, or of 1 axis with a vector of offsets are needed, got (2,) and no offsets" +
            here());
    CHECK(error_of<IndexError>([&] { embedding_bag(i, w, tensor<std::int64_t>({1})); }) ==
          "embedding_bag: offsets must begin with 0 and not fall, up to the number of indices 2, got 1 at 0" + here());
    CHECK(error_of<IndexError>([&] { embedding_bag(i, w, tensor<std::int64_t>({0, 3})); }) ==
          "embedding_bag: offsets must begin with 0 and not fall, up to the number of indices 2, got 3 at 1" + here());
    CHECK(error_of<ValueError>([&] { embedding_bag(i, w, tensor<std::int64_t>({0}), ones({2})); }) ==
          "embedding_bag: only sums take per_sample_weights, got another mode" + here());
    CHECK(error_of<ValueError>([&] { embedding_bag(reshape(i, {1, 2}), w, i); }) ==
          "embedding_bag: indices of 2 axes are bags by themselves, got offsets" + here());
    CHECK(error_of<DTypeError>([&] { embedding_bag(w, w); }) ==
          "embedding_bag: indices must be i32 or i64, got f32" + here());
}

TEST_CASE("activation layers: numbers that cannot work are refused where the layer is made") {
    CHECK(error_of<ValueError>([] { static_cast<void>(nn::Hardtanh{0.42, -0.42}); }) ==
          "Hardtanh: min_val must not be above max_val, got 0.42 and -0.42" + here());
    CHECK(error_of<ValueError>([] { static_cast<void>(nn::Hardtanh{.max_val = -2}); }) ==
          "Hardtanh: min_val must not be above max_val, got -1 and -2" + here());
    CHECK(nn::Hardtanh{.max_val = 0.5}.max_val == 0.5);  // the members keep their names
    CHECK(error_of<ValueError>([] { static_cast<void>(nn::CELU{0.0}); }) ==
          "CELU: alpha must not be 0, got 0" + here());
    CHECK(error_of<ValueError>([] { static_cast<void>(nn::Softplus{0.0}); }) ==
          "Softplus: beta must not be 0, got 0" + here());
    CHECK(error_of<ValueError>([] { static_cast<void>(nn::Softshrink{-0.5}); }) ==
          "Softshrink: lambda must not be negative, got -0.5" + here());
    CHECK(error_of<ValueError>([] { nn::RReLU(0.5, 0.25); }) ==
          "RReLU: lower must not be above upper, got 0.5 and 0.25" + here());
}

TEST_SUITE_END();
