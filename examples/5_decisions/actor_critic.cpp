// Advantage actor-critic (Mnih et al., Asynchronous methods for deep reinforcement learning, 2016): an actor that
// chooses actions and a critic that estimates the value of a state learn together from a few steps at a time, since the
// critic replaces the rest of the episode. The trade-off between observed steps and the critic follows Schulman et al.
// (High-dimensional continuous control using generalized advantage estimation, 2016).

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <vector>

#include <cartpole.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Options {
    std::int64_t steps = 1000000, carts = 16, rollout = 32, hidden = 64;
    double lr = 2e-3, discount = 0.99, lambda = 0.95, entropy = 0.01;
};

struct Net {
    explicit Net(std::int64_t hidden)
        : actor_in(4, hidden), actor_out(hidden, 2), critic_in(4, hidden), critic_out(hidden, 1) {}
    nn::Linear actor_in, actor_out, critic_in, critic_out;
    Tensor actor(const Tensor& states) const { return actor_out(tanh(actor_in(states))); }
    /// In units of 1 / (1 - discount), the largest possible value.
    Tensor critic(const Tensor& states) const { return squeeze(critic_out(tanh(critic_in(states))), 1); }
    XGRAD_FIELDS(actor_in, actor_out, critic_in, critic_out)
};

/// Some steps of all carts, in order.
struct Rollout {
    std::vector<Tensor> states, values;  // (carts, 4) and (carts), one more value than steps
    std::vector<std::int64_t> actions;
    std::vector<std::vector<double>> rewards, goes_on;  // goes_on: 0 where an episode ended
    std::vector<double> returns;  // of the episodes that ended
};

class Actor {
public:
    Actor(const Options& options, Generator& random)
        : options_(options), random_(random), poles_(options.carts, random), lengths_(poles_.size()) {}

    Rollout play(const Net& net) {
        Rollout all;
        for (std::int64_t t = 0; t < options_.rollout; ++t) {
            const Tensor states = poles_.states();
            all.states.push_back(states);
            all.values.push_back(net.critic(states));
            const Tensor drawn = categorical(net.actor(states), {}, random_);
            const auto actions = drawn.data<std::int64_t>();
            std::vector<double> rewards(poles_.size(), 1 - options_.discount), goes_on(poles_.size(), 1);
            std::vector<std::size_t> over;
            for (std::size_t i = 0; i < poles_.size(); ++i) {
                all.actions.push_back(actions[i]);
                ++lengths_[i];
                const CartPole::Step step = poles_[i].step(actions[i]);
                if (!step.over) continue;
                goes_on[i] = 0;
                if (!step.fell) over.push_back(i);
            }
            if (!over.empty()) {  // the time was up, but the pole was still standing: the critic estimates the rest
                const Tensor worth = net.critic(poles_.states());
                for (const std::size_t i : over)
                    rewards[i] += options_.discount * static_cast<double>(worth.data<float>()[i]);
            }
            for (std::size_t i = 0; i < poles_.size(); ++i) {
                if (goes_on[i] == 1) continue;
                all.returns.push_back(lengths_[i]);
                lengths_[i] = 0;
                poles_.reset(i);
            }
            all.rewards.push_back(rewards);
            all.goes_on.push_back(goes_on);
        }
        all.values.push_back(net.critic(poles_.states()));
        return all;
    }

private:
    const Options& options_;
    Generator& random_;
    CartPoles poles_;
    std::vector<double> lengths_;
};

/// A_t = δ_t + γ λ A_{t+1}, where δ_t = r_t + γ V_{t+1} - V_t; sums end with episodes. (steps * carts)
Tensor advantages(const Rollout& rollout, const Options& options) {
    std::vector<Tensor> all(rollout.rewards.size());
    Tensor next = zeros_like(rollout.values[0]);
    for (std::size_t t = all.size(); t-- > 0;) {
        const Tensor reward = tensor(rollout.rewards[t]).to(DType::f32),
                     goes_on = tensor(rollout.goes_on[t]).to(DType::f32);
        const Tensor delta = reward + options.discount * goes_on * rollout.values[t + 1] - rollout.values[t];
        next = delta + options.discount * options.lambda * goes_on * next;
        all[t] = next;
    }
    return concat(all);
}

Policy learn(Course& course, const Options& options) {
    Net net(options.hidden);
    nn::Adam adam({.lr = options.lr});
    Actor actor(options, course.random);
    const Policy best = [&net](const Tensor& states) { return argmax(net.actor(states), 1); };
    for (bool going = true; going;) {
        const Rollout rollout = actor.play(net);
        const Tensor states = concat(rollout.states), actions = tensor(rollout.actions);
        const Tensor advantage = advantages(rollout, options);
        const Tensor values = concat(std::vector<Tensor>(rollout.values.begin(), rollout.values.end() - 1)) + advantage;
        const Tensor scaled = (advantage - mean(advantage)) / (sqrt(var(advantage)) + 1e-8);

        Tape tape;
        const Tensor scores = net.actor(states);
        const Tensor of_action = nn::cross_entropy(scores, actions, {.reduction = nn::Reduction::none});  // -log π(a|s)
        const Tensor loss = mean(of_action * scaled) + nn::mse_loss(net.critic(states), values) -
                            options.entropy * mean(nn::categorical_entropy_with_logits(scores));
        adam.step(net, nn::clip_grad_norm(net, tape.gradient(loss), 0.5));
        going = course.advance(actions.size(), rollout.returns) && !(course.latest() > 475 && course.mastered(best));
    }
    return [net](const Tensor& states) { return argmax(net.actor(states), 1); };
}

}  // namespace

int main(int argc, char** argv) {
    Example example("actor_critic", "Balances a pole on a cart by an advantage actor-critic.");
    Options options;
    example.option("--steps", options.steps, "Steps of the environment at most, for each of five seeds");
    example.option("--carts", options.carts, "Carts that are played at a time");
    example.option("--rollout", options.rollout, "Steps of each of them for a step of the optimizer");
    example.option("--hidden", options.hidden, "Units of each hidden layer");
    example.option("--lr", options.lr, "Adam's learning rate");
    return example.run(argc, argv, [&] {
        learn_cartpole(example, example.pick<std::int64_t>(options.steps, 40000),
                       [&](Course& course) { return learn(course, options); });
    });
}
