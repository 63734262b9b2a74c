// A small language model: a Transformer (or an LSTM) learns to continue the King James Bible, or any other text, and writes some of its own
// after each epoch. Can be interrupted with Ctrl-C and resumed with --resume.

#include <omp.h>

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <CLI/CLI.hpp>
#include <cmath>
#include <fmt/core.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

using namespace xgrad;

namespace {

struct Options {
    std::string text, model = "transformer", out = "out/text", prompt = "And the LORD said";
    std::int64_t epochs = 6, steps = 250, batch_size = 32, context = 64, width = 128, layers = 2, tokens = 512, length = 80;
    double lr = 3e-3, temperature = 0.8;
    std::uint64_t seed = 0;
    int threads = 1;
    bool resume = false;
};

std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(path + ": cannot be read");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return std::regex_replace(text, std::regex("(^|\n)[1-3]?[A-Za-z]+[0-9]+:[0-9]+ "), "$1");  // without the numbers of verses
}

/// Windows of `length` tokens, and the same one token later, which are to be predicted.
struct Windows {
    Tensor tokens;
    std::int64_t length;
    std::int64_t size() const { return tokens.size() - length; }
    std::array<Tensor, 2> batch(const Tensor& first) const {
        const Tensor places = expand_dims(first, 1) + arange(length);
        return {take(tokens, places), take(tokens, places + 1)};
    }
};

struct Model {
    Model(const Options& o, std::int64_t vocabulary) : embedding(vocabulary, o.width), output(o.width, vocabulary) {
        if (o.model == "lstm") {
            lstm.emplace(o.width, o.width, nn::LSTMOptions{.num_layers = o.layers, .batch_first = true});
        } else {
            positions.emplace(o.context, o.width, nn::LearnedPositionOptions{.batch_first = true});
            encoder.emplace(nn::TransformerEncoderLayer(o.width, 4,
                                                        {.dim_feedforward = 4 * o.width,
                                                         .activation = nn::TransformerActivation::gelu,
                                                         .batch_first = true,
                                                         .norm_first = true}),
                            o.layers, nn::LayerNorm(o.width));
        }
    }
    nn::Embedding embedding;
    std::optional<nn::LSTM> lstm;
    std::optional<nn::LearnedPositions> positions;
    std::optional<nn::TransformerEncoder> encoder;
    nn::Linear output;

    /// Scores (N, T, vocabulary) of what follows each of the tokens (N, T).
    Tensor operator()(const Tensor& tokens) const {
        const Tensor x = embedding(tokens);
        return output(lstm ? (*lstm)(x).output : (*encoder)((*positions)(x), {.causal = true}));
    }
    XGRAD_FIELDS(embedding, lstm, positions, encoder, output)
};

/// One of the tokens, by their scores; lower temperatures take likelier ones.
std::int64_t draw(const Tensor& scores, double temperature, Generator& generator) {
    const Tensor parts = cumsum(softmax(scores.to(DType::f64) / temperature), 0);
    const std::int64_t chosen = searchsorted(parts, rand({1}, generator, DType::f64), Side::right).item<std::int64_t>();
    return std::min(chosen, scores.size() - 1);
}

template <class Vocabulary>
std::string written(const Model& model, const Vocabulary& vocabulary, const Options& options, Generator& generator) {
    Tensor tokens = vocabulary.encode(options.prompt);
    for (std::int64_t i = 0; i < options.length; ++i) {
        const Tensor seen = slice(tokens, 0, -options.context);
        const Tensor scores = select(select(model(expand_dims(seen, 0)), 0, 0), 0, -1);
        tokens = concat({tokens, tensor({draw(scores, options.temperature, generator)})});
    }
    return vocabulary.decode(tokens);
}

template <class Vocabulary>
void run(const Options& options, const std::string& text, const Vocabulary& vocabulary) {
    const Tensor tokens = vocabulary.encode(text);
    const std::int64_t split = tokens.size() * 19 / 20;
    const Windows training{slice(tokens, 0, 0, split), options.context}, validation{slice(tokens, 0, split), options.context};
    fmt::print("{} tokens of {} kinds\n", tokens.size(), vocabulary.size());
    std::fflush(stdout);

    nn::DataLoader loader(
        training, {.batch_size = options.batch_size,
                   .sampler = nn::RandomSampler(training.size(), {.replacement = true, .num_samples = options.steps * options.batch_size}),
                   .num_workers = 1});
    const Tensor places = arange(0, validation.size(), options.context);
    nn::DataLoader held_out(nn::Subset(validation, slice(places, 0, 0, 512)), {.batch_size = options.batch_size});

    Model model(options, vocabulary.size());
    nn::AdamW adam({.lr = options.lr, .weight_decay = 0.01});
    nn::OneCycleLR schedule(adam, options.lr, {.total_steps = options.epochs * options.steps + 1, .pct_start = 0.1});
    nn::Trainer trainer(model, adam,
                        {.out = options.out,
                         .epochs = options.epochs,
                         .resume = options.resume,
                         .overwrite = true,
                         .schedule = &schedule,
                         .schedule_each_step = true,
                         .clip_grad_norm = 1.0,
                         .checkpoint_batches = 100});
    trainer.on_epoch([&] {
        Generator generator(options.seed);
        nn::eval(model);
        fmt::print("    {}\n", std::regex_replace(written(model, vocabulary, options, generator), std::regex("\n"), "\n    "));
        std::fflush(stdout);
    });
    const nn::History history = trainer.fit(loader, held_out, [](const Model& net, const auto& batch, nn::Log& log) {
        const auto& [x, y] = batch;
        const Tensor scores = transpose(net(x), {0, 2, 1});  // classes along axis 1
        log.update("perplexity", nn::Perplexity(), scores, y);
        return nn::cross_entropy(scores, y);
    });
    if (history.epochs() > 0)
        fmt::print("perplexity {:.2f} on text that it has not seen; {}/report.html has the curves\n", history.last("valid_perplexity"),
                   options.out);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Trains a small language model on a text and lets it write.", "text");
    app.add_option("--text", options.text, "The text to learn from")->required()->type_name("FILE");
    app.add_option("--model", options.model, "transformer or lstm")->check(CLI::IsMember({"transformer", "lstm"}))->capture_default_str();
    app.add_option("--tokens", options.tokens, "Byte pairs to learn, at least 256; 0: single characters")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--epochs", options.epochs, "Epochs")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--steps", options.steps, "Steps in an epoch")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--batch-size", options.batch_size, "Windows of text in one step")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--context", options.context, "Tokens that the model sees at once")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--width", options.width, "Width of the layers, a multiple of 4")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--layers", options.layers, "Number of layers")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--lr", options.lr, "Largest learning rate")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--prompt", options.prompt, "What the model is to continue")->capture_default_str();
    app.add_option("--length", options.length, "Tokens to write")->check(CLI::NonNegativeNumber)->capture_default_str();
    app.add_option("--temperature", options.temperature, "Less than 1: likelier tokens")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--seed", options.seed, "Seed of weights, windows and samples")->capture_default_str();
    app.add_option("--threads", options.threads, "Threads to use; 0: one for each core")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--out", options.out, "Folder for checkpoints, log.csv and report.html")->type_name("DIR")->capture_default_str();
    app.add_flag("--resume", options.resume, "Go on from the folder's checkpoint");
    try {
        app.parse(argc, argv);
        if (options.threads > 0) omp_set_num_threads(options.threads);
        nn::manual_seed(options.seed);
        const std::string text = read_text(options.text);
        if (options.tokens > 0) run(options, text, nn::BytePairVocabulary(text, options.tokens));
        else run(options, text, nn::CharVocabulary(text + options.prompt));
        return 0;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "text: {}\n", error.what());
        return 2;
    }
}
