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

// The internals of Trainer: the state of a run, and what a checkpoint holds of it.

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

/// The position of a run, apart from the objects that it changes.
struct RunState {
    History history;
    std::int64_t epoch = 0;  ///< the current epoch, from 0
    std::int64_t batch = 0;  ///< completed batches of the epoch
    bool trained = false;    ///< all batches are completed, and `row` has the numbers
    Row row;
    Log log;
    double seconds = 0;           ///< spent on this epoch before this process
    std::int64_t since_best = 0;  ///< epochs since the best one
    std::vector<Tensor> sums;     ///< gradients of an incomplete accumulation
    std::int64_t summed = 0;
    LoaderPosition training, validation;  ///< of epoch 0
    std::int64_t largest_batch = 0;       ///< most samples in a batch that this process saw
};

/// ValueError for invalid options.
void check_options(const TrainerOptions& options, Location where);
/// Checks that each parameter is trained by exactly one optimizer.
void check_parts(const TrainerCore::Setup& setup, Location where);
/// Creates the folder; files of another run are removed only if the options request it.
void prepare_folder(const TrainerCore::Setup& setup, Location where);
/// "Net" of mynamespace::Net.
std::string readable_type(const std::type_info& type);
/// The name of the first parameter that contains a NaN or infinity, or "".
std::string first_not_finite(ModelRef model);
/// The report page of the run, with its model and optimizers, sizes and the date.
std::string report_of(const TrainerCore::Setup& setup, const RunState& run, std::int64_t batches);

/// The whole run as named tensors and texts. `batches` is the loader's length.
std::pair<State, Metadata> checkpoint_of(TrainerCore::Setup& setup, const RunState& run, std::int64_t batches);
/// Restores the whole run. FormatError for a file that is not a checkpoint; ValueError when it belongs to another run.
void restore(TrainerCore::Setup& setup, RunState& run, std::int64_t batches, const std::string& path, Location where);

/// Catches SIGINT while it lives, unless the process ignores it. After the first one, the signal has its default effect
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

/// A number in human-readable form, as in "loss 0.3456".
std::string readable_number(double value);

}  // namespace xgrad::nn::detail
