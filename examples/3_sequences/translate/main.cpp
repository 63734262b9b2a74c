// Translation with attention, many to many: two networks read an English sentence and write the German one, a word at a
// time. Both have an encoder, which turns every English word into a vector, and a decoder, which looks at all of these
// vectors before it writes each word:
//
//   - recurrent networks, an LSTM that reads in both directions and one that writes (Sutskever, Vinyals and Le 2014),
//     with the attention of Luong, Pham and Manning 2015: the state of the writer is compared with every word read. The
//     same without attention, for comparison.
//   - a Transformer (Vaswani et al. 2017), in which words look at words and nothing is recurrent.
//
// The sentences are made up by rules (language.cpp), but their grammar is real: German puts units before tens, the date
// before the object, the verb second and what belongs to it last. Sentences to be judged by are about numbers that no
// sentence for learning contains.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <fmt/core.h>
#include <set>

#include <example.hpp>

#include "language.hpp"

using namespace xgrad;

namespace {

/// What the encoder knows of a batch of sentences.
struct Memory {
    Tensor words;  // (N, S, width)
    Tensor padding;  // (N, S), true behind the sentence's end
    Tensor h, c;  // the reader's last state, with which the writer begins
};

Tensor padding_of(const Tensor& source, const Tensor& lengths) {
    return less_equal(expand_dims(lengths, 1), arange(source.shape(1)));
}

struct RecurrentTranslator {
    static constexpr std::int64_t width = 128;
    RecurrentTranslator(std::int64_t english, std::int64_t german, bool with_attention)
        : source(english, 64), target(german, 64), output(width, german), attentive(with_attention) {}
    nn::Embedding source, target;
    nn::LSTM reader{64, width / 2, {.batch_first = true, .bidirectional = true}};
    nn::LSTM writer{64, width, {.batch_first = true}};
    nn::Linear compare{width, width, {.bias = false}};
    nn::Linear combine{2 * width, width};
    nn::Linear output;
    bool attentive;
    XGRAD_FIELDS(source, target, reader, writer, compare, combine, output)

    Memory read(const Tensor& sentences, const Tensor& lengths) const {
        const auto [words, h, c] = reader(source(sentences), {.lengths = lengths});
        const auto both = [](const Tensor& state) {
            return expand_dims(concat({state[0], state[1]}, 1), 0);
        };  // directions side by side
        return {words, padding_of(sentences, lengths), both(h), both(c)};
    }
    Tensor states(const Memory& memory, const Tensor& written) const {
        return writer(target(written), {.h = memory.h, .c = memory.c}).output;
    }
    /// How much each German word looks at each English one: (N, T, S).
    Tensor attention(const Memory& memory, const Tensor& state) const {
        return attention_weights(compare(state), memory.words,
                                 {.mask = logical_not(expand_dims(memory.padding, 1)), .scale = 1.0});
    }
    /// Scores of the word after each of `written` (N, T): (N, T, German words).
    Tensor write(const Memory& memory, const Tensor& written) const {
        const Tensor state = states(memory, written);
        if (!attentive) return output(state);
        return output(tanh(combine(concat({matmul(attention(memory, state), memory.words), state}, 2))));
    }
    Tensor looks(const Memory& memory, const Tensor& written) const {
        return attention(memory, states(memory, written));
    }
};

struct TransformerTranslator {
    static constexpr std::int64_t width = 64;
    TransformerTranslator(std::int64_t english, std::int64_t german)
        : source(english, width), target(german, width), output(width, german) {}
    nn::Embedding source, target;
    nn::SinusoidalPositions positions{width, {.dropout = 0, .batch_first = true}};
    nn::Transformer transformer{{.d_model = width,
                                 .nhead = 4,
                                 .num_encoder_layers = 2,
                                 .num_decoder_layers = 2,
                                 .dim_feedforward = 2 * width,
                                 .dropout = 0,
                                 .batch_first = true,
                                 .norm_first = true}};
    nn::Linear output;
    XGRAD_FIELDS(source, target, positions, transformer, output)

    Memory read(const Tensor& sentences, const Tensor& lengths) const {
        const Tensor padding = padding_of(sentences, lengths);
        return {transformer.encoder(positions(source(sentences)), {.src_key_padding_mask = padding}), padding, {}, {}};
    }
    Tensor write(const Memory& memory, const Tensor& written) const {
        return output(transformer.decoder(positions(target(written)), memory.words,
                                          {.memory_key_padding_mask = memory.padding, .causal = true}));
    }
    /// The mean over heads in the decoder's last layer, whose parts are asked one by one.
    Tensor looks(const Memory& memory, const Tensor& written) const {
        const auto& first = transformer.decoder.layers.front();
        const auto& last = transformer.decoder.layers.back();
        const Tensor x = first(positions(target(written)), memory.words,
                               {.memory_key_padding_mask = memory.padding, .causal = true});
        const Tensor y = x + last.self_attn(last.norm1(x), {.causal = true}).output;
        return last.multihead_attn(last.norm2(y), memory.words, memory.words, {.need_weights = true}).weights;
    }
};

struct Corpus {
    std::vector<Pair> pairs;
    std::vector<std::pair<Tensor, Tensor>> numbers;  // of English words; of German ones between begin and end
};

Corpus make_corpus(std::int64_t count, bool held_out, Words& english, Words& german, Generator& generator) {
    Corpus corpus;
    for (std::set<Tokens> known; std::ssize(corpus.pairs) < count;) {
        const Pair pair = draw_pair(held_out, generator);
        if (!known.insert(pair.english).second) continue;
        corpus.pairs.push_back(pair);
        corpus.numbers.push_back({english.encode(pair.english),
                                  concat({tensor({Words::begin}), german.encode(pair.german), tensor({Words::end})})});
    }
    return corpus;
}

/// The likeliest word, then the likeliest behind that, and so on until every sentence has ended: (N, words).
template <class Model>
Tensor translate(const Model& model, const Tensor& sentences, const Tensor& lengths) {
    const NoRecording nothing;
    const Memory memory = model.read(sentences, lengths);
    Tensor written = full({sentences.shape(0), 1}, Words::begin, DType::i64);
    while (written.shape(1) < 40 && !all(any(equal(written, Words::end), 1)))
        written = concat({written, argmax(slice(model.write(memory, written), 1, -1), -1)}, 1);
    return slice(written, 1, 1);
}

struct Marks {
    double words, sentences;  // right words after right ones, and sentences that are right as a whole
    std::string faults;
};

/// Trains a model and has it translate the sentences that it has not seen.
template <class Model>
Marks learn(Model& model, const Corpus& training, const Corpus& test, const Words& german, std::int64_t epochs,
            double lr, nn::Plot& losses, const std::string& name) {
    const auto step = [](const Model& network, const auto& batch, nn::Log& log) {
        const auto& [sentences, lengths, words] = batch;
        const Tensor scores = network.write(network.read(sentences, lengths), slice(words, 1, 0, -1)),
                     next = slice(words, 1, 1);
        const Tensor counts = not_equal(next, Words::padding);
        log("words", nn::accuracy(select(scores, counts), select(next, counts)));
        return nn::cross_entropy(reshape(scores, {-1, scores.shape(2)}), ravel(next), {.ignore_index = Words::padding});
    };
    nn::DataLoader loader(training.numbers, {.batch_size = 64, .shuffle = true}, nn::PadCollate());
    nn::DataLoader test_loader(test.numbers, {.batch_size = 250}, nn::PadCollate());
    nn::AdamW adam({.lr = lr, .weight_decay = 1e-2});
    nn::OneCycleLR schedule(
        adam, lr, {.total_steps = epochs * loader.size(), .pct_start = 0.15});  // warms up, then falls to nothing
    nn::Trainer trainer(model, adam,
                        {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true, .clip_grad_norm = 1.0});
    const nn::History history = trainer.fit(loader, test_loader, step);
    losses.line(name, history.column("valid_loss"));

    Marks marks{history.last("valid_words"), 0, {}};
    auto pair = test.pairs.begin();
    for (const auto& [sentences, lengths, words] : test_loader) {
        const Tensor written = translate(model, sentences, lengths);
        for (std::int64_t i = 0; i < written.shape(0); ++i, ++pair) {
            const Tokens tokens = german.decode(written[i]);
            if (tokens == pair->german) marks.sentences += 1.0 / static_cast<double>(test.pairs.size());
            else if (marks.faults.size() < 500)
                marks.faults += fmt::format("\n{}:\n  {}\n  instead of {}", sentence(pair->english), sentence(tokens),
                                            sentence(pair->german));
        }
    }
    return marks;
}

template <class Model>
void draw(nn::Plot& plot, const Model& model, const std::pair<Tensor, Tensor>& numbers, const Pair& pair) {
    const NoRecording nothing;
    const Memory memory = model.read(expand_dims(numbers.first, 0), tensor({numbers.first.size()}));
    plot.heat_map(model.looks(memory, expand_dims(slice(numbers.second, 0, 0, -2), 0))[0],
                  {.x_labels = pair.english, .y_labels = pair.german, .range = {{0, 1}}, .name = "attention"});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("translate",
                    "Translates English into German, with recurrent networks that look back and with a Transformer.");
    std::int64_t epochs = 3, sentences = 16000;
    example.option("--epochs", epochs, "Passes over the sentences");
    example.option("--sentences", sentences, "Sentences to learn from");
    return example.run(argc, argv, [&] {
        if (example.brief()) sentences = 3000, epochs = 2;
        Generator generator(example.seed());
        Words english, german;
        const Corpus training = make_corpus(sentences, false, english, german, generator);
        const Corpus test = make_corpus(example.pick(1000, 100), true, english, german, generator);
        std::string samples =
            "The sentences are made up by rules. Those of the test are about numbers that are in no other:";
        for (std::size_t i = 0; i < 4; ++i)
            samples += "\n" + sentence(test.pairs[i].english) + "\n    " + sentence(test.pairs[i].german);
        example.note(samples);

        nn::Plot losses({.title = "Test loss of a word", .x = "epoch", .y = "cross-entropy", .log_y = true});
        RecurrentTranslator blind(english.size(), german.size(), false), recurrent(english.size(), german.size(), true);
        TransformerTranslator transformer(english.size(), german.size());
        const auto judge = [&](auto& model, const std::string& name, double lr, const Target& words,
                               const Target& whole) {
            const Marks marks = learn(model, training, test, german, epochs, lr, losses, name);
            example.figure(name + ": right words after right ones", marks.words, words);
            example.figure(name + ": sentences without a fault", marks.sentences, whole);
            if (!marks.faults.empty()) example.note("Faults of the " + name + ":" + marks.faults);
        };
        // Chance is less than a tenth, the share of the commonest word.
        if (!example.brief()) judge(blind, "LSTM without attention", 5e-3, {}, {});
        judge(recurrent, "LSTM with attention", 5e-3, {.brief_at_least = 0.4}, {.at_least = 0.98});
        judge(transformer, "Transformer", 3e-3, {.brief_at_least = 0.4}, {.at_least = 0.98});

        const auto longest = static_cast<std::size_t>(
            std::ranges::max_element(test.pairs, {}, [](const Pair& pair) { return pair.english.size(); }) -
            test.pairs.begin());
        nn::Plot by_lstm({.title = "Where the LSTM looks", .x = "reads", .y = "writes", .width = 760, .height = 560});
        nn::Plot by_transformer(
            {.title = "Where the Transformer looks", .x = "reads", .y = "writes", .width = 760, .height = 560});
        draw(by_lstm, recurrent, test.numbers[longest], test.pairs[longest]);
        draw(by_transformer, transformer, test.numbers[longest], test.pairs[longest]);
        example.picture("attention.svg", "Which English words are looked at before each German word is written.",
                        {by_lstm, by_transformer}, 1);
        example.picture("loss.svg", "The loss of the sentences that they do not learn from.", {losses});
    });
}
