#pragma once

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <vector>

#include "example.hpp"

// The pole on a cart of Barto, Sutton and Anderson (Neuronlike adaptive elements that can solve difficult learning
// control problems, IEEE Transactions SMC 13, 1983) with the numbers of Gymnasium's CartPole-v1, and the common parts
// of the examples that learn to balance it.

/// A random number from [0, 1).
inline double uniform(xgrad::Generator& random) { return random() / 4294967296.0; }

/// A cart on a track, pushed to the left (0) or to the right (1), with a pole standing on it. Each step in which the
/// pole stands gives a reward of 1.
class CartPole {
public:
    static constexpr int limit = 500;  // maximum steps of an episode
    struct Step {
        bool fell;  // the episode ends because the pole leans by 12 degrees or the cart has left the track
        bool over;  // the episode ends, perhaps because the time is up
    };

    /// Starts an episode near the upright position.
    void reset(xgrad::Generator& random) {
        for (double& number : state_) number = 0.1 * uniform(random) - 0.05;
        steps_ = 0;
    }
    Step step(std::int64_t action) {
        constexpr double gravity = 9.8, cart = 1.0, pole = 0.1, half = 0.5, seconds = 0.02,
                         degrees = std::numbers::pi / 180;
        auto& [x, speed, angle, turning] = state_;
        const double force = action == 1 ? 10 : -10, sine = std::sin(angle), cosine = std::cos(angle);
        const double push = (force + pole * half * turning * turning * sine) / (cart + pole);
        const double angular =
            (gravity * sine - cosine * push) / (half * (4.0 / 3 - pole * cosine * cosine / (cart + pole)));
        const double linear = push - pole * half * angular * cosine / (cart + pole);
        x += seconds * speed;
        speed += seconds * linear;
        angle += seconds * turning;
        turning += seconds * angular;
        const bool fell = std::abs(x) > 2.4 || std::abs(angle) > 12 * degrees;
        return {fell, fell || ++steps_ >= limit};
    }
    /// The cart's position and speed, the pole's angle and angular speed.
    const std::array<double, 4>& state() const { return state_; }

private:
    std::array<double, 4> state_{};
    int steps_ = 0;
};

/// Several carts at once, so that a network sees a batch; each restarts when its episode is over.
class CartPoles {
public:
    CartPoles(std::int64_t count, xgrad::Generator& random)
        : poles_(static_cast<std::size_t>(count)), random_(&random) {
        for (CartPole& pole : poles_) pole.reset(random);
    }
    std::size_t size() const { return poles_.size(); }
    CartPole& operator[](std::size_t i) { return poles_[i]; }
    void reset(std::size_t i) { poles_[i].reset(*random_); }
    /// (count, 4) f32.
    xgrad::Tensor states() const {
        std::vector<float> numbers;
        for (const CartPole& pole : poles_)
            for (const double number : pole.state()) numbers.push_back(static_cast<float>(number));
        return xgrad::tensor(numbers, {static_cast<std::int64_t>(poles_.size()), 4});
    }

private:
    std::vector<CartPole> poles_;
    xgrad::Generator* random_;
};

/// A deterministic policy: actions (N) for states (N, 4).
using Policy = std::function<xgrad::Tensor(const xgrad::Tensor&)>;

/// The mean number of steps that the pole stands, over this many new episodes.
double mean_return(const Policy& policy, std::int64_t episodes, xgrad::Generator& random);

/// The interface to a learner: its inputs, and where it reports its progress.
class Course {
public:
    Course(std::uint64_t seed, std::int64_t steps, std::function<void(std::int64_t)> advance)
        : random(seed), steps_(steps), advance_(std::move(advance)) {}

    xgrad::Generator random;

    /// The total number of environment steps allowed.
    std::int64_t steps() const { return steps_; }
    std::int64_t made() const { return made_; }
    /// Reports `steps` more steps and the returns of the episodes that ended in them. Returns false when the course is
    /// over.
    bool advance(std::int64_t steps, const std::vector<double>& returns);
    /// Whether it is time to stop: the policy keeps the pole upright throughout 50 new episodes.
    bool mastered(const Policy& policy);
    /// The mean return of the latest twenty episodes, as a function of steps.
    const std::vector<double>& curve_steps() const { return curve_steps_; }
    const std::vector<double>& curve_returns() const { return curve_returns_; }
    double latest() const;
    /// Completes the progress of a course that ends early.
    void skip_the_rest() { advance_(std::max<std::int64_t>(0, steps_ - made_)); }

private:
    std::int64_t steps_, made_ = 0;
    std::function<void(std::int64_t)> advance_;
    std::vector<double> latest_, curve_steps_, curve_returns_;
};

/// Trains a policy for each of five seeds, as many in parallel as there are threads (a single network is too small to
/// parallelise), tests each in 100 new episodes, and draws the curves and an episode.
void learn_cartpole(Example& example, std::int64_t steps, const std::function<Policy(Course&)>& learn);
