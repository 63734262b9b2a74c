// Character models of the King James Bible (or any other text): Elman's recurrent network, LSTM and GRU, trained by
// truncated back-propagation through time, and a GPT, a Transformer that sees only earlier characters (Radford et al.
// 2018), with ALiBi instead of position encodings (Press, Smith and Lewis 2022) and its matrices trained by Muon
// (Jordan et al. 2024). Each learns to predict the next character, and then generates text.
//
// The measure is bits per character on the last tenth of the text, which no model is trained on: the size that an
// arithmetic coder with these predictions would need. xz -9 and bzip2 -9 need 1.93 and 1.83 there (sizes of the whole
// text less those of its first nine tenths).
// needs: bible-kjv bible-kjv-text
// also: --model gru
// also: --model rnn
// also: --model gpt

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <fmt/core.h>
#include <memory>
#include <optional>

#include <data.hpp>
#include <example.hpp>
#include <transformer.hpp>

using namespace xgrad;

namespace {

struct Options {
    std::string text = "out/kjv.txt", model = "lstm", prompt = "And the LORD said";
    std::int64_t steps = 0, batch_size = 0, context = 64, width = 0, layers = 0, length = 600, top_k = 20;
    double lr = 0, temperature = 0.8;
    bool long_run = false;
};

/// The memory that a model keeps of earlier characters.
struct Memory {
    Tensor h, c;
    std::vector<nn::KeyValueCache> cache;
};

struct Model {
    Model(const Options& o, std::int64_t characters) : embedding(characters, o.width), output(o.width, characters) {
        if (o.model == "rnn")
            rnn.emplace(o.width, o.width, nn::RNNOptions{.num_layers = o.layers, .batch_first = true});
        if (o.model == "gru")
            gru.emplace(o.width, o.width, nn::GRUOptions{.num_layers = o.layers, .batch_first = true});
        if (o.model == "lstm")
            lstm.emplace(o.width, o.width, nn::LSTMOptions{.num_layers = o.layers, .batch_first = true});
        if (o.model != "gpt") return;
        nn::init::normal(embedding.weight, 0, 0.02);
        encoder.emplace(transformer(o.width, heads, o.layers));
    }

    static constexpr std::int64_t heads = 4;
    nn::Embedding embedding;
    std::optional<nn::RNN> rnn;
    std::optional<nn::LSTM> lstm;
    std::optional<nn::GRU> gru;
    std::optional<nn::TransformerEncoder> encoder;
    nn::Linear output;
    XGRAD_FIELDS(embedding, rnn, lstm, gru, encoder, output)

    /// Scores of the next character after each of the characters (samples, steps), which continue those in memory.
    Tensor operator()(const Tensor& characters, Memory& memory) const {
        const Tensor x = embedding(characters);
        if (lstm) {
            const auto [y, h, c] = (*lstm)(x, {.h = memory.h, .c = memory.c});
            memory.h = h;
            memory.c = c;
            return output(y);
        }
        if (encoder) {
            memory.cache.resize(encoder->layers.size());
            const std::int64_t steps = characters.shape(1), all = memory.cache[0].steps() + steps;
            return output(
                (*encoder)(x, {.src_mask = nn::alibi_mask(heads, steps, all), .causal = true, .cache = memory.cache}));
        }
        const auto [y, h] = rnn ? (*rnn)(x, {.h = memory.h}) : (*gru)(x, {.h = memory.h});
        memory.h = h;
        return output(y);
    }
};

/// A text cut into `count` pieces that are read in parallel, one part after another: truncated back-propagation goes
/// through one part, and the recurrent state through all.
struct Streams {
    Streams(const Tensor& characters, std::int64_t count)
        : rows(reshape(slice(characters, 0, 0, characters.size() / count * count),
                       {count, characters.size() / count})) {}
    std::pair<Tensor, Tensor> part(std::int64_t first, std::int64_t steps) const {
        return {slice(rows, 1, first, first + steps), slice(rows, 1, first + 1, first + 1 + steps)};
    }
    std::int64_t steps() const { return rows.shape(1) - 1; }
    Tensor rows;
};

Tensor loss_of(const Tensor& scores, const Tensor& next) {
    return nn::cross_entropy(reshape(scores, {-1, scores.shape(2)}), ravel(next));
}

/// A GPT starts every window anew: the first characters of a window, which have little context, do not count.
double bits_per_character(const Model& model, const Tensor& characters, const Options& options) {
    const Streams streams(characters, options.batch_size);
    const std::int64_t window = model.encoder ? 2 * options.context : options.context,
                       skipped = model.encoder ? window / 4 : 0;
    double sum = 0;
    std::int64_t parts = 0;
    Memory memory;
    for (std::int64_t first = 0; first + window <= streams.steps(); first += window - skipped, ++parts) {
        const auto [x, next] = streams.part(first, window);
        if (model.encoder) memory = {};
        sum += loss_of(slice(model(x, memory), 1, skipped), slice(next, 1, skipped)).item();
    }
    return sum / static_cast<double>(parts) / std::log(2);
}

/// Draws one of the top_k likeliest characters; lower temperatures favour likelier ones.
std::int64_t draw(const Tensor& scores, const Options& options, Generator& generator) {
    const auto [values, places] = topk(scores, std::min(options.top_k, scores.size()));
    return places[categorical(values / options.temperature, {}, generator).item<std::int64_t>()].item<std::int64_t>();
}

/// Continues the prompt, one character at a time: thanks to the memory, earlier characters are not read again.
std::string written(const Model& model, const nn::CharVocabulary& vocabulary, const Options& options,
                    Generator& generator) {
    Tensor text = vocabulary.encode(options.prompt);
    Memory memory;
    Tensor unread = text;
    for (std::int64_t i = 0; i < options.length; ++i) {
        const Tensor scores = model(expand_dims(unread, 0), memory);
        unread = tensor({draw(scores[0][-1], options, generator)});
        text = concat({text, unread});
    }
    return vocabulary.decode(text);
}

void train(Example& example, const Options& options) {
    const std::string text = verses(options.text);
    const nn::CharVocabulary vocabulary(text + options.prompt);
    const Tensor characters = vocabulary.encode(text);
    const std::int64_t split = characters.size() * 9 / 10;
    const Tensor held_out = slice(characters, 0, split, example.pick(characters.size(), split + 60000));
    const Streams streams(slice(characters, 0, 0, split), options.batch_size);
    fmt::print("{} characters of {} kinds\n", characters.size(), vocabulary.size());

    Model model(options, vocabulary.size());
    std::unique_ptr<nn::Optimizer> optimizer =
        std::make_unique<nn::AdamW>(nn::AdamWOptions{.lr = options.lr, .weight_decay = 0.01});
    if (model.encoder) optimizer = std::make_unique<nn::Muon>(transformer_optimizer(options.lr));
    nn::OneCycleLR schedule = one_cycle(*optimizer, options.steps, !model.encoder);
    nn::ProgressBar bar;
    bar.start(options.model, options.steps, "steps");
    std::vector<double> at, training, test;
    Memory memory;
    double recent = 0;
    for (std::int64_t step = 1, first = 0; step <= options.steps; ++step, first += options.context) {
        if (first + options.context > streams.steps() || model.encoder) memory = {};
        if (first + options.context > streams.steps())
            first = static_cast<std::int64_t>(rand({}, nn::default_generator()).item() *
                                              static_cast<double>(options.context));
        const auto [x, next] = streams.part(first, options.context);
        Tape tape;
        const Tensor loss = loss_of(model(x, memory), next);
        optimizer->step(model, nn::clip_grad_norm(model, tape.gradient(loss), 1.0));
        schedule.step();
        const double bits = loss.item() / std::log(2);
        const double weight = std::max(0.02, 1.0 / static_cast<double>(step));
        recent += weight * (bits - recent);
        if (bar.advance()) bar.show({{"bits per character", recent}});
        if (step % std::max<std::int64_t>(1, options.steps / 8) != 0 && step < options.steps) continue;
        at.push_back(static_cast<double>(step));
        training.push_back(recent);
        test.push_back(
            bits_per_character(model, step < options.steps ? slice(held_out, 0, 0, 20000) : held_out, options));
        bar.line(fmt::format("step {}: {:.3f} bits per character in training, {:.3f} on text that it has not seen",
                             step, recent, test.back()));
    }
    bar.clear();

    Generator generator(example.seed());
    example.note(written(model, vocabulary, options, generator));
    nn::Plot plot({.title = options.model, .x = "step", .y = "bits per character"});
    plot.line("training", at, training).line("unseen text", at, test);
    const bool bible = options.text == Options().text;  // the text that the figures for xz and bzip2 and the targets
                                                        // refer to
    if (bible)
        plot.line("xz", {at.front(), at.back()}, {1.93, 1.93}, {.stroke = nn::Stroke::dashed})
            .line("bzip2", {at.front(), at.back()}, {1.83, 1.83}, {.stroke = nn::Stroke::dashed});
    example.picture("bits.svg", "Bits per character while it learns.", {plot});
    nn::save_safetensors(example.path("model.safetensors"), model);
    vocabulary.save(example.path("vocabulary.json"));
    const double target = options.model == "rnn"   ? 2.4
                          : options.model == "gpt" ? (options.long_run ? 1.7 : 2.2)
                          : options.long_run       ? 1.75
                                                   : 2.05;
    example.figure("bits per character on the last tenth", test.back(),
                   bible ? Target{.at_most = target, .brief_at_most = 3.9} : Target{});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("text", "Trains a character model on a text and lets it write: RNN, LSTM, GRU or GPT.");
    Options options;
    example.option("--model", options.model, "rnn, lstm, gru or gpt");
    example.option("--text", options.text, "The text to learn from");
    example.option("--steps", options.steps, "Training steps; 0: as fits the model", 0);
    example.option("--batch-size", options.batch_size, "Parts of the text in one step; 0: as fits the model", 0);
    example.option("--context", options.context, "Characters in each of them");
    example.option("--width", options.width, "Width of the layers, a multiple of 4; 0: as fits the model", 0);
    example.option("--layers", options.layers, "Number of layers; 0: as fits the model", 0);
    example.option("--lr", options.lr, "Largest learning rate; 0: as fits the model");
    example.option("--prompt", options.prompt, "What the model is to continue");
    example.option("--length", options.length, "Characters to write");
    example.option("--temperature", options.temperature, "Less than 1: likelier characters");
    example.option("--top-k", options.top_k, "Only so many of the likeliest characters are drawn");
    example.option("--long", options.long_run, "Train for at most an hour instead of five minutes");
    return example.run(argc, argv, [&] {
        if (options.model != "rnn" && options.model != "lstm" && options.model != "gru" && options.model != "gpt")
            throw std::invalid_argument("--model must be rnn, lstm, gru or gpt, got " + options.model);
        const bool gpt = options.model == "gpt";
        if (options.layers == 0) options.layers = gpt ? example.pick(4, 2) : options.long_run ? 2 : 1;
        if (options.width == 0) options.width = !gpt ? 256 : options.long_run ? 192 : 128;
        if (options.batch_size == 0) options.batch_size = gpt ? 16 : 32;
        if (options.lr == 0) options.lr = gpt ? 3e-3 : options.model == "rnn" ? 1e-3 : 4e-3;
        if (options.steps == 0)
            options.steps = example.brief() ? 60
                            : gpt           ? (options.long_run ? 12000 : 1000)
                                            : (options.model == "rnn" ? 5000 : 2000) * (options.long_run ? 10 : 1);
        train(example, options);
    });
}
