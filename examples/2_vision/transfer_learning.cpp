// What a network has learned about some classes helps with others. A network that distinguishes eight classes of
// Fashion-MNIST gets twenty images of each of the two others: once with its filters frozen, so that only a linear
// classifier learns, and once with the filters fine-tuned too (Yosinski, Clune, Bengio and Lipson 2014). A network
// trained from scratch learns from the same images.
//
// Two classes are likely hard to distinguish if their mean training images are close. One such pair would say little
// about others: each draw of labelled images uses another of the five nearest pairs, with eight other classes for
// pre-training.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <array>
#include <fmt/core.h>

#include <few_labels.hpp>
#include <linear_probe.hpp>
#include <seeds.hpp>

using namespace xgrad;

namespace {

using Pair = std::array<std::int64_t, 2>;

/// The pairs of classes whose mean training images are nearest to each other, nearest first.
std::vector<Pair> nearest_pairs(const Pictures& training, std::int64_t count) {
    const Tensor kinds = one_hot(training.labels, 10), pixels = flatten(training.images, 1);
    const Tensor means = matmul(transpose(kinds), pixels) / expand_dims(sum(kinds, 0), 1);
    std::vector<Pair> pairs;
    for (std::int64_t i = 0; i < 10; ++i)
        for (std::int64_t j = i + 1; j < 10; ++j) pairs.push_back({i, j});
    std::ranges::sort(pairs, {}, [&](const Pair& pair) { return norm(means[pair[0]] - means[pair[1]]).item(); });
    pairs.resize(std::min(pairs.size(), static_cast<std::size_t>(count)));
    return pairs;
}

/// The images of the pair with labels 0 and 1, or all other images with their own labels.
Pictures part(const Pictures& all, const Pair& pair, bool others) {
    const Tensor second = equal(all.labels, pair[1]), either = logical_or(equal(all.labels, pair[0]), second);
    const Tensor rows = squeeze(argwhere(others ? logical_not(either) : either), 1);
    return {take(all.images, rows, 0), take(others ? all.labels : second.to(DType::i64), rows)};
}

/// A network for two classes with the filters of another one, whose normalisation is kept unchanged.
SmallNet with_filters_of(const SmallNet& teacher) {
    SmallNet net(2);
    nn::State state = nn::state_dict(teacher);
    const nn::State own = nn::state_dict(net);
    for (auto& [name, value] : state)
        if (name.starts_with("output.")) value = *nn::find(own, name);
    nn::load_state_dict(net, state);
    nn::eval(net);
    return net;
}

/// The mean of f over an image's views, mirrored or not and shifted by at most a pixel, which training may also have
/// used (test-time augmentation, as in Krizhevsky, Sutskever and Hinton 2012).
template <class F>
auto over_views(const F& f) {
    return [&f](const Tensor& images) {
        const Tensor wide = pad(concat({images, flip(images, {3})}), {{0, 0}, {0, 0}, {1, 1}, {1, 1}});
        std::vector<Tensor> found;
        for (std::int64_t down = 0; down < 3; ++down)
            for (std::int64_t right = 0; right < 3; ++right)
                found.push_back(f(slice(slice(wide, 2, down, down + 28), 3, right, right + 28)));
        const Tensor both = mean(stack(found), 0);
        return (slice(both, 0, 0, images.shape(0)) + slice(both, 0, images.shape(0))) / 2;
    };
}

double right_over_views(const SmallNet& net, const Pictures& pictures) {
    const auto probabilities = [&](const Tensor& images) { return softmax(net(images)); };
    return per_cent_right(over_views(probabilities), pictures);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("transfer_learning",
                    "Learns two new classes from twenty pictures each, with filters that eight others have formed.");
    std::int64_t epochs = 2, each = 20, steps = 200, draws = 5;
    double scratch_lr = 5e-4, lr = 2e-3, filters_lr = 2e-4;
    bool validate = false;
    example.option("--epochs", epochs, "Passes over the pictures of the eight classes");
    example.option("--each", each, "Labelled pictures of each new class");
    example.option("--steps", steps, "Training steps with these");
    example.option("--draws", draws, "Draws of labelled pictures, each of another pair of classes");
    example.option("--scratch-lr", scratch_lr, "AdamW's learning rate from scratch");
    example.option("--lr", lr, "The same of a new layer");
    example.option("--filters-lr", filters_lr, "The same of filters that are tuned");
    example.option("--validate", validate, "Judge by training pictures that are left out, to choose the settings");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 1, draws = 2, steps = 60;
        const Material material = fashion_material(validate, example.pick(10000, 2000));
        const std::vector<Pair> pairs = nearest_pairs(material.training, draws);
        std::vector<std::string> names;
        std::vector<SmallNet> teachers;
        std::vector<Tensor> known;  // some images that the teacher was trained on
        std::vector<double> taught;
        for (const auto& [first, second] : pairs) {
            names.push_back(fmt::format("{}, {}", fashion_classes[static_cast<std::size_t>(first)],
                                        fashion_classes[static_cast<std::size_t>(second)]));
            example.note("The new classes: " + names.back());
            Pictures old = part(material.training, {first, second}, true);
            if (example.brief()) old = {slice(old.images, 0, 0, 8000), slice(old.labels, 0, 0, 8000)};
            nn::DataLoader loader(augmented(old), {.batch_size = 128, .shuffle = true});
            fit_classifier(teachers.emplace_back(10), loader, {.epochs = epochs, .lr = 4e-3});
            known.push_back(slice(old.images, 0, 0, 1000));
            taught.push_back(per_cent_right(teachers.back(), part(material.judged, {first, second}, true)));
        }
        example.figure("the eight classes: right, per cent, mean of the draws", mean_of(taught));

        const std::size_t n = pairs.size();
        std::vector<double> scratch(n), frozen(n), tuned(n);
        for_each_seed(example.seed() + 100, std::ssize(pairs), [&](std::int64_t draw) {
            const auto i = static_cast<std::size_t>(draw);
            const Pictures few =
                               few_of_each(part(material.training, pairs[i], false), 2, each, nn::default_generator()),
                           judged = part(material.judged, pairs[i], false);
            SmallNet begun(2), moved = with_filters_of(teachers[i]);
            learn_few(begun, few, steps, scratch_lr, scratch_lr);
            learn_few(moved, few, steps, lr, filters_lr);
            scratch[i] = right_over_views(begun, judged);
            tuned[i] = right_over_views(moved, judged);
            const auto features = [&](const Tensor& images) { return teachers[i].features(images); };
            const Description found(over_views(features), known[i]);
            frozen[i] = 100 * nn::accuracy(Ridge(found(few.images), few.labels, 2)(in_blocks(found, judged.images)),
                                           judged.labels);
        });

        nn::Plot bars({.title = "Pairs of new classes", .y = "per cent right", .y_range = {{0, 100}}, .width = 1096});
        bars.bars("from scratch", names, scratch)
            .bars("frozen filters", names, frozen)
            .bars("tuned filters", names, tuned);
        example.picture("draws.svg",
                        "Each draw has other new classes, the pairs whose means are nearest to each other.", {bars}, 1);
        Generator generator(example.seed() + 100);
        const Pictures few = few_of_each(part(material.training, pairs[0], false), 2, each, generator);
        nn::Plot shown({.title = fmt::format("{}: {} pictures of each", names[0], each), .width = 1096});
        example.picture("labelled.svg", "So many pictures are all that is known of the new classes: the first draw's.",
                        {shown.pictures(few.images, {.columns = 20})}, 1);
        example.figure("from scratch: right, per cent, mean of the draws (chance 50)", mean_of(scratch));
        example.figure("frozen filters: right, per cent, mean of the draws", mean_of(frozen), {.brief_at_least = 60});
        example.figure("tuned filters: right, per cent, mean of the draws", mean_of(tuned), {.brief_at_least = 60});
        example.figure("points that frozen filters gain", mean_of(frozen) - mean_of(scratch), {.at_least = 5});
        example.figure("points that tuned filters gain", mean_of(tuned) - mean_of(scratch));
    });
}
