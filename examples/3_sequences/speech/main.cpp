// Speech recognition. A recurrent network reads the spectra of a recording in both directions and predicts at each step
// the probability of every letter, or of none (a blank). The data do not say when each letter is heard: the
// connectionist temporal classification loss (CTC; Graves, Fernández, Gomez and Schmidhuber 2006) sums over all
// alignments of the letters with the steps. The text is then decoded: the likeliest letter of each step, repetitions
// merged, blanks removed.
//
// The speech is synthesised by espeak-ng in many voices, accents, speeds and pitches, with white noise. The network is
// tested on voices that it was not trained on.
// needs: espeak-ng

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <fmt/core.h>
#include <sstream>

#include <example.hpp>

#include "sound.hpp"

using namespace xgrad;

namespace {

const nn::CharVocabulary& letters() {
    static const nn::CharVocabulary characters("abcdefghijklmnopqrstuvwxyz ", {.special = {"_"}});
    return characters;
}
std::int64_t blank() { return letters().id_of("_"); }

/// Spectra (frames, 40), letters, and their number.
using Sample = std::tuple<Tensor, Tensor, std::int64_t>;

Sample sample_of(const Recording& recording, double decibels, Generator& generator, double stretch = 1) {
    const Tensor text = letters().encode(recording.words);
    return {log_mel(with_noise(recording.wave, decibels, generator), stretch), text, text.size()};
}

/// Two convolutions over time and bands detect features of letters at any pitch and time, and a bidirectional LSTM
/// combines them (Deep Speech 2: Amodei et al. 2016). The first convolution takes two frames as one step.
struct Listener {
    nn::Conv2d conv1{1, 16, 5, {.stride = 2, .padding = 2, .bias = false}},
        conv2{16, 32, 3, {.stride = {1, 2}, .padding = 1, .bias = false}};
    nn::BatchNorm2d norm1{16}, norm2{32};
    nn::LSTM lstm{32 * 10, 96, {.num_layers = 2, .batch_first = true, .dropout = 0.3, .bidirectional = true}};
    nn::Linear output{192, letters().size()};
    XGRAD_FIELDS(conv1, conv2, norm1, norm2, lstm, output)

    static Tensor steps(const Tensor& frames) { return floor_divide(frames + 1, 2); }
    /// Log-probabilities of the letters: (N, steps, letters). If a shorter sample is padded, zeros replace the padding
    /// before each convolution, just as beyond the end anyway: a sample's result does not depend on the others of its
    /// batch, except through the normalisation statistics in training, which include the padding.
    Tensor operator()(const Tensor& spectra, const Tensor& frames) const {
        Tensor x = relu(norm1(conv1(expand_dims(spectra, 1))));
        const Tensor there = less(arange(x.shape(2)), expand_dims(steps(frames), 1)).to(DType::f32);
        x = relu(norm2(conv2(x * expand_dims(there, {1, 3}))));
        return log_softmax(output(lstm(flatten(swapaxes(x, 1, 2), 2), {.lengths = steps(frames)}).output));
    }
};

/// SpecAugment (Park et al. 2019): in each sample (frames, bands) a range of bands and a range of frames are masked
/// with silence.
Tensor masked(const Tensor& spectra) {
    const auto heard = [&](std::int64_t size, double most) {  // (N, size): 0 in one stretch of at most `most`
        const Tensor width = rand({spectra.shape(0), 1}) * most,
                     from = rand({spectra.shape(0), 1}) * (static_cast<double>(size) - width);
        const Tensor place = arange(size).to(DType::f32);
        return logical_or(less(place, from), less_equal(from + width, place)).to(DType::f32);
    };
    return spectra * expand_dims(heard(40, 5) * heard(40, 5), 1) * expand_dims(heard(spectra.shape(1), 4), 2);
}

/// A batch of recordings, each with its own noise and a vocal tract randomly lengthened or shortened, new ones in each
/// epoch.
auto heard_anew(const std::vector<Recording>& recordings, Generator& generator) {
    std::vector<Sample> samples;
    for (const Recording& recording : recordings) {
        const double decibels = uniform(10, 30, generator).item(), stretch = uniform(0.8, 1.2, generator).item();
        samples.push_back(sample_of(recording, decibels, generator, stretch));
    }
    return nn::PadCollate()(samples);
}

nn::History train(Listener& listener, const std::vector<Recording>& recordings, std::int64_t epochs,
                  std::int64_t batch_size) {
    nn::DataLoader loader(recordings, {.batch_size = batch_size, .shuffle = true}, heard_anew);
    nn::AdamW adam({.lr = 5e-3, .weight_decay = 1e-2});
    nn::OneCycleLR schedule(adam, 5e-3, {.total_steps = epochs * loader.size()});
    nn::Trainer trainer(listener, adam,
                        {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true, .clip_grad_norm = 5.0});
    return trainer.fit(loader, [](const Listener& model, const auto& batch) {
        const auto& [spectra, frames, text, text_lengths] = batch;
        const Tensor said = swapaxes(model(masked(spectra), frames), 0, 1);
        return nn::ctc_loss(said, text, Listener::steps(frames), text_lengths, {.blank = blank()});
    });
}

/// The likeliest letter of each step (steps), repetitions merged and blanks removed.
std::string read_off(const Tensor& best) {
    std::vector<std::int64_t> text;
    std::int64_t last = blank();
    for (const std::int64_t letter : best.data<std::int64_t>()) {
        if (letter != last && letter != blank()) text.push_back(letter);
        last = letter;
    }
    return letters().decode(tensor(text, {std::ssize(text)}));
}

Texts words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

/// The number of words to insert, delete or substitute to turn one into the other (Levenshtein 1966).
std::int64_t edit_distance(const Texts& a, const Texts& b) {
    std::vector<std::int64_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<std::int64_t>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::int64_t diagonal = std::exchange(row[0], static_cast<std::int64_t>(i));
        for (std::size_t j = 1; j <= b.size(); ++j)
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
    }
    return row.back();
}

struct Heard {
    double word_error;
    std::string faults;
};
Heard listen(const Listener& listener, const std::vector<Recording>& recordings, double decibels,
             Generator& generator) {
    const NoRecording nothing;
    std::vector<Sample> samples;
    for (const Recording& recording : recordings) samples.push_back(sample_of(recording, decibels, generator));
    std::int64_t errors = 0, words = 0;
    Heard heard;
    auto recording = recordings.begin();
    for (const auto& [spectra, frames, text, text_lengths] :
         nn::DataLoader(samples, {.batch_size = 100}, nn::PadCollate())) {
        const Tensor best = argmax(listener(spectra, frames), -1), steps = Listener::steps(frames);
        for (std::int64_t i = 0; i < best.shape(0); ++i, ++recording) {
            const std::string said = read_off(slice(best[i], 0, 0, steps[i].item<std::int64_t>()));
            const std::int64_t wrong = edit_distance(words_of(said), words_of(recording->words));
            errors += wrong;
            words += std::ssize(words_of(recording->words));
            if (wrong > 0 && heard.faults.size() < 300)
                heard.faults += fmt::format("\n{}  instead of  {}", said, recording->words);
        }
    }
    heard.word_error = static_cast<double>(errors) / static_cast<double>(words);
    return heard;
}

/// The spectrogram of one recording, and the letters where they are heard.
std::vector<nn::Plot> alignment(const Listener& listener, const Sample& sample) {
    const NoRecording nothing;
    const auto& [spectra, text, length] = sample;
    const Tensor probability =
        exp(listener(expand_dims(spectra, 0), tensor({spectra.shape(0)}))[0]);  // (steps, letters)
    const std::int64_t steps = probability.shape(0);
    const double step = 2 * hop / sample_rate, end = step * static_cast<double>(steps);
    nn::Plot spectrogram(
        {.title = "What the network hears", .x = "seconds", .y = "mel band", .width = 1000, .height = 300});
    spectrogram.heat_map(transpose(spectra), {.x = {{0, end}}, .y = {{0, 39}}, .name = "level"});
    nn::Plot says(
        {.title = "How likely each letter is", .x = "seconds", .y = "probability", .width = 1000, .height = 260});
    const Tensor seconds = arange(steps).to(DType::f32) * step;
    const Tensor best = argmax(probability, -1);
    std::int64_t last = blank();
    for (std::int64_t i = 0; i < steps; ++i) {
        const std::int64_t letter = best[i].item<std::int64_t>();
        if (letter != last && letter != blank())
            spectrogram.text(step * static_cast<double>(i), 37, letters().decode(best[i]));
        last = letter;
    }
    for (std::int64_t letter = 0; letter < blank(); ++letter)
        if (max(select(probability, 1, letter)).item() > 0.3)
            says.line(letters().decode(tensor({letter})), seconds, select(probability, 1, letter));
    return {spectrogram, says};
}

}  // namespace

int main(int argc, char** argv) {
    Example example("speech", "Recognises spoken words in voices that it has never heard, letter by letter.");
    std::int64_t epochs = 15, utterances = 120;
    example.option("--epochs", epochs, "Passes over the recordings");
    example.option("--utterances", utterances, "Recordings of each voice");
    bool validate = false;
    example.option("--validate", validate, "Judge by other voices, which are left out, to choose the settings");
    return example.run(argc, argv, [&] {
        if (example.brief()) utterances = 20, epochs = 7;
        example.note("The speech is synthetic: espeak-ng's voices, with white noise.");
        Generator generator(example.seed());
        Texts voices = all_voices;
        std::ranges::shuffle(voices, generator);
        if (validate) voices.erase(voices.begin(), voices.begin() + 12);
        const Texts unheard(voices.begin(), voices.begin() + 12), heard(voices.begin() + 12, voices.end());
        const auto training = record(heard, utterances, example.pick(6, 2), example.brief(), generator);
        const auto test = record(unheard, example.pick(60, 20), 2, example.brief(), generator);
        Listener listener;
        const nn::History history = train(listener, training, epochs, example.pick(32, 16));
        const Heard usual = listen(listener, test, 20, generator);
        if (!usual.faults.empty()) example.note("Misheard, as it spells it:" + usual.faults);
        // Guessing would have an error rate of 0.9 or more.
        example.figure("word errors, unheard voices, noise 20 dB below", usual.word_error,
                       {.at_most = 0.05, .brief_at_most = 0.6});

        const std::vector<double> levels = {0, 5, 10, 15, 20, 25, 30};
        std::vector<double> errors;
        for (const double level : levels) errors.push_back(listen(listener, test, level, generator).word_error);
        nn::Plot noise({.title = "Unheard voices in noise",
                        .x = "decibels of speech above noise",
                        .y = "word errors",
                        .y_range = {{0, 1}}});
        noise.line("", levels, errors, {.marks = true});
        nn::Plot loss({.title = "While it learns", .x = "epoch", .y = "CTC loss", .log_y = true});
        loss.line("", history.column("loss"));
        example.picture("noise.svg", "It learned with noise of 10 to 30 dB.", {noise, loss});
        const auto longest =
            std::ranges::max_element(test, {}, [](const Recording& recording) { return recording.words.size(); });
        example.picture("alignment.svg", "\"" + longest->words + "\": nobody told it which letter is heard when.",
                        alignment(listener, sample_of(*longest, 20, generator)), 1);
    });
}
