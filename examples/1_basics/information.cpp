// Measures of information: entropy, cross-entropy and the Kullback–Leibler divergence (1951), the quantities behind
// most losses. Shannon (1948): an event of probability p carries information -log(p); the entropy H(p) = -sum p log(p)
// is the average information, in nats. If q is assumed and p is true, the cost is the cross-entropy H(p, q) = -sum p
// log(q), which is H(p) + KL(p || q); KL is never negative, and is 0 only for q = p. Identities are checked on random
// distributions; no data set is used.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <numbers>

#include <example.hpp>

using namespace xgrad;

namespace {

/// Probabilities of two outcomes (…, 2).
Tensor coin(const Tensor& p) { return stack({p, 1.0 - p}, -1); }

Tensor cross_entropy_of(const Tensor& p, const Tensor& q) { return -sum(xlogy(p, q), -1); }

std::vector<nn::Plot> curves() {
    const Tensor p = linspace(0.001, 0.999, 400, DType::f64), truth = tensor({0.3, 0.7});
    const Tensor q = coin(p);
    nn::Plot surprise({.title = "What an event of probability p tells", .x = "p", .y = "nats"});
    surprise.line("-log(p): the loss of a class given probability p", p, -log(p))
        .line("-p log(p): its part of the entropy", p, -xlogy(p, p));
    nn::Plot entropy({.title = "Entropy of a coin, and its slope by the tape", .x = "p", .y = "nats"});
    const Tensor slope = grad([](const Tensor& x) { return sum(nn::categorical_entropy(coin(x))); }, p);
    entropy.line("H(p), largest at 1/2: log 2", p, nn::categorical_entropy(q))
        .line("H'(p) = log((1 - p) / p)", p, slope, {.stroke = nn::Stroke::dashed});
    nn::Plot cross({.title = "A coin of 0.3 in truth, q believed", .x = "q", .y = "nats", .y_range = {{0, 2.5}}});
    cross.line("cross-entropy H(p, q)", p, cross_entropy_of(truth, q))
        .line("KL(p || q) = H(p, q) - H(p)", p, nn::categorical_kl(broadcast_to(truth, q.shape()), q))
        .line("KL(q || p): not the same", p, nn::categorical_kl(q, broadcast_to(truth, q.shape())))
        .vertical("q = p", 0.3);
    const Tensor scores = linspace(-6, 6, 200, DType::f64);
    nn::Plot loss({.title = "Losses of a score for the true class", .x = "score", .y = "loss"});
    loss.line("cross-entropy of sigmoid(score)", scores, softplus(-scores))
        .line("squared error of sigmoid(score)", scores, square(1.0 - sigmoid(scores)))
        .line("slope of the first", scores, -sigmoid(-scores), {.stroke = nn::Stroke::dashed})
        .line("slope of the second: gone where it is wrong", scores,
              grad([](const Tensor& s) { return sum(square(1.0 - sigmoid(s))); }, scores),
              {.stroke = nn::Stroke::dashed});
    return {surprise, entropy, cross, loss};
}

double largest(const Tensor& differences) { return max(abs(differences)).item(); }

/// The largest violation of each identity, over random distributions of ten outcomes.
void check_identities(Example& example, Generator& generator) {
    const Tensor a = 2.0 * randn({1000, 10}, generator, DType::f64), b = 2.0 * randn({1000, 10}, generator, DType::f64);
    const Tensor p = softmax(a), q = softmax(b);
    const Target exact{.at_most = 1e-12, .brief_at_most = 1e-12};
    example.figure("H(p, q) = H(p) + KL(p || q): largest difference",
                   largest(cross_entropy_of(p, q) - nn::categorical_entropy(p) - nn::categorical_kl(p, q)), exact);
    example.figure("KL(p || q) >= 0: the least", min(nn::categorical_kl(p, q)).item(),
                   {.at_least = 0, .brief_at_least = 0});
    example.figure("nn::cross_entropy of logits is H(p, softmax): largest difference",
                   largest(nn::cross_entropy(b, p, {.reduction = Reduction::none}) - cross_entropy_of(p, q)), exact);
    const Tensor slope =
        grad([&](const Tensor& logits) { return nn::cross_entropy(logits, p, {.reduction = Reduction::sum}); }, b);
    example.figure("slope of the cross-entropy = softmax - p: largest difference", largest(slope - (q - p)), exact);

    // For a joint distribution p(x, y): how much one variable tells about the other.
    const Tensor joint = reshape(softmax(randn({1000, 12}, generator, DType::f64)), {-1, 3, 4});
    const Tensor x = sum(joint, 2), y = sum(joint, 1), conditional = joint / expand_dims(x, 2);
    const Tensor h_xy = nn::categorical_entropy(reshape(joint, {-1, 12})), h_x = nn::categorical_entropy(x),
                 h_y = nn::categorical_entropy(y);
    example.figure("H(x, y) = H(x) + H(y | x): largest difference",
                   largest(h_xy - h_x - sum(x * nn::categorical_entropy(conditional), 1)), exact);
    const Tensor independent = reshape(expand_dims(x, 2) * expand_dims(y, 1), {-1, 12});
    example.figure("H(x) + H(y) - H(x, y) = KL(p(x, y) || p(x) p(y)): largest difference",
                   largest(h_x + h_y - h_xy - nn::categorical_kl(reshape(joint, {-1, 12}), independent)), exact);

    const Tensor z = linspace(-30, 30, 20001, DType::f64);
    const auto normal = [&](double loc, double scale) {
        return exp(-square((z - loc) / scale) / 2.0) / (scale * std::sqrt(2 * std::numbers::pi));
    };
    const Tensor f = normal(1, 2), g = normal(-0.5, 1.5);
    const double integral = (sum(f * log(f / g)) * (60.0 / 20000)).item();
    const Tensor closed = nn::normal_kl(tensor({1.0}), tensor({2.0}), tensor({-0.5}), tensor({1.5}));
    example.figure("KL of two normal distributions, closed form against integral: difference",
                   std::abs(closed.item() - integral), {.at_most = 1e-9, .brief_at_most = 1e-9});
}

struct Bell {
    Parameter loc, log_scale;
    Tensor log_density(const Tensor& z) const {
        return -square((z - loc) / exp(log_scale)) / 2.0 - log_scale - std::log(2 * std::numbers::pi) / 2;
    }
    XGRAD_FIELDS(loc, log_scale)
};

/// Fits one normal distribution to a mixture of two: the direction of the divergence decides whether it covers both
/// modes or picks one.
nn::Plot one_bell_for_two(Example& example) {
    const Tensor z = linspace(-8, 8, 801, DType::f64);
    const double step = 16.0 / 800;
    const Bell left{scalar(-3.0), scalar(-0.4)}, right{scalar(3.0), scalar(-0.2)};
    const Tensor p = 0.4 * exp(left.log_density(z)) + 0.6 * exp(right.log_density(z)), log_p = log(p);
    const auto fit = [&](bool forward) {
        Bell bell{scalar(1.0), scalar(0.0)};
        nn::Adam adam({.lr = 0.05});
        for (int i = 0; i < 500; ++i) {
            Tape tape;
            const Tensor log_q = bell.log_density(z);
            adam.step(bell,
                      tape.gradient(step * (forward ? sum(p * (log_p - log_q)) : sum(exp(log_q) * (log_q - log_p)))));
        }
        return bell;
    };
    const Bell covers = fit(true), seeks = fit(false);
    const double mean_p = (sum(p * z) * step).item(),
                 deviation = std::sqrt((sum(p * square(z - mean_p)) * step).item());
    example.figure(
        "least KL(p || q) has the mean and deviation of p: largest difference",
        std::max(std::abs(covers.loc.item() - mean_p), std::abs(std::exp(covers.log_scale.item()) - deviation)),
        {.at_most = 1e-3, .brief_at_most = 1e-3});
    example.figure("least KL(q || p) sits on one hill, that at 3: distance", std::abs(seeks.loc.item() - 3),
                   {.at_most = 0.2, .brief_at_most = 0.2});
    nn::Plot plot({.title = "One bell for two hills, by gradient descent", .x = "z", .y = "density"});
    return plot.line("p", z, p)
        .line("least KL(p || q): covers both", z, exp(covers.log_density(z)))
        .line("least KL(q || p): chooses one", z, exp(seeks.log_density(z)));
}

/// Gradient ascent on the entropy from a random distribution ends at the uniform one.
nn::Plot uphill(Example& example, Generator& generator) {
    Parameter logits(2.0 * randn({6}, generator, DType::f64));
    nn::SGD sgd({.lr = 2, .maximize = true});
    std::vector<Tensor> stages;
    for (int i = 0; i <= 200; ++i) {
        if (i % 40 == 0) stages.push_back(softmax(logits));
        Tape tape;
        sgd.step(logits, tape.gradient(nn::categorical_entropy_with_logits(logits)));
    }
    example.figure("largest entropy of six outcomes is log 6: difference",
                   std::abs(nn::categorical_entropy_with_logits(logits).item() - std::log(6.0)),
                   {.at_most = 1e-6, .brief_at_most = 1e-6});
    nn::Plot plot(
        {.title = "Uphill along the entropy: six outcomes after 0, 40, … steps", .x = "outcome", .y = "stage"});
    return plot.heat_map(stack(stages), {.numbers = true, .range = {{0, 0.6}}, .name = "probability"});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("information",
                    "Entropy, cross-entropy and divergence: their curves, and the identities that bind them.");
    return example.run(argc, argv, [&] {
        Generator generator(example.seed());
        example.note("Distributions here are drawn at random or written down; there is no data.");
        example.picture("curves.svg",
                        "The quantities for two outcomes, and why classifiers are not trained on squared errors.",
                        curves());
        check_identities(example, generator);
        example.picture("divergence.svg", "Divergence has a direction.",
                        {one_bell_for_two(example), uphill(example, generator)});
    });
}
