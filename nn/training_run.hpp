#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "safetensors.hpp"
#include "trainer.hpp"

// The inside of Trainer: what a run consists of, and what of it a checkpoint holds.

namespace xgrad::nn::detail {

struct TrainerCore::Setup {
    ModelRef model;
    Optimizer& optimizer;
    TrainerOptions options;
    Location where;  ///< of the user's line that made the Trainer: errors of files name it
    std::vector<std::pair<std::string, ModelRef>> kept = {};
    std::vector<std::unique_ptr<Hook>> step_hooks = {}, epoch_hooks = {};

    std::string file(const char* name) const { return options.out + "/" + name; }
};

using Row = std::vector<std::pair<std::string, double>>;

/// Where a run stands, apart from the objects that it changes.
struct RunState {
    History history;
    std::int64_t epoch = 0;  ///< the one that runs, from 0
    std::int64_t batch = 0;  ///< batches of it that are done
    bool trained = false;    ///< all of them are, and `row` has the numbers
    Row row;
    Log log;
    double seconds = 0;           ///< of this epoch, before this process
    std::int64_t since_best = 0;  ///< epochs since the best one
    std::vector<Tensor> sums;     ///< gradients of an accumulation that is not complete
    std::int64_t summed = 0;
    LoaderPosition training, validation;  ///< of epoch 0
};

/// Everything as named tensors and texts. `batches` is the loader's length.
std::pair<State, Metadata> checkpoint_of(TrainerCore::Setup& setup, const RunState& run, std::int64_t batches);
/// Puts everything back. FormatError for a file that is no checkpoint; ValueError when it is of another run.
void restore(TrainerCore::Setup& setup, RunState& run, std::int64_t batches, const std::string& path);

/// Catches SIGINT while it lives, unless the process ignores it. After the first one the signal has its usual effect again.
class Interrupt {
public:
    explicit Interrupt(bool wanted);
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    bool raised() const;

private:
    bool active_;
    int before_ = 0;
};

/// Tells people at the terminal how far a run is.
class ProgressBar {
public:
    explicit ProgressBar(ProgressStyle style);
    /// Is it time to draw the bar anew? At most ten times a second.
    bool due() const { return bar_ && std::chrono::steady_clock::now() >= next_; }
    /// `batches` is -1 where nobody knows.
    void show(const std::string& title, std::int64_t batch, std::int64_t batches, const Row& numbers);
    /// A line that stays.
    void line(const std::string& text);
    void clear();

private:
    bool bar_, lines_, shown_ = false;
    std::chrono::steady_clock::time_point next_ = {}, start_ = {};
    std::int64_t first_ = 0;
};

/// "loss 0.3456", numbers as people want them.
std::string readable_number(double value);

}  // namespace xgrad::nn::detail
