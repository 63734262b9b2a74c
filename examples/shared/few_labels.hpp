#pragma once

#include <fashion_net.hpp>
#include <vector>

// Learning Fashion-MNIST from a few labels: the images, their augmented views, and the training that the examples
// compare.

/// Images for training and for evaluation.
struct Material {
    Pictures training, judged;
};
/// Fashion-MNIST's training and test sets. Hyperparameters are chosen with `validate`: the last 5000 training images
/// are then held out for evaluation.
inline Material fashion_material(bool validate, std::int64_t judged = 10000) {
    const Pictures all = channelled(fashion_mnist("train"));
    if (!validate) return {all, channelled(fashion_mnist("t10k", judged))};
    const auto part = [&](std::int64_t from, std::int64_t to) {
        return Pictures{xgrad::slice(all.images, 0, from, to), xgrad::slice(all.labels, 0, from, to)};
    };
    return {part(0, 55000), part(55000, 60000)};
}

/// `each` random images of each class.
inline Pictures few_of_each(const Pictures& pictures, std::int64_t classes, std::int64_t each,
                            xgrad::Generator& generator) {
    using namespace xgrad;
    std::vector<Tensor> rows;
    for (std::int64_t label = 0; label < classes; ++label) {
        const Tensor all = squeeze(argwhere(equal(pictures.labels, label)), 1);
        rows.push_back(take(all, slice(permutation(all.size(), generator), 0, 0, each)));
    }
    return {take(pictures.images, concat(rows), 0), take(pictures.labels, concat(rows), 0)};
}

/// Strong augmentation of each image: a random crop, no smaller than `least`, mirrored or not, with changed contrast
/// and brightness.
inline xgrad::Tensor strongly_changed(const xgrad::Tensor& images, xgrad::Generator& generator, double least = 0.6) {
    using namespace xgrad;
    Tensor x = nn::random_resized_crop(images, 28, 28, generator, {.scale = {least, 1}});
    x = nn::random_horizontal_flip(x, generator);
    const Shape each{x.shape(0), 1, 1, 1};
    x = pow(x + 1e-3, exp(2 * rand(each, generator) - 1));
    return x * (0.5 + rand(each, generator));
}

/// Trains on a few images, all of them in each step and weakly augmented, with a separate learning rate for all except
/// the output layer. Layers in eval mode remain in it: pre-trained filters keep their normalisation statistics. The net
/// is left in eval mode.
inline void learn_few(SmallNet& net, const Pictures& few, std::int64_t steps, double lr, double filters_lr) {
    using namespace xgrad;
    nn::AdamW adam({.lr = filters_lr, .weight_decay = 1e-2});
    adam.group("output.*", {.lr = lr});
    nn::CosineAnnealingLR schedule(adam, steps);
    for (std::int64_t step = 0; step < steps; ++step) {
        const Tensor images = weakly_changed(few.images, nn::default_generator());
        Tape tape;
        adam.step(net, tape.gradient(nn::cross_entropy(net(images), few.labels)));
        schedule.step();
    }
    nn::eval(net);
}

/// Accuracy in per cent.
template <class Net>
double per_cent_right(const Net& net, const Pictures& pictures) {
    return 100 * xgrad::nn::accuracy(in_blocks(net, pictures.images), pictures.labels);
}

inline double mean_of(const std::vector<double>& numbers) { return mean(xgrad::tensor(numbers)).item(); }
