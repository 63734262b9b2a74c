#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <nn/nn.hpp>
#include <set>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;

TEST_SUITE_BEGIN("nn");

namespace {

using Numbers = std::vector<double>;

Tensor indices(const std::vector<std::int64_t>& list) { return tensor(list, {static_cast<std::int64_t>(list.size())}); }

/// All elements of one pass over a loader whose batches have one tensor, a size in front of each batch.
template <class L>
Numbers pass(L& loader) {
    Numbers seen;
    for (auto&& batch : loader) {
        const Tensor* x = nullptr;
        if constexpr (std::is_convertible_v<decltype(batch), Tensor>) x = &batch;
        else x = &batch[0];
        seen.push_back(-static_cast<double>(x->size()));
        for (const double v : values(*x)) seen.push_back(v);
    }
    return seen;
}

/// Batches that take a while, the first ones longest, and add random numbers.
struct Slow {
    std::int64_t count = 23;
    std::int64_t size() const { return count; }
    Tensor batch(const Tensor& chosen, Generator& generator) const {
        std::this_thread::sleep_for(std::chrono::microseconds(chosen.data<std::int64_t>()[0] % 3 == 0 ? 2000 : 100));
        return chosen.to(DType::f64) + rand(chosen.shape(), generator, DType::f64);
    }
};

struct Failing {
    std::int64_t size() const { return 10; }
    Tensor batch(const Tensor& chosen) const {
        const auto i = chosen.data<std::int64_t>()[0];
        if (i >= 4) throw ValueError("sample " + std::to_string(i) + " is broken");
        return chosen;
    }
};

}  // namespace

TEST_CASE("data: workers change neither batches nor their order") {
    for (const bool shuffle : {false, true}) {
        nn::DataLoader alone(Slow{}, {.batch_size = 2, .shuffle = shuffle, .seed = 5});
        const Numbers first = pass(alone), second = pass(alone);
        CHECK(first != second);
        for (const int workers : {1, 2, 5}) {
            nn::DataLoader loader(Slow{}, {.batch_size = 2, .shuffle = shuffle, .num_workers = workers, .seed = 5});
            CHECK(pass(loader) == first);
            CHECK(pass(loader) == second);
            loader.set_epoch(0, 9);  // from the tenth batch of the first pass
            const Numbers rest = pass(loader);
            CHECK(rest == Numbers(first.begin() + 9 * 3, first.end()));
            CHECK(pass(loader) == second);
        }
    }
}

TEST_CASE("data: an error of a worker comes at the batch where it happened") {
    for (const int workers : {0, 1, 3}) {
        nn::DataLoader loader(Failing{}, {.batch_size = 1, .num_workers = workers});
        Numbers seen;
        CHECK(error_of<ValueError>([&] {
                  for (auto x : loader) seen.push_back(x.item());
              }) == "sample 4 is broken");
        CHECK(seen == Numbers{0, 1, 2, 3});
    }
}

TEST_CASE("data: a loop with workers may be left early or by an error, and the loader goes on") {
    nn::DataLoader loader(Slow{200}, {.batch_size = 2, .shuffle = true, .num_workers = 2, .seed = 5});
    for (auto x : loader) {
        CHECK(x.size() == 2);
        break;
    }
    CHECK(error_of<ValueError>([&] {
              for ([[maybe_unused]] auto x : loader) throw ValueError("enough");
          }) == "enough");
    nn::DataLoader alone(Slow{200}, {.batch_size = 2, .shuffle = true, .seed = 5});
    alone.set_epoch(2);
    CHECK(pass(loader) == pass(alone));
}

TEST_CASE("data: batches are made no further in advance than asked") {
    std::atomic<int> made{0};
    struct Counting {
        std::atomic<int>* made;
        std::int64_t size() const { return 100; }
        Tensor batch(const Tensor& chosen) const {
            ++*made;
            return chosen;
        }
    };
    nn::DataLoader loader(Counting{&made}, {.num_workers = 2, .prefetch_factor = 3});
    auto it = loader.begin();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    // The iterator holds the first one, whose slot is free again with the next step only.
    CHECK(made.load() == 6);
    ++it;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    CHECK(made.load() == 7);
}

TEST_CASE("data: options that make no sense are errors") {
    const Tensor x = arange(4.0);
    CHECK(error_of<ValueError>([&] { nn::DataLoader(x, {.num_workers = -1}); }) ==
          "DataLoader: num_workers must not be negative, got -1" + here());
    CHECK(error_of<ValueError>([&] { nn::DataLoader(x, {.prefetch_factor = 0}); }) ==
          "DataLoader: prefetch_factor must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] {
              nn::DataLoader(x, {.shuffle = true, .sampler = nn::SequentialSampler(4)});
          }).starts_with("DataLoader: a sampler makes the order, so that shuffle must be off, got both"));
}

// --- samplers and parts
// -----------------------------------------------------------------------------------------------

TEST_CASE("data: samplers") {
    const auto order = [](const nn::Sampler& sampler, std::uint64_t seed = 1) {
        Generator generator(seed);
        return values(sampler.order(generator));
    };
    CHECK(order(nn::SequentialSampler(4)) == Numbers{0, 1, 2, 3});

    const Numbers shuffled = order(nn::RandomSampler(50));
    CHECK(std::set<double>(shuffled.begin(), shuffled.end()).size() == 50);
    CHECK(order(nn::RandomSampler(50)) == shuffled);
    CHECK(order(nn::RandomSampler(50), 2) != shuffled);
    const Numbers twice = order(nn::RandomSampler(4, {.num_samples = 10}));
    CHECK(twice.size() == 10);
    CHECK(std::set<double>(twice.begin(), twice.begin() + 4).size() == 4);
    CHECK(std::set<double>(twice.begin() + 4, twice.begin() + 8).size() == 4);
    const Numbers drawn = order(nn::RandomSampler(3, {.replacement = true, .num_samples = 40}));
    CHECK(drawn.size() == 40);
    CHECK(std::set<double>(drawn.begin(), drawn.end()) == std::set<double>{0, 1, 2});

    Numbers subset = order(nn::SubsetRandomSampler(indices({7, 3, 9, 5})));
    CHECK(std::set<double>(subset.begin(), subset.end()) == std::set<double>{3, 5, 7, 9});

    nn::DataLoader loader(arange(10.0),
                          {.batch_size = 3, .sampler = nn::SubsetRandomSampler(indices({1, 2, 3, 4})), .seed = 1});
    CHECK(loader.size() == 2);
    const Numbers seen = pass(loader);
    CHECK(seen.size() == 6);
    CHECK(seen != pass(loader));
}

TEST_CASE("data: weighted sampling follows the weights") {
    Generator generator(3);
    const Tensor weights = tensor({0.0, 1.0, 0.0, 3.0, 0.0});
    const Tensor drawn = nn::WeightedRandomSampler(weights, 40000).order(generator);
    double threes = 0;
    for (const double i : values(drawn)) {
        CHECK((i == 1 || i == 3));
        threes += i == 3;
    }
    CHECK(threes / 40000 == doctest::Approx(0.75).epsilon(0.012));  // four deviations

    // Without replacement: the first of two is 3 with probability 3/4, the second is what is left.
    int first = 0;
    for (int i = 0; i < 4000; ++i) {
        const Numbers order = values(nn::WeightedRandomSampler(weights, 2, {.replacement = false}).order(generator));
        CHECK(order[0] + order[1] == 4);
        first += order[0] == 3;
    }
    CHECK(first / 4000.0 == doctest::Approx(0.75).epsilon(0.037));

    CHECK(error_of<ValueError>([&] { nn::WeightedRandomSampler(weights, 3, {.replacement = false}); }) ==
          "WeightedRandomSampler: 3 draws without replacement need as many positive weights, got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::WeightedRandomSampler(zeros({2}), 3); }) ==
          "WeightedRandomSampler: 3 draws need positive weights, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::WeightedRandomSampler(tensor({-1.0, 2.0}), 3); }) ==
          "WeightedRandomSampler: weights must be finite and not negative, got -1" + here());
}

TEST_CASE("data: subsets, joined sets and sets with a function") {
    const nn::TensorDataset set(arange(10.0), arange(10) * 10);
    const nn::Subset subset(set, indices({8, 2, 5}));
    Generator generator;
    const auto [x, y] = subset.batch(indices({2, 0}), generator);
    CHECK(values(x) == Numbers{5, 8});
    CHECK(values(y) == Numbers{50, 80});
    CHECK(error_of<IndexError>([&] { nn::Subset(set, indices({10})); }) ==
          "Subset: indices must be in [0, 10), got 10" + here());

    const nn::ConcatDataset joined(std::vector{subset, nn::Subset(set, indices({})), nn::Subset(set, indices({0, 1}))});
    CHECK(joined.size() == 5);
    const auto [a, b] = joined.batch(indices({4, 0, 3, 2, 1, 4}), generator);
    CHECK(values(a) == Numbers{1, 8, 0, 5, 2, 1});
    CHECK(values(b) == Numbers{10, 80, 0, 50, 20, 10});
    CHECK(error_of<IndexError>([&] { joined.batch(indices({5}), generator); }) ==
          "ConcatDataset: indices must be in [0, 5), got 5");

    const auto doubled = nn::MapDataset(joined, [](auto batch) { return batch[0] + batch[1].to(DType::f32); });
    nn::DataLoader loader(doubled, {.batch_size = 2});
    CHECK(pass(loader) == Numbers{-2, 88, 22, -2, 55, 0, -1, 11});
    const auto noisy =
        nn::MapDataset(set, [](auto batch, Generator& g) { return batch[0] + rand(batch[0].shape(), g); });
    nn::DataLoader one(noisy, {.batch_size = 4, .seed = 1}),
        other(noisy, {.batch_size = 4, .num_workers = 3, .seed = 1});
    const Numbers first = pass(one);
    CHECK(first == pass(other));
    CHECK(first != pass(one));
}

TEST_CASE("data: a set is split at random") {
    Generator generator(1);
    const nn::TensorDataset set(arange(11.0));
    const auto [a, b, c] = nn::random_split(set, {0.5, 0.25, 0.25}, generator);
    CHECK(a.size() == 6);  // 5, 2 and 2, and what is left goes to the first two
    CHECK(b.size() == 3);
    CHECK(c.size() == 2);
    std::set<double> all;
    for (const Tensor& part : {a.indices(), b.indices(), c.indices()})
        for (const double i : values(part)) all.insert(i);
    CHECK(all.size() == 11);
    CHECK(values(a.indices()) != Numbers{0, 1, 2, 3, 4, 5});
    CHECK(&a.dataset() == &b.dataset());
    const auto [most, rest] = nn::random_split(set, {9, 2}, generator);
    CHECK(most.size() == 9);
    CHECK(rest.size() == 2);
    CHECK(error_of<ValueError>([&] { nn::random_split(set, {9, 1}, generator); }) ==
          "random_split: lengths must add up to the size 11, or fractions to 1, got the sum 10" + here());
}

// --- samples into batches -------------------------------------------------------------------------------------------

namespace {

struct Sentences {
    std::int64_t size() const { return 5; }
    std::pair<Tensor, std::int64_t> operator[](std::int64_t i) const {
        return {full({i + 1, 2}, static_cast<double>(i)), i * i};
    }
};

}  // namespace

TEST_CASE("data: single samples are stacked") {
    struct Points {
        std::int64_t size() const { return 5; }
        std::tuple<Tensor, double, std::int64_t> operator[](std::int64_t i) const {
            return {full({2}, static_cast<double>(i)), 0.5 * static_cast<double>(i), i};
        }
    };
    nn::DataLoader loader(Points{}, {.batch_size = 3});
    std::vector<Shape> shapes;
    for (const auto& [x, y, z] : loader) {
        shapes.push_back(x.shape());
        CHECK(y.dtype() == DType::f64);
        CHECK(z.dtype() == DType::i64);
        CHECK(close(y * 2, z.to(DType::f64), 0));
        CHECK(close(select(x, 1, 1).to(DType::f64), z.to(DType::f64), 0));
    }
    CHECK(shapes == std::vector<Shape>{{3, 2}, {2, 2}});
}

TEST_CASE("data: sequences of different length are padded, lengths beside them") {
    nn::DataLoader loader(Sentences{}, {.batch_size = 3}, nn::PadCollate({.padding_value = -1}));
    std::vector<Shape> shapes;
    for (const auto& [x, lengths, y] : loader) {
        shapes.push_back(x.shape());
        for (std::int64_t n = 0; n < x.shape(0); ++n) {
            const auto length = lengths.data<std::int64_t>()[static_cast<std::size_t>(n)];
            const Tensor row = select(x, 0, n);
            CHECK(close(slice(row, 0, 0, length), full({length, 2}, static_cast<double>(length - 1)), 0));
            CHECK(close(slice(row, 0, length), full({x.shape(1) - length, 2}, -1), 0));
            CHECK(y.data<std::int64_t>()[static_cast<std::size_t>(n)] == (length - 1) * (length - 1));
        }
    }
    CHECK(shapes == std::vector<Shape>{{3, 3, 2}, {2, 5, 2}});

    // Targets that are sequences are padded with a value of their own.
    const nn::PadCollate collate({.target_padding_value = -100});
    const auto [x, lengths, y] = collate(
        std::vector<std::pair<Tensor, Tensor>>{{arange(2.0), indices({1, 2})}, {arange(3.0), indices({4, 5, 6})}});
    CHECK(values(x) == Numbers{0, 1, 0, 0, 1, 2});
    CHECK(values(lengths) == Numbers{2, 3});
    CHECK(values(y) == Numbers{1, 2, -100, 4, 5, 6});

    CHECK(values(nn::pad_sequence({arange(2.0), arange(1.0)})) == Numbers{0, 0, 1, 0});
    CHECK(error_of<ShapeError>([] { nn::pad_sequence({zeros({2, 3}), zeros({2, 4})}); }) ==
          "pad_sequence: sequences must have one shape but for the first size, got (2, 3) and (2, 4)" + here());
}

TEST_CASE("data: a collate of one's own") {
    nn::DataLoader loader(Sentences{}, {.batch_size = 2, .num_workers = 2},
                          [](const std::vector<std::pair<Tensor, std::int64_t>>& samples) {
                              return static_cast<double>(samples.size()) * 100 + static_cast<double>(samples[0].second);
                          });
    Numbers seen;
    for (const double x : loader) seen.push_back(x);
    CHECK(seen == Numbers{200, 204, 116});
}

// --- streams --------------------------------------------------------------------------------------------------------

namespace {

/// Counts from 100 * pass on, so many.
auto counter(std::int64_t count) {
    return [=](std::int64_t epoch) {
        return [i = epoch * 100, end = epoch * 100 + count]() mutable {
            return i < end ? std::optional(i++) : std::nullopt;
        };
    };
}

}  // namespace

TEST_CASE("data: streams give batches in order, whatever the number of workers") {
    for (const int workers : {0, 1, 3}) {
        nn::StreamLoader loader(counter(7), {.batch_size = 3, .num_workers = workers});
        CHECK(pass(loader) == Numbers{-3, 0, 1, 2, -3, 3, 4, 5, -1, 6});
        CHECK(pass(loader) == Numbers{-3, 100, 101, 102, -3, 103, 104, 105, -1, 106});
        loader.set_epoch(0, 2);
        CHECK(pass(loader) == Numbers{-1, 6});
        nn::StreamLoader dropping(counter(7), {.batch_size = 3, .num_workers = workers, .drop_last = true});
        CHECK(pass(dropping) == Numbers{-3, 0, 1, 2, -3, 3, 4, 5});
        nn::StreamLoader none(counter(0), {.batch_size = 3, .num_workers = workers});
        CHECK(pass(none).empty());
        for ([[maybe_unused]] auto x : loader) break;
        nn::StreamLoader broken(
            [](std::int64_t) {
                return [i = 0]() mutable { return ++i < 4 ? std::optional(i) : throw ValueError("line 4 is broken"); };
            },
            {.num_workers = workers});
        Numbers seen;
        CHECK(error_of<ValueError>([&] {
                  for (auto x : broken) seen.push_back(x.item());
              }) == "line 4 is broken");
        CHECK(seen == Numbers{1, 2, 3});
    }
}

TEST_CASE("data: a stream is shuffled in a buffer") {
    nn::StreamLoader plain(counter(40), {.batch_size = 40, .shuffle_buffer = 10, .seed = 2});
    const Numbers first = pass(plain);
    CHECK(std::set<double>(first.begin(), first.end()).size() == 41);
    for (std::size_t i = 1; i < first.size(); ++i)
        CHECK(first[i] <= static_cast<double>(i) + 10);  // nothing comes earlier than it was read
    CHECK(first[1] + first[2] + first[3] != 3);
    nn::StreamLoader workers(counter(40), {.batch_size = 40, .shuffle_buffer = 10, .num_workers = 2, .seed = 2});
    CHECK(pass(workers) == first);
}

TEST_SUITE_END();
