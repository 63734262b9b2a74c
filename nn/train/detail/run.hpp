#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nn/train/progress.hpp"
#include "nn/train/trainer.hpp"
#include "nn/weights/safetensors.hpp"

// The inside of Trainer: what a run consists of, and what of it a checkpoint holds.

namespace xgrad::nn::detail {

struct TrainerCore::Setup {
    ModelRef model;
    std::vector<OptimizedPart> parts;
    TrainerOptions options;
    std::string model_name;
    bool stop_wanted = false;
    std::vector<std::pair<std::string, ModelRef>> kept = {};
    std::vector<std::unique_ptr<Hook>> step_hooks = {}, epoch_hooks = {};

    std::string file(const char* name) const { return options.out + "/" + name; }
};

using Row = ProgressBar::Numbers;

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
    std::int64_t largest_batch = 0;       ///< samples in it, of those that this process saw
};

/// ValueError for options that make no sense.
void check_options(const TrainerOptions& options, Location where);
/// Each parameter must be trained by one optimizer.
void check_parts(const TrainerCore::Setup& setup, Location where);
/// Makes the folder; what another run left there is removed only where that is wanted.
void prepare_folder(const TrainerCore::Setup& setup, Location where);
/// "Net" of mynamespace::Net.
std::string readable_type(const std::type_info& type);
/// The name of the first parameter with a NaN or infinity in it, or "".
std::string first_not_finite(ModelRef model);
/// The page of the run, with its model and optimizers, sizes and the date.
std::string report_of(const TrainerCore::Setup& setup, const RunState& run, std::int64_t batches);

/// Everything as named tensors and texts. `batches` is the loader's length.
std::pair<State, Metadata> checkpoint_of(TrainerCore::Setup& setup, const RunState& run, std::int64_t batches);
/// Puts everything back. FormatError for a file that is no checkpoint; ValueError when it is of another run.
void restore(TrainerCore::Setup& setup, RunState& run, std::int64_t batches, const std::string& path, Location where);

/// Catches SIGINT while it lives, unless the process ignores it. After the first one the signal has its usual effect
/// again.
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

/// "loss 0.3456", numbers as people want them.
std::string readable_number(double value);

}  // namespace xgrad::nn::detail
