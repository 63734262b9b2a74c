// Q-learning (Watkins and Dayan 1992) with a table: the value of an action in a state is learned from steps alone. The
// world, invented for this example, is a grid in which a move sometimes slips; since its probabilities are known, value
// iteration (Bellman 1957) provides the exact values.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <array>
#include <cmath>
#include <fmt/core.h>
#include <limits>
#include <string>
#include <vector>

#include <example.hpp>

using namespace xgrad;

namespace {

constexpr double discount = 0.95;
constexpr std::int64_t actions = 4;
constexpr std::array<std::array<int, 2>, actions> moves{{{0, 1}, {1, 0}, {0, -1}, {-1, 0}}};  // (down, right)

/// '#' is a wall, 'G' the goal (+1), 'P' a pit (-1); both end the episode. Each step costs 0.02.
struct World {
    std::vector<std::string> map = {
        ".......#.P", ".#####.#..", ".#...P.##.", ".#.#.#....", "...#...##.", "P###.####.", ".........G",
    };
    double slip = 0.1;  // to either side of the intended direction

    std::int64_t rows() const { return static_cast<std::int64_t>(map.size()); }
    std::int64_t columns() const { return static_cast<std::int64_t>(map[0].size()); }
    std::int64_t states() const { return rows() * columns(); }
    char at(std::int64_t state) const {
        return map[static_cast<std::size_t>(state / columns())][static_cast<std::size_t>(state % columns())];
    }
    bool ends(std::int64_t state) const { return at(state) == 'G' || at(state) == 'P'; }
    double reward(std::int64_t arrived) const { return at(arrived) == 'G' ? 1 : at(arrived) == 'P' ? -1 : -0.02; }
    /// The result of a move that does not slip: the state is unchanged at a wall or the edge.
    std::int64_t next(std::int64_t state, std::int64_t direction) const {
        const auto [down, right] = moves[static_cast<std::size_t>((direction + actions) % actions)];
        const std::int64_t row = state / columns() + down, column = state % columns() + right;
        if (row < 0 || row >= rows() || column < 0 || column >= columns()) return state;
        const std::int64_t there = row * columns() + column;
        return at(there) == '#' ? state : there;
    }
    /// The states in which there is a decision to make.
    std::vector<std::int64_t> open() const {
        std::vector<std::int64_t> found;
        for (std::int64_t s = 0; s < states(); ++s)
            if (at(s) != '#' && !ends(s)) found.push_back(s);
        return found;
    }
};

/// Q*(s, a) = sum over s' of P(s' | s, a) (R(s') + γ max over a' of Q*(s', a')), iterated until it converges. (states,
/// actions)
Tensor value_iteration(const World& world) {
    const std::int64_t n = world.states();
    std::vector<double> probabilities(static_cast<std::size_t>(n * actions * n)), rewards;
    for (std::int64_t s = 0; s < n; ++s) rewards.push_back(world.reward(s));
    for (const std::int64_t s : world.open())
        for (std::int64_t a = 0; a < actions; ++a)
            for (const int turn : {-1, 0, 1})
                probabilities[static_cast<std::size_t>((s * actions + a) * n + world.next(s, a + turn))] +=
                    turn == 0 ? 1 - 2 * world.slip : world.slip;
    const Tensor p = tensor(probabilities, {n, actions, n}), r = tensor(rewards);
    return fixed_point([&](const Tensor& q) { return matmul(p, r + discount * max(q, 1)); },
                       zeros({n, actions}, DType::f64));
}

/// The table, learned on a walk that tries all actions equally often. Q(s, a) moves towards the observed value with a
/// decreasing step size: 1 / visits^0.8.
struct Learner {
    const World& world;
    Generator random;
    std::vector<double> q = std::vector<double>(static_cast<std::size_t>(world.states() * actions));
    std::vector<double> visits = std::vector<double>(q.size());
    std::vector<std::int64_t> open = world.open();
    std::int64_t state = open.front();

    double uniform() { return random() / 4294967296.0; }
    double best(std::int64_t s) const {
        const double* row = &q[static_cast<std::size_t>(s * actions)];
        return std::max(std::max(row[0], row[1]), std::max(row[2], row[3]));
    }
    void step() {
        const auto action = static_cast<std::int64_t>(random() % actions);
        const double astray = uniform();
        const std::int64_t turn = astray < world.slip ? -1 : astray < 2 * world.slip ? 1 : 0;
        const std::int64_t next = world.next(state, action + turn);
        const auto at = static_cast<std::size_t>(state * actions + action);
        const double target = world.reward(next) + (world.ends(next) ? 0 : discount * best(next));
        q[at] += (target - q[at]) / std::pow(++visits[at], 0.8);
        // The next episode starts in a random state.
        state = world.ends(next) ? open[random() % open.size()] : next;
    }
    Tensor table() const { return tensor(q, {world.states(), actions}); }
};

/// The number of states in which the table's best action is optimal.
std::int64_t right_actions(const Tensor& table, const Tensor& optimal, const World& world) {
    const Tensor lost = max(optimal, 1) - squeeze(take_along_axis(optimal, argmax(table, 1, true), 1), 1);
    std::int64_t right = 0;
    for (const std::int64_t s : world.open()) right += lost[s].item() < 1e-9;
    return right;
}

nn::Plot drawn(const std::string& title, const Tensor& table, const World& world) {
    nn::Plot plot({.title = title, .height = 400});
    std::vector<double> values, x, y, dx, dy;
    for (std::int64_t s = 0; s < world.states(); ++s) {
        const double column = static_cast<double>(s % world.columns()), row = static_cast<double>(s / world.columns());
        const bool open = world.at(s) != '#' && !world.ends(s);
        values.push_back(open            ? max(table[s]).item()
                         : world.ends(s) ? world.reward(s)
                                         : std::numeric_limits<double>::quiet_NaN());
        if (world.ends(s)) plot.text(column, row, world.at(s) == 'G' ? "goal" : "pit");
        if (!open) continue;
        const auto [down, right] = moves[argmax(table[s]).item<std::size_t>()];
        x.push_back(column - 0.3 * right);
        y.push_back(row - 0.3 * down);
        dx.push_back(0.6 * right);
        dy.push_back(0.6 * down);
    }
    return plot
        .heat_map(tensor(values, {world.rows(), world.columns()}),
                  {.palette = nn::Palette::diverging, .name = "value of the best action"})
        .arrows(x, y, dx, dy);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("q_learning", "Learns the way through a slippery grid world by a table of action values.");
    std::int64_t steps = 20'000'000, seeds = 5;
    example.option("--steps", steps, "Moves of each learner");
    example.option("--seeds", seeds, "Learners");
    return example.run(argc, argv, [&] {
        if (example.brief()) steps = std::min<std::int64_t>(steps, 2'000'000);
        example.note(
            "The world is made up: ten by seven fields, walls, three pits, a goal; one move in five slips to a side.");
        const World world;
        const Tensor optimal = value_iteration(world);
        const auto open = world.open();
        const Tensor ranked = sort(take(optimal, tensor(open)), -1);
        fmt::print("the second-best action is worth less by {:.4f} or more\n",
                   min(select(ranked, 1, 3) - select(ranked, 1, 2)).item());

        nn::Plot error({.title = "Largest error of the table",
                        .x = "moves",
                        .y = "|Q - Q*|",
                        .log_x = true,
                        .log_y = true,
                        .width = 1096});
        std::int64_t right = static_cast<std::int64_t>(open.size());
        double worst = 0;
        Tensor first;
        nn::ProgressBar progress;
        progress.start("moves", seeds * steps, "moves");
        for (std::int64_t i = 0; i < seeds; ++i) {
            Learner learner{world, Generator(example.seed() + static_cast<std::uint64_t>(i))};
            std::vector<double> at, errors;
            const auto distance = [&] { return max(abs(take(learner.table() - optimal, tensor(open)))).item(); };
            for (std::int64_t step = 1, look = 1000; step <= steps; ++step) {
                learner.step();
                if (step != look && step != steps) continue;
                look = look * 5 / 4;
                at.push_back(static_cast<double>(step));
                errors.push_back(distance());
                if (progress.advance(step - (at.size() > 1 ? static_cast<std::int64_t>(at[at.size() - 2]) : 0)))
                    progress.show({{"error", errors.back()}});
            }
            error.line(fmt::format("learner {}", i + 1), at, errors);
            right = std::min(right, right_actions(learner.table(), optimal, world));
            worst = std::max(worst, errors.back());
            if (i == 0) first = learner.table();
        }
        progress.clear();

        example.picture(
            "policy.svg",
            "The colour is the value of a field, the arrow what one does there; a move may slip, so it pays to keep "
            "away from pits.",
            {drawn("Learned by walking", first, world), drawn("Computed from the probabilities", optimal, world)});
        example.picture("error.svg", "How the tables come to the true values.", {error}, 1);
        const auto all = static_cast<double>(open.size());
        example.figure("fields in which the learned action is optimal, fewest of all learners",
                       static_cast<double>(right), {.at_least = all, .brief_at_least = 0.8 * all});
        example.figure("fields", all);
        example.figure("largest error of a value", worst, {.brief_at_most = 0.3});
    });
}
