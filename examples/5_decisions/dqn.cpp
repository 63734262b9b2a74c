// A deep Q-network (Mnih et al., Human-level control through deep reinforcement learning, 2015): a network learns the
// value of each action from steps drawn from a replay memory; a second, slower network evaluates the next state. The
// best action there is chosen by the first network (van Hasselt, Guez, Silver: Deep reinforcement learning with double
// Q-learning, 2016).

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <array>
#include <vector>

#include <cartpole.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Options {
    std::int64_t steps = 80000, carts = 8, memory = 50000, batch_size = 128, hidden = 128;
    double lr = 1e-3, discount = 0.99, tau = 0.01;
};

struct Net {
    explicit Net(std::int64_t hidden) : fc1(4, hidden), fc2(hidden, hidden), fc3(hidden, 2) {}
    nn::Linear fc1, fc2, fc3;
    Tensor operator()(const Tensor& states) const { return fc3(relu(fc2(relu(fc1(states))))); }
    XGRAD_FIELDS(fc1, fc2, fc3)
};

/// A replay memory of the latest steps, which drops the oldest ones.
class Memory {
public:
    explicit Memory(std::int64_t capacity) : capacity_(static_cast<std::size_t>(capacity)) {}

    void add(const std::array<double, 4>& from, std::int64_t action, const std::array<double, 4>& to, bool fell) {
        const Row row{from, to, action, fell};
        if (rows_.size() < capacity_) rows_.push_back(row);
        else rows_[next_] = row;
        next_ = (next_ + 1) % capacity_;
    }
    std::size_t size() const { return rows_.size(); }

    struct Batch {
        Tensor from, action, to, goes_on;  // (n, 4), (n, 1) i64, (n, 4), (n)
    };
    Batch sample(std::int64_t count, Generator& random) const {
        std::vector<float> from, to, goes_on;
        std::vector<std::int64_t> action;
        for (std::int64_t i = 0; i < count; ++i) {
            const Row& row = rows_[random() % rows_.size()];
            from.insert(from.end(), row.from.begin(), row.from.end());
            to.insert(to.end(), row.to.begin(), row.to.end());
            action.push_back(row.action);
            goes_on.push_back(row.fell ? 0 : 1);
        }
        return {tensor(from, {count, 4}), tensor(action, {count, 1}), tensor(to, {count, 4}), tensor(goes_on)};
    }

private:
    struct Row {
        std::array<double, 4> from, to;
        std::int64_t action;
        bool fell;
    };
    std::size_t capacity_, next_ = 0;
    std::vector<Row> rows_;
};

/// The target values of the actions taken: 1 plus, if the pole still stands, the discounted value of the best next
/// action.
void learn_from(const Memory::Batch& batch, Net& net, Net& target, nn::Adam& adam, const Options& options) {
    const Tensor best = argmax(net(batch.to), 1, true);
    const Tensor following = squeeze(take_along_axis(target(batch.to), best, 1), 1);
    const Tensor worth = 1 + options.discount * batch.goes_on * following;
    Tape tape;
    const Tensor said = squeeze(take_along_axis(net(batch.from), batch.action, 1), 1);
    const Tensor loss = nn::smooth_l1_loss(said, worth);
    adam.step(net, nn::clip_grad_norm(net, tape.gradient(loss), 10));
    nn::soft_update(target, net, options.tau);
}

Policy learn(Course& course, const Options& options) {
    Net net(options.hidden), target = net;
    nn::Adam adam({.lr = options.lr});
    Memory memory(options.memory);
    CartPoles poles(options.carts, course.random);
    std::vector<double> lengths(poles.size());
    const Policy best = [&net](const Tensor& states) { return argmax(net(states), 1); };
    double exam = 0;  // the step at which to test next whether the task is mastered
    for (bool going = true; going;) {
        const double part = static_cast<double>(course.made()) / static_cast<double>(course.steps());
        const double chance = std::max(0.02, 1 - part / 0.1);  // of a random action instead of the best
        adam.set_lr(options.lr * (1 - 0.9 * part));
        const Tensor actions = best(poles.states());
        std::vector<double> returns;
        for (std::size_t i = 0; i < poles.size(); ++i) {
            const auto from = poles[i].state();
            const std::int64_t action =
                uniform(course.random) < chance ? course.random() % 2 : actions.data<std::int64_t>()[i];
            const CartPole::Step step = poles[i].step(action);
            memory.add(from, action, poles[i].state(), step.fell);
            ++lengths[i];
            if (!step.over) continue;
            returns.push_back(lengths[i]);
            lengths[i] = 0;
            poles.reset(i);
        }
        if (memory.size() >= 1000)
            for (std::int64_t i = 0; i < options.carts / 2; ++i)
                learn_from(memory.sample(options.batch_size, course.random), net, target, adam, options);
        going = course.advance(options.carts, returns);
        if (going && course.latest() > 300 && static_cast<double>(course.made()) > exam) {
            going = !course.mastered(best);
            exam = static_cast<double>(course.made()) + 1000;
        }
    }
    return [net](const Tensor& states) { return argmax(net(states), 1); };
}

}  // namespace

int main(int argc, char** argv) {
    Example example("dqn",
                    "Balances a pole on a cart by a deep Q-network with a memory of steps and a target network.");
    Options options;
    example.option("--steps", options.steps, "Steps of the environment at most, for each of five seeds");
    example.option("--memory", options.memory, "Steps that are remembered");
    example.option("--batch-size", options.batch_size, "Remembered steps in a step of the optimizer");
    example.option("--hidden", options.hidden, "Units of both hidden layers");
    example.option("--lr", options.lr, "Adam's learning rate at the start; it falls to a tenth");
    example.option("--tau", options.tau, "How far the target network goes towards the other in each step");
    return example.run(argc, argv, [&] {
        learn_cartpole(example, example.pick<std::int64_t>(options.steps, 8000),
                       [&](Course& course) { return learn(course, options); });
    });
}
