// What a network has learned about some things helps with others. One that tells eight classes of Fashion-MNIST apart is given twenty pictures
// of each of the two others: once its filters stay as they are (frozen) and only a linear classifier learns, once they are tuned, too (Yosinski,
// Clune, Bengio and Lipson 2014). A network that begins with nothing learns from the same pictures. The two classes are those whose mean training
// pictures are nearest to each other: likely a hard pair.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <array>
#include <fmt/core.h>

#include <few_labels.hpp>
#include <linear_probe.hpp>
#include <seeds.hpp>

using namespace xgrad;

namespace {

using Pair = std::array<std::int64_t, 2>;

/// The two classes whose mean training pictures are nearest to each other.
Pair nearest_classes(const Pictures& training) {
    const Tensor kinds = one_hot(training.labels, 10), pixels = flatten(training.images, 1);
    const Tensor means = matmul(transpose(kinds), pixels) / expand_dims(sum(kinds, 0), 1);
    Pair best{};
    double least = 1e30;
    for (std::int64_t i = 0; i < 10; ++i)
        for (std::int64_t j = i + 1; j < 10; ++j)
            if (const double distance = norm(means[i] - means[j]).item(); distance < least) best = {i, j}, least = distance;
    return best;
}

/// The pictures of the pair with labels 0 and 1, or all others with theirs.
Pictures part(const Pictures& all, const Pair& pair, bool others) {
    const Tensor second = equal(all.labels, pair[1]), either = logical_or(equal(all.labels, pair[0]), second);
    const Tensor rows = squeeze(argwhere(others ? logical_not(either) : either), 1);
    return {take(all.images, rows, 0), take(others ? all.labels : second.to(DType::i64), rows)};
}

/// A network for two classes with the filters of another one, whose normalisation stays as it is.
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

}  // namespace

int main(int argc, char** argv) {
    Example example("transfer_learning", "Learns two new classes from twenty pictures each, with filters that eight others have formed.");
    std::int64_t epochs = 8, each = 20, steps = 200, draws = 5;
    double lr = 2e-3, filters_lr = 2e-4;
    bool validate = false;
    example.option("--epochs", epochs, "Passes over the pictures of the eight classes");
    example.option("--each", each, "Labelled pictures of each new class");
    example.option("--steps", steps, "Training steps with these");
    example.option("--draws", draws, "Draws of labelled pictures");
    example.option("--lr", lr, "AdamW's learning rate, from scratch and of new layers");
    example.option("--filters-lr", filters_lr, "The same of filters that are tuned");
    example.option("--validate", validate, "Judge by training pictures that are left out, to choose the settings");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 1, draws = 2, steps = 60;
        const Material material = fashion_material(validate);
        const Pair pair = nearest_classes(material.training);
        const std::string first = fashion_classes[static_cast<std::size_t>(pair[0])],
                          second = fashion_classes[static_cast<std::size_t>(pair[1])];
        example.note(fmt::format("The classes whose mean training pictures are nearest to each other: {} and {}.", first, second));
        Pictures old = part(material.training, pair, true);
        const Pictures fresh = part(material.training, pair, false), judged = part(material.judged, pair, false);
        if (example.brief()) old = {slice(old.images, 0, 0, 8000), slice(old.labels, 0, 0, 8000)};

        SmallNet teacher(10);
        nn::DataLoader loader(augmented(old), {.batch_size = 128, .shuffle = true});
        fit_classifier(teacher, loader, {.epochs = epochs, .lr = 4e-3});
        example.figure("the eight classes: right, per cent", per_cent_right(teacher, part(material.judged, pair, true)));

        const Description found([&](const Tensor& images) { return teacher.features(images); }, old.images);
        const Tensor found_in_judged = in_blocks(found, judged.images);
        const auto n = static_cast<std::size_t>(draws);
        std::vector<double> scratch(n), frozen(n), tuned(n);
        for_each_seed(example.seed() + 100, draws, [&](std::int64_t draw) {
            const auto i = static_cast<std::size_t>(draw);
            const Pictures few = few_of_each(fresh, 2, each, nn::default_generator());
            SmallNet begun(2), moved = with_filters_of(teacher);
            learn_few(begun, few, steps, lr, lr);
            learn_few(moved, few, steps, lr, filters_lr);
            scratch[i] = per_cent_right(begun, judged);
            frozen[i] = 100 * nn::accuracy(Ridge(found(few.images), few.labels, 2)(found_in_judged), judged.labels);
            tuned[i] = per_cent_right(moved, judged);
        });

        std::vector<std::string> names;
        for (std::int64_t i = 0; i < draws; ++i) names.push_back(fmt::format("draw {}", i + 1));
        nn::Plot bars({.title = first + " or " + second, .y = "per cent right", .y_range = {{0, 100}}, .width = 1096});
        bars.bars("from scratch", names, scratch).bars("frozen filters", names, frozen).bars("tuned filters", names, tuned);
        example.picture("draws.svg", "Each draw has other labelled pictures.", {bars}, 1);
        Generator generator(example.seed() + 100);
        const Pictures few = few_of_each(fresh, 2, each, generator);
        nn::Plot shown({.title = fmt::format("{} of the first class, {} of the second", each, each), .width = 1096});
        example.picture("labelled.svg", "So many pictures are all that is known of the new classes: the first draw's.",
                        {shown.pictures(few.images, {.columns = 20})}, 1);
        example.figure("from scratch: right, per cent, mean of the draws (chance 50)", mean_of(scratch));
        example.figure("frozen filters: right, per cent, mean of the draws", mean_of(frozen), {.brief_at_least = 60});
        example.figure("tuned filters: right, per cent, mean of the draws", mean_of(tuned), {.brief_at_least = 60});
        example.figure("points that frozen filters gain", mean_of(frozen) - mean_of(scratch), {.at_least = 5});
        example.figure("points that tuned filters gain", mean_of(tuned) - mean_of(scratch));
    });
}
