// A variational autoencoder (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014): an image is generated from a
// few normally distributed numbers z, by a network that outputs the distribution of each pixel; another network infers
// z from the image. Both are trained by maximising a lower bound of the image's log-probability, the ELBO: the quality
// of the reconstruction minus the information that the inferred z carries beyond the prior (their KL divergence). This
// second term is introduced slowly (KL annealing: Bowman et al. 2016), so that z is used at all. Pixels are integers:
// uniform noise makes them continuous (dequantisation: Theis, van den Oord and Bethge 2016), both for the model and for
// the Gaussians that it is compared with.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>
#include <numbers>

#include <generative.hpp>

using namespace xgrad;
using distributions::Normal;

namespace {

/// The grey values 0 … 255 spread over [0, 1).
Tensor dequantised(const Tensor& images) {
    return (images * 255 + rand(images.shape(), nn::default_generator())) / 256;
}

/// The logistic distribution, like the normal distribution but with heavier tails: an unexpected pixel costs less.
struct Logistic {
    Tensor loc, scale;
    Tensor log_prob(const Tensor& x) const {
        const Tensor u = (x - loc) / scale;
        return -u - 2 * softplus(-u) - log(scale);
    }
};

struct Vae {
    explicit Vae(std::int64_t numbers) : encode(2 * numbers), decode(numbers, 2), norm(numbers, {.affine = false}) {}

    Encoder encode;
    Decoder decode;
    nn::BatchNorm1d norm;
    /// The inferred distribution of z for each image. The means are batch-normalised, so that they match the prior (Zhu
    /// et al. 2020).
    Normal guess(const Tensor& images) const {
        const std::vector<Tensor> parts = split(encode(images), 2, 1);
        return {norm(parts[0]), exp(clip(parts[1], -8, 3))};
    }
    /// The distribution of the pixels of images generated from z. Their scales are between exp(-7), less than the noise
    /// of dequantisation, and 1.
    Logistic pixels(const Tensor& z) const {
        const std::vector<Tensor> parts = split(decode(z), 2, 1);
        return {sigmoid(parts[0]), exp(3.5 * tanh(parts[1]) - 3.5)};
    }
    Tensor pictures(const Tensor& z) const { return pixels(z).loc; }
    XGRAD_FIELDS(encode, decode, norm)
};

/// Both terms for each image, in nats: log p(image | z) for one z drawn from the inferred distribution, and the KL
/// divergence of that distribution from the prior.
struct Parts {
    Tensor reconstruction, divergence;
};
Parts elbo(const Vae& net, const Tensor& images) {
    const Normal guess = net.guess(images);
    return {sum(net.pixels(guess.rsample()).log_prob(images), {1, 2, 3}), nn::normal_kl(guess.loc, guess.scale)};
}

/// The measurements at each step.
struct Curves {
    std::vector<double> reconstruction, divergence, weight;
};
Vae train(const Tensor& images, std::int64_t numbers, std::int64_t epochs, Curves& curves) {
    Vae net(numbers);
    nn::DataLoader loader(images, {.batch_size = 64, .shuffle = true});
    nn::Adam adam;
    const std::int64_t steps = epochs * loader.size();
    nn::OneCycleLR schedule(adam, 3e-3, {.total_steps = steps});
    nn::Trainer trainer(net, adam,
                        {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true, .clip_grad_norm = 1.0});
    double weight = 0;  // weight of the divergence; it reaches 1 after a third of the steps
    trainer.on_step([&] { weight = std::min(1.0, weight + 3 / static_cast<double>(steps)); });
    trainer.fit(loader, [&](const Vae& model, const auto& batch, nn::Log& log) {
        const auto parts = elbo(model, dequantised(batch[0]));
        const Tensor reconstruction = mean(parts.reconstruction), divergence = mean(parts.divergence);
        curves.reconstruction.push_back(reconstruction.item());
        curves.divergence.push_back(divergence.item());
        curves.weight.push_back(weight);
        log("elbo", (reconstruction - divergence).item());
        return (weight * divergence - reconstruction) / 784;
    });
    return net;
}

/// The means of both terms over images.
Parts mean_elbo(const Vae& net, const Tensor& images) {
    const auto both = [&](const Tensor& block) {
        const Parts parts = elbo(net, dequantised(block));
        return stack({parts.reconstruction, parts.divergence}, 1);
    };
    const Tensor means = mean(in_blocks(both, images), 0);
    return {means[0], means[1]};
}

/// Mean log-densities of test images under Gaussians fitted to training images: with independent pixels, and with a
/// full covariance matrix.
std::pair<double, double> gaussians(const Tensor& images, const Tensor& test) {
    const Tensor x = flatten(dequantised(images), 1).to(DType::f64), y = flatten(dequantised(test), 1).to(DType::f64);
    const Tensor centre = mean(x, 0);
    const distributions::MultivariateNormal whole(centre, {.covariance_matrix = cov(transpose(x))});
    return {mean(sum(Normal(centre, xgrad::std(x, 0)).log_prob(y), 1)).item(), mean(whole.log_prob(y)).item()};
}

/// The terms of the ELBO over time, with the values that Gaussians reach.
std::vector<nn::Plot> curves_of(const Curves& curves, double independent, double joint) {
    const std::size_t block = std::max<std::size_t>(1, curves.weight.size() / 200);
    const double last = static_cast<double>(curves.weight.size());
    nn::Plot reconstruction(
        {.title = "Reconstruction", .x = "step", .y = "nats per picture", .y_range = {{-500, 2500}}});
    draw_means(reconstruction, "model", curves.reconstruction, block);
    reconstruction.line("Gaussian", {0, last}, {joint, joint}, {.stroke = nn::Stroke::dashed})
        .line("independent pixels", {0, last}, {independent, independent}, {.stroke = nn::Stroke::dashed});
    std::vector<double> percent;
    for (const double weight : curves.weight) percent.push_back(100 * weight);
    nn::Plot divergence({.title = "Divergence from the prior", .x = "step", .y = "nats per picture"});
    draw_means(divergence, "divergence", curves.divergence, block);
    draw_means(divergence, "its weight in per cent", percent, block);
    return {reconstruction, divergence};
}

/// Images from a plane of two numbers z, at equal steps of the prior's probability.
Tensor plane(const Vae& net, std::int64_t side) {
    const Tensor z = Normal(0.0, 1.0).icdf(linspace(0.03, 0.97, side)).to(DType::f32);
    const std::vector<Tensor> axes = meshgrid({z, -z});
    return net.pictures(stack({ravel(axes[0]), ravel(axes[1])}, 1));
}

}  // namespace

int main(int argc, char** argv) {
    Example example("vae",
                    "Learns how pictures of clothes are distributed, measures that by the ELBO, and draws new ones.");
    std::int64_t numbers = 32, epochs = 4, pictures = 60000;
    std::string judge_file = "out/cnn/model.safetensors";
    example.option("--numbers", numbers, "Numbers z from which each picture comes");
    example.option("--epochs", epochs,
                   "Passes over the training pictures; half as many for the map, which has two numbers");
    example.option("--pictures", pictures, "Training pictures");
    example.option("--judge", judge_file, "Classifier that example cnn has saved; it judges the pictures");
    return example.run(argc, argv, [&] {
        if (example.brief()) pictures = 4000, epochs = 4;
        const Tensor images = channelled(fashion_mnist("train", pictures)).images;
        const Pictures test = channelled(fashion_mnist("t10k", example.pick(10000, 2000)));
        const auto [independent, joint] = gaussians(images, test.images);
        const FashionNet judge = trained_fashion_net(example, judge_file);
        Curves curves, ignored;
        const Vae net = train(images, numbers, epochs, curves), flat = train(images, 2, (epochs + 1) / 2, ignored);

        const auto [reconstruction, divergence] = mean_elbo(net, test.images);
        const double bound = (reconstruction - divergence).item();
        const Tensor again = in_blocks([&](const Tensor& x) { return net.pictures(net.guess(x).loc); }, test.images);
        const Tensor samples = net.pictures(randn({1000, numbers}, nn::default_generator()));
        nn::save_png(example.path("samples.png"), nn::make_grid(slice(samples, 0, 0, 100), {.columns = 10}));
        example.picture("elbo.svg", "Both parts of the ELBO: the divergence falls while its weight rises.",
                        curves_of(curves, independent, joint));
        example.picture("samples.svg", "New pictures: the middle of each pixel's distribution, from random z.",
                        {rows_of_pictures("Samples", slice(samples, 0, 0, 50))}, 1);
        const auto ten = [](const Tensor& x) { return slice(x, 0, 0, 10); };
        example.picture("reconstructions.svg", "Test pictures above, below what is made of the z that they tell.",
                        {rows_of_pictures("Reconstructions", concat({ten(test.images), ten(again)}))}, 1);
        const Tensor z = net.guess(slice(test.images, 0, 0, 12)).loc;
        example.picture("interpolation.svg", "From one picture's z to another's in nine even steps.",
                        {rows_of_pictures("Between pictures",
                                          net.pictures(straight_lines(slice(z, 0, 0, 6), slice(z, 0, 6, 12), 10)))},
                        1);
        const Pictures shown = {slice(test.images, 0, 0, 2000), slice(test.labels, 0, 0, 2000)};
        const auto place = [&](const Tensor& x) { return flat.guess(x).loc; };
        example.picture("map.svg",
                        "A model with two numbers: where it puts test pictures, and what it makes of each place.",
                        {latent_map("Test pictures on the plane of z", in_blocks(place, shown.images), shown.labels),
                         rows_of_pictures("Pictures from that plane", plane(flat, 15), 15)});

        example.figure("test ELBO, nats per picture", bound);
        example.figure("its reconstruction", reconstruction.item());
        example.figure("its divergence", divergence.item());
        example.figure("log-density of a Gaussian with independent pixels", independent);
        example.figure("log-density of a Gaussian with a covariance matrix", joint);
        example.figure("ELBO above the Gaussian with independent pixels", bound - independent, {.brief_at_least = 0});
        example.figure("ELBO above the Gaussian with a covariance matrix", bound - joint,
                       {.at_least = 0, .brief_at_least = 0});
        example.figure("bits per pixel at most (8: nothing known)", 8 - bound / 784 / std::numbers::ln2);
        example.figure("accuracy of the classifier on the test pictures themselves",
                       nn::accuracy(in_blocks(judge, test.images), test.labels));
        example.figure("accuracy on the reconstructions", nn::accuracy(in_blocks(judge, again), test.labels),
                       {.at_least = 0.75, .brief_at_least = 0.3});
        example.figure("samples of which the classifier is sure, in per cent", 100 * judged(judge, samples).sure);
        example.note(
            "Samples are blurred, and some are of no class: a bound of the log-probability counts every pixel's noise "
            "more than shapes.");
    });
}
