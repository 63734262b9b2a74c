#include "cartpole.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <numeric>

#include "seeds.hpp"

using xgrad::Generator;
using xgrad::Tensor;
using xgrad::nn::Plot;

double mean_return(const Policy& policy, std::int64_t episodes, Generator& random) {
    CartPoles poles(episodes, random);
    std::vector<bool> over(poles.size());
    std::int64_t steps = 0;
    for (int step = 0; step < CartPole::limit && std::find(over.begin(), over.end(), false) != over.end(); ++step) {
        const Tensor actions = policy(poles.states());
        for (std::size_t i = 0; i < poles.size(); ++i) {
            if (over[i]) continue;
            over[i] = poles[i].step(actions.data<std::int64_t>()[i]).over;
            ++steps;
        }
    }
    return static_cast<double>(steps) / static_cast<double>(episodes);
}

bool Course::advance(std::int64_t steps, const std::vector<double>& returns) {
    made_ += steps;
    for (const double one : returns) {
        latest_.push_back(one);
        if (latest_.size() > 20) latest_.erase(latest_.begin());
    }
    if (!returns.empty()) {
        curve_steps_.push_back(static_cast<double>(made_));
        curve_returns_.push_back(latest());
    }
    advance_(steps);
    return made_ < steps_;
}

double Course::latest() const {
    return latest_.empty() ? 0
                           : std::accumulate(latest_.begin(), latest_.end(), 0.0) / static_cast<double>(latest_.size());
}

bool Course::mastered(const Policy& policy) { return mean_return(policy, 50, random) == CartPole::limit; }

namespace {

/// Plots of an episode: its numbers, and a film strip.
std::vector<Plot> episode(const Policy& policy, Generator& random) {
    CartPoles one(1, random);
    std::vector<double> seconds, position, lean, cart_x, cart_y, pole_x, pole_y;
    for (bool over = false; !over;) {
        const auto [x, speed, angle, turning] = one[0].state();
        const std::size_t step = seconds.size();
        seconds.push_back(0.02 * static_cast<double>(step));
        position.push_back(x);
        lean.push_back(angle * 180 / std::numbers::pi);
        if (step % 5 == 0 && step < 200) {  // one row per second
            cart_x.push_back(static_cast<double>(step / 5 % 10) + x);
            cart_y.push_back(static_cast<double>(step / 50));
            pole_x.push_back(0.8 * std::sin(5 * angle));
            pole_y.push_back(-0.8 * std::cos(5 * angle));
        }
        over = one[0].step(policy(one.states()).item<std::int64_t>()).over;
    }
    Plot numbers({.title = "A fresh episode by its numbers", .x = "seconds"});
    numbers.line("position of the cart (metres)", seconds, position).line("lean of the pole (degrees)", seconds, lean);
    Plot film({.title = "Its first seconds; the pole leans five times as much as it did",
               .x = "tenths of a second",
               .y = "seconds",
               .x_range = {{-0.7, 9.7}},
               .y_range = {{3.4, -1}}});
    return {numbers, film.points("cart", cart_x, cart_y).arrows(cart_x, cart_y, pole_x, pole_y)};
}

}  // namespace

void learn_cartpole(Example& example, std::int64_t steps, const std::function<Policy(Course&)>& learn) {
    constexpr int seeds = 5;
    const auto seed_of = [&](int i) { return example.seed() + static_cast<std::uint64_t>(i); };
    xgrad::nn::ProgressBar progress;
    progress.start("five learners", seeds * steps, "steps");
    std::vector<Course> courses;
    for (int i = 0; i < seeds; ++i)
        courses.emplace_back(seed_of(i), steps, [&](std::int64_t more) {
#pragma omp critical(cartpole_progress)
            if (progress.advance(more)) progress.show();
        });
    std::vector<Policy> policies(seeds);
    for_each_seed(example.seed(), seeds, [&](std::int64_t i) {
        auto& course = courses[static_cast<std::size_t>(i)];
        policies[static_cast<std::size_t>(i)] = learn(course);
        course.skip_the_rest();
    });
    progress.clear();

    Plot curves({.title = "Return of the latest 20 episodes",
                 .x = "steps of the environment",
                 .y = "steps that the pole stood",
                 .width = 1096});
    int reached = 0;
    double total = 0;
    for (std::size_t i = 0; i < courses.size(); ++i) {
        Generator fresh(seed_of(static_cast<int>(i)) + 1000);
        const double mean = mean_return(policies[i], 100, fresh);
        reached += mean >= 475;
        total += mean;
        example.figure(fmt::format("seed {}: mean return of 100 fresh episodes, after {} steps",
                                   seed_of(static_cast<int>(i)), courses[i].made()),
                       mean);
        curves.line(fmt::format("seed {}", seed_of(static_cast<int>(i))), courses[i].curve_steps(),
                    courses[i].curve_returns());
    }
    Generator fresh(example.seed() + 2000);
    example.picture("curves.svg", "How the five learn, until nothing is left to learn.", {curves}, 1);
    example.picture("episode.svg", "The policy of the first seed in an episode that it has not seen.",
                    episode(policies[0], fresh));
    example.figure("mean return of all seeds (by chance it is about 22)", total / seeds, {.brief_at_least = 100});
    example.figure("seeds with a mean return of at least 475", reached, {.at_least = 4});
}
