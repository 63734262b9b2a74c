// REINFORCE with a baseline (Williams 1992; Sutton and Barto, Reinforcement learning, 2018, section 13.4): plays whole
// episodes, and makes an action likelier if the rest of the episode went better than expected. A second network, the
// baseline, learns what to expect.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <array>
#include <vector>

#include <cartpole.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Options {
    std::int64_t steps = 600000, episodes = 16, hidden = 64;
    double lr = 5e-3, discount = 0.99, entropy = 0.01;
};

struct Net {
    Net(std::int64_t hidden, std::int64_t outputs) : in(4, hidden), out(hidden, outputs) {}
    nn::Linear in, out;
    Tensor operator()(const Tensor& states) const { return out(tanh(in(states))); }
    XGRAD_FIELDS(in, out)
};

/// Episodes played to their ends, one after another.
struct Episodes {
    std::vector<float> states, returns;  // four numbers per step; the discounted sum of rewards from that step on
    std::vector<std::int64_t> actions;
    std::vector<double> lengths;
};

Episodes play(const Net& policy, const Options& options, Generator& random) {
    struct Trace {
        std::vector<float> states;
        std::vector<std::int64_t> actions;
        bool over = false;
    };
    CartPoles poles(options.episodes, random);
    std::vector<Trace> traces(poles.size());
    for (std::size_t left = poles.size(); left > 0;) {
        const Tensor drawn = categorical(policy(poles.states()), {}, random);
        const auto actions = drawn.data<std::int64_t>();
        for (std::size_t i = 0; i < poles.size(); ++i) {
            Trace& trace = traces[i];
            if (trace.over) continue;
            for (const double number : poles[i].state()) trace.states.push_back(static_cast<float>(number));
            trace.actions.push_back(actions[i]);
            trace.over = poles[i].step(actions[i]).over;
            left -= trace.over;
        }
    }
    Episodes all;
    for (const Trace& trace : traces) {
        const std::size_t length = trace.actions.size();
        all.lengths.push_back(static_cast<double>(length));
        all.states.insert(all.states.end(), trace.states.begin(), trace.states.end());
        all.actions.insert(all.actions.end(), trace.actions.begin(), trace.actions.end());
        std::vector<float> returns(length);
        double sum = 0;
        for (std::size_t t = length; t-- > 0;) returns[t] = static_cast<float>(sum = 1 + options.discount * sum);
        all.returns.insert(all.returns.end(), returns.begin(), returns.end());
    }
    return all;
}

Policy learn(Course& course, const Options& options) {
    Net policy(options.hidden, 2), baseline(options.hidden, 1);
    nn::Adam policy_adam({.lr = options.lr}), baseline_adam({.lr = options.lr});
    const Policy best = [&policy](const Tensor& states) { return argmax(policy(states), 1); };
    for (bool going = true; going;) {
        const Episodes episodes = play(policy, options, course.random);
        const auto count = static_cast<std::int64_t>(episodes.actions.size());
        const Tensor states = tensor(episodes.states, {count, 4}), actions = tensor(episodes.actions);
        const Tensor returns = tensor(episodes.returns) * (1 - options.discount);  // at most 1: easy to learn

        const Tensor surprise = returns - squeeze(baseline(states), 1);
        const Tensor advantage = (surprise - mean(surprise)) / (sqrt(var(surprise)) + 1e-8);
        {
            Tape tape;
            const Tensor scores = policy(states);
            const Tensor of_action =
                nn::cross_entropy(scores, actions, {.reduction = nn::Reduction::none});  // -log π(a|s)
            const Tensor loss =
                mean(of_action * advantage) - options.entropy * mean(nn::categorical_entropy_with_logits(scores));
            policy_adam.step(policy, tape.gradient(loss));
        }
        for (int i = 0; i < 5; ++i) {
            Tape tape;
            baseline_adam.step(baseline, tape.gradient(nn::mse_loss(squeeze(baseline(states), 1), returns)));
        }
        going = course.advance(count, episodes.lengths) && !(course.latest() > 475 && course.mastered(best));
    }
    return [policy](const Tensor& states) { return argmax(policy(states), 1); };
}

}  // namespace

int main(int argc, char** argv) {
    Example example("reinforce", "Balances a pole on a cart by policy gradients with a baseline.");
    Options options;
    example.option("--steps", options.steps, "Steps of the environment at most, for each of five seeds");
    example.option("--episodes", options.episodes, "Episodes played for each step of the optimizer");
    example.option("--hidden", options.hidden, "Units of the networks' hidden layers");
    example.option("--lr", options.lr, "Adam's learning rate");
    return example.run(argc, argv, [&] {
        learn_cartpole(example, example.pick<std::int64_t>(options.steps, 30000),
                       [&](Course& course) { return learn(course, options); });
    });
}
