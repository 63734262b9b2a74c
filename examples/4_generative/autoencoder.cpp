// An autoencoder: one network compresses each image into a few numbers, another one reconstructs the image from them,
// and both are trained together to lose as little as possible (Hinton and Salakhutdinov 2006). Without hidden layers,
// the optimum is principal component analysis (Baldi and Hornik 1989), which is computed for comparison. With two
// numbers, the code of every image is a point on a map.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>

#include <generative.hpp>

using namespace xgrad;

namespace {

struct Autoencoder {
    explicit Autoencoder(std::int64_t numbers) : encode(numbers), decode(numbers) {}

    Encoder encode;
    Decoder decode;
    Tensor pictures(const Tensor& code) const { return sigmoid(decode(code)); }
    Tensor operator()(const Tensor& images) const { return pictures(encode(images)); }
    XGRAD_FIELDS(encode, decode)
};

Autoencoder train(const Tensor& images, std::int64_t numbers, std::int64_t epochs, std::vector<double>& losses) {
    Autoencoder net(numbers);
    nn::DataLoader loader(images, {.batch_size = 64, .shuffle = true});
    nn::Adam adam;
    nn::OneCycleLR schedule(adam, 5e-3, {.total_steps = epochs * loader.size()});
    nn::Trainer trainer(net, adam, {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true});
    trainer.fit(loader, [&](const Autoencoder& model, const auto& batch) {
        const auto& [pictures] = batch;
        const Tensor loss = nn::mse_loss(model(pictures), pictures);
        losses.push_back(loss.item());
        return loss;
    });
    return net;
}

/// The mean of the training images and the directions in which they vary most (the principal components), one per row.
struct Components {
    Tensor mean, directions;
    explicit Components(const Tensor& images) {
        const Tensor x = flatten(images, 1);
        mean = xgrad::mean(x, 0);
        const Tensor centred = x - mean;
        const Tensor covariance = matmul(transpose(centred), centred) / static_cast<double>(x.shape(0));
        directions = flip(transpose(eigh(covariance).eigenvectors), 0);  // eigh returns the smallest eigenvalues first
    }
    /// The images reconstructed from this many numbers each.
    Tensor reconstructed(const Tensor& images, std::int64_t numbers) const {
        const Tensor kept = slice(directions, 0, 0, numbers);
        return reshape(matmul(matmul(flatten(images, 1) - mean, transpose(kept)), kept) + mean, images.shape());
    }
};

}  // namespace

int main(int argc, char** argv) {
    Example example("autoencoder",
                    "Squeezes pictures of clothes into a few numbers and makes them again; with two, they are a map.");
    std::int64_t numbers = 32, epochs = 3, pictures = 60000;
    std::string judge_file = "out/cnn/model.safetensors";
    example.option("--numbers", numbers, "Numbers into which each picture is squeezed");
    example.option("--epochs", epochs, "Passes over the training pictures");
    example.option("--pictures", pictures, "Training pictures");
    example.option("--judge", judge_file, "Classifier that example cnn has saved; it judges the pictures");
    return example.run(argc, argv, [&] {
        if (example.brief()) pictures = 4000, epochs = 2;
        const Tensor images = channelled(fashion_mnist("train", pictures)).images;
        const Pictures test = channelled(fashion_mnist("t10k", example.pick(10000, 2000)));
        const FashionNet judge = trained_fashion_net(example, judge_file);
        std::vector<double> losses, plane_losses;
        const Autoencoder net = train(images, numbers, epochs, losses), plane = train(images, 2, epochs, plane_losses);
        const Components components(images);

        const Tensor again = in_blocks(net, test.images), flat = in_blocks(plane, test.images);
        const Tensor linear = components.reconstructed(test.images, numbers),
                     flat_linear = components.reconstructed(test.images, 2);
        const auto error = [&](const Tensor& made) { return nn::mse_loss(made, test.images).item(); };
        const auto recognised = [&](const Tensor& made) { return nn::accuracy(in_blocks(judge, made), test.labels); };

        const auto ten = [](const Tensor& x) { return slice(x, 0, 0, 10); };
        const Tensor rows = concat({ten(test.images), ten(again), ten(linear), ten(flat), ten(flat_linear)});
        nn::save_png(example.path("reconstructions.png"), nn::make_grid(rows, {.columns = 10}));
        example.picture(
            "reconstructions.svg",
            fmt::format(
                "Rows: test pictures, the same from {} numbers, from {} principal components, from 2 numbers, from 2 "
                "principal components.",
                numbers, numbers),
            {rows_of_pictures("Test pictures and what is left of them", rows)}, 1);
        const Tensor shown = slice(test.images, 0, 0, 2000);
        example.picture("map.svg", "Two numbers for each picture, found without labels; the colours show these.",
                        {latent_map("Test pictures on the plane of two numbers", in_blocks(plane.encode, shown),
                                    slice(test.labels, 0, 0, 2000))},
                        1);
        const Tensor code = in_blocks(net.encode, slice(test.images, 0, 0, 12));
        const Tensor lines = straight_lines(slice(code, 0, 0, 6), slice(code, 0, 6, 12), 10);
        example.picture(
            "interpolation.svg", "From one picture's numbers to another's in nine even steps.",
            {rows_of_pictures("Between pictures", in_blocks([&](const Tensor& x) { return net.pictures(x); }, lines))},
            1);
        nn::Plot curve({.title = "Training error", .x = "step", .y = "squared error per pixel", .log_y = true});
        draw_means(curve, fmt::format("{} numbers", numbers), losses, 20);
        draw_means(curve, "2 numbers", plane_losses, 20);
        example.picture("curve.svg", "The error of training pictures, mean over 20 batches.", {curve}, 1);

        example.figure("squared error per pixel of test pictures", error(again));
        example.figure("the same over that of as many principal components", error(again) / error(linear),
                       {.at_most = 0.9});
        example.figure("with 2 numbers over 2 principal components", error(flat) / error(flat_linear),
                       {.at_most = 0.9, .brief_at_most = 1});
        example.figure("accuracy of the classifier on the test pictures themselves", recognised(test.images));
        example.figure("accuracy on the reconstructions", recognised(again), {.at_least = 0.75, .brief_at_least = 0.4});
        example.figure("accuracy on reconstructions from principal components", recognised(linear));
        example.figure("accuracy on reconstructions from 2 numbers", recognised(flat));
    });
}
