#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

/// The figures of one pass over the training set.
struct Epoch {
    int number;
    double loss, train_accuracy, test_loss, test_accuracy, seconds;
};

/// One line for each epoch: epoch,loss,train_accuracy,test_accuracy,seconds.
void write_metrics(const std::filesystem::path& file, const std::vector<Epoch>& epochs);

/// Losses and accuracies over the epochs, side by side, as in the pages of nn::Trainer.
void draw_curves(const std::filesystem::path& file, const std::vector<Epoch>& epochs);

/// A grid of images with their predicted class and, where that is wrong, the true one in red. All spans are as long as the number of
/// images; an image is 28x28 bytes.
void draw_predictions(const std::filesystem::path& file, std::span<const std::uint8_t> pixels, std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> labels);
