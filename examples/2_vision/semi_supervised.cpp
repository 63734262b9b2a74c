// A hundred labels and 59 900 images without one. The network predicts the class of an unlabelled image; if it is
// confident, the prediction serves as the label (pseudo-label: Lee 2013) of another, strongly augmented view of that
// image, which must be classified the same (consistency). This is FixMatch (Sohn et al. 2020). The average of the
// latest networks makes the predictions and is the final result: it errs less than the latest one alone (mean teacher:
// Tarvainen and Valpola 2017). Predictions are corrected so that overall all classes are predicted equally often
// (distribution alignment: Berthelot et al. 2020). The baseline learns from the hundred labels alone: with as many
// steps, the same strong augmentation and the same averaging.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>

#include <few_labels.hpp>
#include <seeds.hpp>

using namespace xgrad;

namespace {

struct Recipe {
    std::int64_t steps, labelled, unlabelled;  // images per step; without unlabelled ones it is supervised learning
    double lr, threshold, weight, decay;
};

/// Measurements during training.
struct Curve {
    std::vector<double> step, accuracy;  // per cent, on images not used for training
    std::vector<double> sure,
        right;  // fraction of the unlabelled images with a pseudo-label, and fraction of these that are right
};

/// Pseudo-labels of unlabelled images, and which of them are confident.
struct PseudoLabels {
    Tensor labels, sure;  // (n) i64, (n) of 0 and 1
};

/// `usual` (10) tracks how often each class is predicted.
PseudoLabels pseudo_labels(const SmallNet& net, const Tensor& images, double threshold, Tensor& usual) {
    const NoRecording nothing;
    Tensor p = softmax(net(images));
    usual = 0.98 * usual + 0.02 * mean(p, 0);
    p = p / usual;
    p = p / sum(p, 1, true);
    return {argmax(p, 1), greater_equal(max(p, 1), threshold).to(DType::f32)};
}

template <class Tick>
SmallNet learn(const Pictures& few, const Material& material, const Recipe& recipe, Curve& curve, const Tick& tick) {
    Generator& generator = nn::default_generator();
    SmallNet net(10);
    nn::AdamW adam({.lr = recipe.lr, .weight_decay = 1e-2});
    nn::CosineAnnealingLR schedule(adam, recipe.steps);
    nn::EMA average(net, {.decay = recipe.decay, .use_buffers = true});
    nn::eval(average);
    Tensor usual = full({10}, 0.1f);
    nn::Mean sure, right;
    const std::int64_t often = std::max<std::int64_t>(1, recipe.steps / 10);
    const Pictures some = {slice(material.judged.images, 0, 0, 2000), slice(material.judged.labels, 0, 0, 2000)};
    for (std::int64_t step = 1; step <= recipe.steps; ++step, tick()) {
        const Tensor rows = randint(0, few.labels.size(), {recipe.labelled}, generator),
                     labels = take(few.labels, rows);
        Tensor images = take(few.images, rows, 0);  // half of them strongly augmented too: it also helps with labels
                                                    // alone
        images = concat({weakly_changed(slice(images, 0, 0, recipe.labelled / 2), generator),
                         strongly_changed(slice(images, 0, recipe.labelled / 2), generator)});
        PseudoLabels pseudo;
        if (recipe.unlabelled > 0) {
            const Tensor which = randint(0, material.training.labels.size(), {recipe.unlabelled}, generator);
            const Tensor seen = take(material.training.images, which, 0);
            pseudo = pseudo_labels(average.model(), weakly_changed(seen, generator), recipe.threshold, usual);
            images = concat({images, strongly_changed(seen, generator, 0.3)});
            // True labels are used only for the curve.
            const double count = sum(pseudo.sure).item();
            sure.update(count / static_cast<double>(recipe.unlabelled));
            if (count > 0)
                right.update(
                    sum(pseudo.sure * equal(pseudo.labels, take(material.training.labels, which)).to(DType::f32))
                            .item() /
                        count,
                    count);
        }
        Tape tape;
        const Tensor scores = net(images);
        Tensor loss = nn::cross_entropy(slice(scores, 0, 0, recipe.labelled), labels);
        if (recipe.unlabelled > 0)
            loss = loss + recipe.weight *
                              mean(pseudo.sure * nn::cross_entropy(slice(scores, 0, recipe.labelled), pseudo.labels,
                                                                   {.reduction = nn::Reduction::none}));
        adam.step(net, tape.gradient(loss));
        average.update(net);
        schedule.step();
        if (step % often == 0) {
            curve.step.push_back(static_cast<double>(step));
            curve.accuracy.push_back(per_cent_right(average.model(), some));
            curve.sure.push_back(sure.value());
            curve.right.push_back(right.value());
            sure.reset();
            right.reset();
        }
    }
    return average.model();
}

}  // namespace

int main(int argc, char** argv) {
    Example example("semi_supervised", "Learns Fashion-MNIST from a hundred labels and many pictures without one.");
    std::int64_t steps = 2000, labelled = 32, unlabelled = 128, seeds = 5;
    double lr = 2e-3, threshold = 0.9, weight = 3, decay = 0.99;
    bool validate = false;
    example.option("--steps", steps, "Training steps");
    example.option("--labelled", labelled, "Labelled pictures of a step");
    example.option("--unlabelled", unlabelled, "Unlabelled pictures of a step");
    example.option("--lr", lr, "AdamW's learning rate at the start");
    example.option("--threshold", threshold, "How probable a guess must be to count");
    example.option("--weight", weight, "Of the loss by pseudo-labels, beside the one by labels");
    example.option("--decay", decay, "Of the average of the latest networks, by step");
    example.option("--seeds", seeds, "Runs with labels and initial weights of their own");
    example.option("--validate", validate, "Judge by training pictures that are left out, to choose the settings");
    return example.run(argc, argv, [&] {
        if (example.brief()) steps = 100, seeds = 1, decay = 0.9;
        const Material material = fashion_material(validate, example.pick(10000, 2000));
        const auto n = static_cast<std::size_t>(seeds);
        std::vector<double> supervised(n), semi(n);
        std::vector<Curve> supervised_curves(n), semi_curves(n);
        nn::ProgressBar bar;
        bar.start("learning", 2 * seeds * steps, "steps");
        const auto tick = [&] {
#pragma omp critical(progress)
            if (bar.advance()) bar.show();
        };
        for_each_seed(example.seed(), seeds, [&](std::int64_t seed) {
            const auto i = static_cast<std::size_t>(seed);
            const Pictures few = few_of_each(material.training, 10, 10, nn::default_generator());
            const Recipe recipe = {steps, labelled, unlabelled, lr, threshold, weight, decay};
            Recipe alone = recipe;
            alone.unlabelled = 0;
            supervised[i] = per_cent_right(learn(few, material, alone, supervised_curves[i], tick), material.judged);
            semi[i] = per_cent_right(learn(few, material, recipe, semi_curves[i], tick), material.judged);
        });
        bar.clear();

        nn::Plot accuracy({.title = "Right, of 2000 other pictures", .x = "step", .y = "per cent"}),
            guesses({.title = "Pseudo-labels", .x = "step", .y = "part", .y_range = {{0, 1}}});
        accuracy.line("100 labels alone", supervised_curves[0].step, supervised_curves[0].accuracy)
            .line("and unlabelled pictures", semi_curves[0].step, semi_curves[0].accuracy);
        guesses.line("pictures that get one", semi_curves[0].step, semi_curves[0].sure)
            .line("pseudo-labels that are right", semi_curves[0].step, semi_curves[0].right);
        example.picture("curves.svg", "The first seed: how it learns, and how many pseudo-labels there are.",
                        {accuracy, guesses});
        std::vector<std::string> names;
        for (std::int64_t i = 0; i < seeds; ++i)
            names.push_back(fmt::format("seed {}", example.seed() + static_cast<std::uint64_t>(i)));
        nn::Plot bars({.title = "Right in the end", .y = "per cent", .y_range = {{0, 100}}, .width = 1096});
        bars.bars("100 labels alone", names, supervised).bars("and unlabelled pictures", names, semi);
        example.picture("seeds.svg", "Each seed draws its own hundred labels.", {bars}, 1);
        for (std::size_t i = 0; i < n; ++i)
            example.figure(fmt::format("{}: right, per cent, more than by labels alone", names[i]),
                           semi[i] - supervised[i]);
        example.figure("100 labels alone: right, per cent, mean of the seeds", mean_of(supervised),
                       {.brief_at_least = 30});
        example.figure("with unlabelled pictures: right, per cent, mean of the seeds (chance 10)", mean_of(semi),
                       {.brief_at_least = 40});
        example.figure("points more, mean of the seeds", mean_of(semi) - mean_of(supervised), {.at_least = 3});
    });
}
