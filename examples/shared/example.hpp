#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nn/plot/plot.hpp>
#include <optional>
#include <string>
#include <vector>

// The common part of all examples: the command line, the folder, figures with their targets, pictures, and the page
// that shows them.

/// The target of a figure, and another target for brief runs (in CI), which should only learn something.
struct Target {
    std::optional<double> at_least = {}, at_most = {};
    std::optional<double> brief_at_least = {}, brief_at_most = {};
};

/// A program under examples/.
///
///     int main(int argc, char** argv) {
///         Example example("xor", "Learns the exclusive or with a 2-4-1 tanh network.");
///         std::int64_t steps = 500;
///         example.option("--steps", steps, "Training steps");
///         return example.run(argc, argv, [&] {
///             …
///             example.figure("largest error", error, {.at_most = 0.25});
///             example.picture("loss.svg", "The loss falls.", {plot});
///         });
///     }
class Example {
public:
    Example(std::string name, std::string what);
    ~Example();

    /// Options of the example. A bool is a switch; integers must be at least `least`, 1 or 0; other numbers must not be
    /// negative.
    void option(const std::string& flag, std::int64_t& value, const std::string& help, std::int64_t least = 1);
    void option(const std::string& flag, double& value, const std::string& help);
    void option(const std::string& flag, std::string& value, const std::string& help);
    void option(const std::string& flag, bool& value, const std::string& help);

    /// The default number of threads; if not set, 0: one per core.
    void default_threads(int threads);

    /// Reads the command line, seeds the library, runs the body and writes result.json into its folder. Returns the
    /// exit code: 0 when all targets were reached, 1 when one was missed, 2 for wrong use and errors, whose message
    /// goes to standard error.
    int run(int argc, char** argv, const std::function<void()>& body);

    std::uint64_t seed() const;
    bool brief() const;
    /// Returns the first argument, or the second in a brief run.
    template <class T>
    T pick(T whole, T brief_one) const {
        return brief() ? brief_one : whole;
    }
    /// A path in the example's folder, which exists.
    std::string path(const std::string& file) const;

    /// A result: printed, with its target if it has one, and shown on the page.
    void figure(const std::string& what, double value, const Target& target = {});
    /// The plots as one SVG file, shown on the page with its caption.
    void picture(const std::string& file, const std::string& caption, const std::vector<xgrad::nn::Plot>& plots,
                 int columns = 2);
    /// A sentence or text for the page (also printed): samples, the settings tried, a remark that data are synthetic.
    void note(const std::string& text);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};
