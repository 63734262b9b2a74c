#include "sound.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/core.h>
#include <nn/train/progress.hpp>
#include <numbers>
#include <span>
#include <stdexcept>

using namespace xgrad;

namespace {

/// The words, and their speed and pitch in per cent of the voice's default.
struct Utterance {
    std::string words;
    int rate, pitch;
};

const Texts vocabulary = {"zero", "one",   "two",  "three",  "four",  "five",  "six", "seven", "eight", "nine",
                          "red",  "green", "blue", "yellow", "black", "white", "go",  "stop",  "left",  "right",
                          "up",   "down",  "open", "close",  "start", "wait",  "yes", "no"};
const Texts accents = {"en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-us-nyc"};

/// The output of a command.
std::string output_of(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("espeak-ng cannot be started");
    std::string output;
    char buffer[65536];
    for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, got);
    if (pclose(pipe) != 0 || output.empty())
        throw std::runtime_error("espeak-ng does not run; Debian has it in the package espeak-ng");
    return output;
}

/// The parts of a recording between silences of at least four tenths of a second, with a little of the silence around
/// them.
std::vector<Tensor> parts_of(std::span<const std::int16_t> samples) {
    constexpr std::size_t silence = 9000, margin = 1100;
    std::vector<Tensor> parts;
    std::size_t first = 0, last = 0;  // first and last loud sample of the current part
    const auto finish = [&] {
        const std::size_t begin = first < margin ? 0 : first - margin, end = std::min(samples.size(), last + margin);
        std::vector<float> wave;
        for (const std::int16_t sample : samples.subspan(begin, end - begin))
            wave.push_back(static_cast<float>(sample) / 32768);
        parts.push_back(tensor(wave));
    };
    bool begun = false;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (std::abs(samples[i]) <= 3) continue;
        if (begun && i - last >= silence) {
            finish();
            begun = false;
        }
        if (!begun) first = i;
        begun = true;
        last = i;
    }
    if (begun) finish();
    return parts;
}

/// Lets a voice of espeak-ng ("en-us+f3") speak all utterances: one wave (samples) for each.
std::vector<Tensor> spoken(const std::string& voice, const std::vector<Utterance>& utterances) {
    std::string text = "<speak>";  // SSML, the speech synthesis markup language
    for (const Utterance& utterance : utterances)
        text += fmt::format("<prosody rate=\"{}%\" pitch=\"{}%\">{}</prosody><break time=\"1200ms\"/>\n",
                            utterance.rate, utterance.pitch, utterance.words);
    const std::string wav = output_of(fmt::format("espeak-ng -m -v '{}' --stdout '{}</speak>'", voice, text));
    constexpr std::size_t header = 44;
    const auto parts =
        parts_of({reinterpret_cast<const std::int16_t*>(wav.data() + header), (wav.size() - header) / 2});
    if (parts.size() != utterances.size())
        throw std::runtime_error(fmt::format("espeak-ng's voice {} said {} sentences instead of {}", voice,
                                             parts.size(), utterances.size()));
    return parts;
}

constexpr std::int64_t window = 2 * hop, frequencies = 186;  // up to 8 kHz

/// Windowed waves of all frequencies (window, frequencies): multiplied with a piece of sound, the real and imaginary
/// parts of its discrete Fourier transform.
struct Basis {
    Tensor real, imaginary;
};
Basis fourier_basis() {
    const Tensor t = arange(window).to(DType::f32),
                 phase = outer(t, arange(frequencies).to(DType::f32)) * (2 * std::numbers::pi / window);
    const Tensor hann = expand_dims(square(sin(t * (std::numbers::pi / window))), 1);
    return {hann * cos(phase), hann * sin(phase)};
}

/// Triangles (frequencies, bands) that are equally wide on the mel scale.
Tensor mel_bands(double stretch, std::int64_t bands) {
    const double low = 2595 * std::log10(1 + 80 / 700.0), high = 2595 * std::log10(1 + 8000 / 700.0);
    const Tensor mel =
        2595 / std::log(10) * log1p(arange(frequencies).to(DType::f32) * (stretch * sample_rate / window / 700));
    const Tensor place =
        (mel - low) /
        ((high - low) / static_cast<double>(bands + 1));  // band b rises from b to b + 1 and falls until b + 2
    return maximum(1 - abs(expand_dims(place, 1) - (arange(bands).to(DType::f32) + 1)), 0);
}

}  // namespace

const Texts all_voices = {
    "Alex",  "Alicia",  "Andrea",   "Andy",    "Annie",   "Denis",  "Diogo",   "Gene",   "Henrique", "Hugo",
    "Jacky", "Lee",     "Marco",    "Mario",   "Michael", "Mike",   "Nguyen",  "adam",   "anika",    "antonio",
    "aunty", "belinda", "benjamin", "boris",   "caleb",   "david",  "ed",      "edward", "f1",       "f2",
    "f3",    "f4",      "f5",       "grandma", "grandpa", "iven",   "john",    "linda",  "m1",       "m2",
    "m3",    "m4",      "m5",       "m6",      "m7",      "m8",     "marcelo", "max",    "miguel",   "norbert",
    "pablo", "paul",    "quincy",   "rob",     "robert",  "sandro", "shelby",  "steph",  "travis",   "zac"};

std::vector<Recording> record(const Texts& voices, std::int64_t count, std::int64_t accents_each, bool digits,
                              Generator& generator) {
    const auto word = [&] { return vocabulary[generator() % (digits ? 10 : vocabulary.size())]; };
    std::vector<Recording> recordings;
    nn::ProgressBar bar;
    bar.start("voices", std::ssize(voices));
    for (const std::string& voice : voices) {
        Texts some = accents;
        std::ranges::shuffle(some, generator);
        some.resize(static_cast<std::size_t>(accents_each));
        for (const std::string& accent : some) {
            std::vector<Utterance> utterances;
            for (std::int64_t i = 0; i < (count + accents_each - 1) / accents_each; ++i) {
                std::string words = word();
                for (std::size_t more = digits ? 0 : generator() % 3; more > 0; --more) words += " " + word();
                utterances.push_back(
                    {words, 80 + static_cast<int>(generator() % 51), 70 + static_cast<int>(generator() % 71)});
            }
            const auto waves = spoken(accent + "+" + voice, utterances);
            for (std::size_t i = 0; i < waves.size(); ++i) recordings.push_back({utterances[i].words, waves[i]});
        }
        if (bar.advance()) bar.show();
    }
    return recordings;
}

Tensor with_noise(const Tensor& wave, double decibels, Generator& generator) {
    const double power = mean(square(wave)).item() * std::pow(10, -decibels / 10);
    return wave + std::sqrt(power) * randn(wave.shape(), generator);
}

Tensor log_mel(const Tensor& wave, double stretch, std::int64_t bands) {
    static const Basis basis = fourier_basis();
    const Tensor pieces = unfold(wave, 0, window, hop);  // (frames, window)
    const Tensor power = square(matmul(pieces, basis.real)) + square(matmul(pieces, basis.imaginary));
    const Tensor level = log(matmul(power, mel_bands(stretch, bands)) + 1e-6);
    return (level - mean(level, 0, true)) / stddev(level);
}
