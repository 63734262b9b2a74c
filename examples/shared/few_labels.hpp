#pragma once

#include <fashion_net.hpp>
#include <vector>

// Learning Fashion-MNIST from a few labels: the pictures, their other views, and the training that examples compare.

/// Pictures to learn from, and others to be judged by.
struct Material {
    Pictures training, judged;
};
/// Fashion-MNIST's training and test part. Settings are chosen with `validate`: then the last 5000 of the training part
/// are left out and judge.
inline Material fashion_material(bool validate, std::int64_t judged = 10000) {
    const Pictures all = channelled(fashion_mnist("train"));
    if (!validate) return {all, channelled(fashion_mnist("t10k", judged))};
    const auto part = [&](std::int64_t from, std::int64_t to) {
        return Pictures{xgrad::slice(all.images, 0, from, to), xgrad::slice(all.labels, 0, from, to)};
    };
    return {part(0, 55000), part(55000, 60000)};
}

/// So many random pictures of each class.
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

/// Another view of each picture: a part of it, no smaller than `least`, mirrored or not, of other contrast and
/// brightness.
inline xgrad::Tensor strongly_changed(const xgrad::Tensor& images, xgrad::Generator& generator, double least = 0.6) {
    using namespace xgrad;
    Tensor x = nn::random_resized_crop(images, 28, 28, generator, {.scale = {least, 1}});
    x = nn::random_horizontal_flip(x, generator);
    const Shape each{x.shape(0), 1, 1, 1};
    x = pow(x + 1e-3, exp(2 * rand(each, generator) - 1));
    return x * (0.5 + rand(each, generator));
}

/// Trains on a few pictures, all of them in each step and weakly changed, with a learning rate of its own for all but
/// the output layer. What is in eval mode stays in it: pre-trained filters keep the statistics of their normalisation.
/// Ends in eval mode.
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
