// A generative adversarial network (Goodfellow et al. 2014): a generator makes images from random numbers, a critic
// distinguishes them from real ones, and each learns from the other's mistakes. Both are small convolutional networks
// with batch normalisation, after DCGAN (Radford, Metz and Chintala 2016). With --penalty r1 the critic's gradient at
// real images is penalised (Mescheder, Geiger and Nowozin 2018): a gradient of a gradient. A classifier trained on real
// images measures how many of the generated ones it recognises, and whether all classes appear.
// needs: dataset-fashion-mnist
// also: --penalty r1

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <fmt/core.h>

#include <generative.hpp>

using namespace xgrad;

namespace {

constexpr std::int64_t numbers = 64;  // from which each image is generated
constexpr std::int64_t width = 32;  // channels before the generator's last layer

Tensor noise(std::int64_t count) { return randn({count, numbers}, nn::default_generator()); }
Tensor pictures(const Decoder& generator, const Tensor& noise) { return sigmoid(generator(noise)); }

/// How real an image (N, 1, 28, 28) looks: (N, 1), positive for real.
struct Critic {
    nn::Conv2d conv1{1, 16, 4, {.stride = 2, .padding = 1}}, conv2{16, 32, 4, {.stride = 2, .padding = 1}},
        conv3{32, 64, 3, {.stride = 2, .padding = 1}};
    nn::BatchNorm2d norm2{32}, norm3{64};
    nn::Linear output{64 * 4 * 4, 1};
    Tensor operator()(const Tensor& images) const {
        Tensor x = leaky_relu(conv1(images * 2 - 1), 0.2);
        x = leaky_relu(norm2(conv2(x)), 0.2);
        return output(flatten(leaky_relu(norm3(conv3(x)), 0.2), 1));
    }
    XGRAD_FIELDS(conv1, conv2, conv3, norm2, norm3, output)
};

/// The progress of the game, by step.
struct Curves {
    std::vector<double> generator, critic, real, made, slope;
};

/// The critic's loss. A positive penalty is the weight of its mean squared gradient norm at real images.
Tensor critic_loss(const Critic& critic, const Tensor& real, const Tensor& made, double penalty, Curves& curves) {
    Tensor real_scores;
    const auto total = [&](const Tensor& x) { return sum(real_scores = critic(x)); };
    Tensor slope;
    if (penalty > 0) slope = mean(sum(square(grad(total, real)), {1, 2, 3}));
    else total(real);
    const Tensor made_scores = critic(made), loss = mean(softplus(-real_scores)) + mean(softplus(made_scores));
    curves.critic.push_back(loss.item());
    curves.real.push_back(mean(sigmoid(real_scores)).item());
    curves.made.push_back(mean(sigmoid(made_scores)).item());
    if (penalty > 0) curves.slope.push_back(slope.item());
    return penalty > 0 ? loss + penalty / 2 * slope : loss;
}

/// Returns a generator, the average over the latest steps (Yazıcı et al. 2019), in eval mode: each image is independent
/// of the others in its batch.
Decoder train(const Tensor& images, double penalty, std::int64_t steps, std::int64_t batch_size, double lr,
              Curves& curves) {
    Decoder generator(numbers, 1, width);
    Critic critic;
    // Without momentum: each network's task changes with the other network, so old gradients mislead (Gidel et al.
    // 2019).
    nn::Adam generator_adam({.lr = lr, .betas = {0, 0.99}}), critic_adam({.lr = lr, .betas = {0, 0.99}});
    nn::EMA average(generator, {.decay = 0.99, .use_buffers = true});
    nn::DataLoader loader(images, {.batch_size = batch_size, .shuffle = true, .drop_last = true});
    nn::ProgressBar bar;
    bar.start("training", steps, "steps");
    for (std::int64_t step = 0; step < steps;)
        for (const auto& [real] : loader) {
            if (step++ == steps) break;
            for (nn::Adam* adam : {&generator_adam, &critic_adam})  // constant, then down to almost zero
                adam->set_lr(lr * std::min(1.0, 2 - 2 * static_cast<double>(step) / static_cast<double>(steps)));
            const Tensor made = pictures(generator, noise(real.shape(0)));
            {
                Tape tape;
                critic_adam.step(critic, tape.gradient(critic_loss(critic, real, made, penalty, curves)));
            }
            nn::freeze(critic, "*");
            {
                Tape tape;
                const Tensor loss = mean(softplus(-critic(pictures(generator, noise(real.shape(0))))));
                generator_adam.step(generator, tape.gradient(loss));
                curves.generator.push_back(loss.item());
            }
            nn::freeze(critic, "*", false);
            average.update(generator);
            if (bar.advance()) bar.show({{"critic", curves.critic.back()}, {"generator", curves.generator.back()}});
        }
    bar.clear();
    nn::eval(average);
    return average.model();
}

/// The distance between the means of the classifier's 128 features over two sets of images.
double distance(const FashionNet& judge, const Tensor& a, const Tensor& b) {
    const auto middle = [&](const Tensor& x) {
        return mean(in_blocks([&](const Tensor& block) { return judge.features(block); }, x), 0);
    };
    return sqrt(sum(square(middle(a) - middle(b)))).item();
}

/// Plots of the game's progress.
std::vector<nn::Plot> curves_of(const Curves& curves) {
    const std::size_t block = std::max<std::size_t>(1, curves.critic.size() / 150);
    const double last = static_cast<double>(curves.critic.size());
    nn::Plot losses({.title = "Losses", .x = "step", .y = "nats", .y_range = {{0, 4}}});
    draw_means(losses, "generator", curves.generator, block);
    draw_means(losses, "critic", curves.critic, block);
    losses.line("critic that guesses", {0, last}, {2 * std::log(2.0), 2 * std::log(2.0)},
                {.stroke = nn::Stroke::dashed});
    nn::Plot chances(
        {.title = "Taken for real by the critic", .x = "step", .y = "mean probability", .y_range = {{0, 1}}});
    draw_means(chances, "real pictures", curves.real, block);
    draw_means(chances, "made pictures", curves.made, block);
    if (curves.slope.empty()) return {losses, chances};
    nn::Plot slopes(
        {.title = "The critic's squared slope at real pictures", .x = "step", .y = "nats² per unit²", .log_y = true});
    draw_means(slopes, "", curves.slope, block);
    return {losses, chances, slopes};
}

}  // namespace

int main(int argc, char** argv) {
    Example example(
        "gan", "Makes pictures of clothes by a game of two networks, one that makes them and one that judges them.");
    std::int64_t steps = 6500, batch_size = 32, count = 60000;
    double lr = 3e-3;
    std::string penalty = "none", judge_file = "out/cnn/model.safetensors";
    example.option("--steps", steps, "Steps of each of the two networks");
    example.option("--batch-size", batch_size, "Real pictures, and made ones, in each step");
    example.option("--pictures", count, "Training pictures");
    example.option("--penalty", penalty, "none, or r1: the critic's squared slope at real pictures");
    example.option("--lr", lr, "Adam's learning rate for both networks; it falls to 0 in the second half");
    example.option("--judge", judge_file, "Classifier that example cnn has saved; it judges the pictures");
    return example.run(argc, argv, [&] {
        check<ValueError>(penalty == "none" || penalty == "r1", {},
                          [&] { return "--penalty must be none or r1, got " + penalty; });
        if (example.brief()) steps = 250, count = 12800;
        const Tensor images = channelled(fashion_mnist("train", count)).images;
        const Tensor test = channelled(fashion_mnist("t10k", example.pick(10000, 2000))).images;
        const FashionNet judge = trained_fashion_net(example, judge_file);
        Decoder untrained(numbers, 1, width);
        nn::eval(untrained);
        Curves curves;
        const Decoder generator = train(images, penalty == "r1" ? 0.02 : 0, steps, batch_size, lr, curves);
        const auto make = [&](const Tensor& z) { return pictures(generator, z); };
        const Tensor made = in_blocks(make, noise(1000));

        nn::save_png(example.path("samples.png"), nn::make_grid(slice(made, 0, 0, 100), {.columns = 10}));
        example.picture("samples.svg", "Pictures from random numbers, not chosen.",
                        {rows_of_pictures("Samples", slice(made, 0, 0, 60))}, 1);
        example.picture("interpolation.svg", "From one sample's numbers to another's in nine even steps.",
                        {rows_of_pictures("Between samples", make(straight_lines(noise(5), noise(5), 10)))}, 1);
        example.picture(
            "curves.svg",
            "A healthy game: no network wins for good, and the critic stays a little better than one that guesses.",
            curves_of(curves));
        const Verdict verdict = judged(judge, made), real = judged(judge, test);
        const std::vector<std::string> classes(fashion_classes.begin(), fashion_classes.end());
        nn::Plot bars({.title = "Of whose class the classifier is sure", .y = "of a thousand pictures", .width = 860});
        bars.bars("test pictures", classes, real.by_class).bars("samples", classes, verdict.by_class);
        example.picture("classes.svg",
                        "All classes appear, but not equally often; some are hard to tell in real pictures, too.",
                        {bars}, 1);

        example.figure("test pictures of whose class the classifier is sure (0.8 or more), per cent", 100 * real.sure);
        example.figure("samples of whose class it is sure, per cent", 100 * verdict.sure, {.at_least = 60});
        example.figure("classes that appear: three sure samples in a thousand", static_cast<double>(verdict.classes),
                       {.at_least = 10});
        example.figure("distance of the samples' mean features from real ones', over that of an untrained generator's",
                       distance(judge, made, test) / distance(judge, pictures(untrained, noise(1000)), test),
                       {.at_most = 0.5, .brief_at_most = 0.75});
    });
}
