#pragma once

#include <autodiff/autodiff.hpp>

#include <string>
#include <vector>

// Sounds: words spoken by espeak-ng, with noise added, and analysed by frequency.

using Texts = std::vector<std::string>;

constexpr double sample_rate = 22050;  // espeak-ng's
constexpr std::int64_t hop = 256;  // samples from one spectrum to the next

/// The espeak-ng voices that sound more or less human; whispers, robots and monsters are left out.
extern const Texts all_voices;

/// A recording of spoken words.
struct Recording {
    std::string words;
    xgrad::Tensor wave;  // (samples)
};

/// `count` utterances by each of the voices, in up to `accents` accents, at different speeds and pitches: one to three
/// words of 28, or single digits. std::runtime_error when espeak-ng is not available.
std::vector<Recording> record(const Texts& voices, std::int64_t count, std::int64_t accents, bool digits,
                              xgrad::Generator& generator);

/// Adds white noise, with a power this many decibels below that of the speech.
xgrad::Tensor with_noise(const xgrad::Tensor& wave, double decibels, xgrad::Generator& generator);

/// Log-mel spectrogram (frames, bands): the power of each short piece of the wave (Hann windows, half of each shared
/// with the next) in bands that are narrow for low frequencies and wide for high ones, like the ear's (mel scale:
/// O'Shaughnessy 1987); its logarithm is normalised to mean 0 in each band and standard deviation 1 overall. All
/// frequencies are first multiplied by `stretch`, which sounds like a shorter vocal tract (Jaitly and Hinton 2013).
xgrad::Tensor log_mel(const xgrad::Tensor& wave, double stretch = 1, std::int64_t bands = 40);
