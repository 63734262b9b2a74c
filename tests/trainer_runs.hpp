#pragma once

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include "folder.hpp"
#include "support.hpp"

// Runs of Trainer that several tests share.

namespace tests {

namespace nn = xgrad::nn;
using namespace xgrad;
using nn::History;

struct Net {
    nn::Linear fc1{4, 8};
    nn::BatchNorm1d norm{8};
    nn::Dropout dropout{0.3};
    nn::Linear fc2{8, 3};
    Tensor operator()(const Tensor& x) const { return fc2(dropout(relu(norm(fc1(x))))); }
    XGRAD_FIELDS(fc1, norm, dropout, fc2)
};

/// 60 points in three classes.
inline std::pair<Tensor, Tensor> points() {
    Generator generator(4);
    const Tensor x = randn({60, 4}, generator);
    return {x, argmax(matmul(x, randn({4, 3}, generator)), 1)};
}

using Loader = nn::DataLoader<nn::TensorDataset<2>>;
inline Loader part(std::int64_t begin, std::int64_t end, const nn::DataLoaderOptions& options) {
    const auto [x, y] = points();
    return Loader(slice(x, 0, begin, end), slice(y, 0, begin, end), options);
}

/// All objects of a run, created anew as a restarted program would.
struct Run {
    explicit Run(int workers = 0)
        : training(part(0, 44, {.batch_size = 8, .shuffle = true, .num_workers = workers})),
          validation(part(44, 60, {.batch_size = 8})) {}
    Run(const Run&) = delete;

    int seeded = (nn::manual_seed(7), 0);
    Net net;
    nn::AdamW adam{{.lr = 1e-2}};
    nn::CosineAnnealingLR schedule{adam, 5};
    nn::EMA<Net> ema{net, {.decay = 0.9}};
    Loader training, validation;
    int calls = 0;
    int stop_at = -1;        ///< the call that is interrupted:
    bool interrupt = false;  ///< SIGINT, otherwise an error
    History history;

    nn::TrainerOptions options(const std::string& out = "") {
        return {.out = out, .epochs = 3, .schedule = &schedule, .progress = nn::ProgressStyle::none};
    }
    const History& fit(const nn::TrainerOptions& options) {
        nn::Trainer trainer(net, adam, options);
        trainer.keep("ema", ema);
        trainer.on_step([&] { ema.update(net); });
        return history = trainer.fit(training, validation, [&](const Net& model, const auto& batch, nn::Log& log) {
            if (calls++ == stop_at) {
                if (interrupt) std::raise(SIGINT);
                else throw ValueError("killed");
            }
            const auto& [x, y] = batch;
            const Tensor scores = model(x);
            log("accuracy", nn::accuracy(scores, y));
            log.update("auc", nn::RocAuc(), select(scores, 1, 0), equal(y, 0));
            log("draw", rand({}, nn::default_generator()).item());  // the default generator continues as well
            return nn::cross_entropy(scores, y);
        });
    }
};

inline void check_same(nn::State a, nn::State b) {
    REQUIRE(a.size() == b.size());
    for (nn::State* state : {&a, &b})
        std::sort(state->begin(), state->end(), [](auto& x, auto& y) { return x.first < y.first; });
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].first == b[i].first);
        CHECK(values(a[i].second) == values(b[i].second));
    }
}

/// Bit-equal parameters, buffers, averages, moments and numbers (except the time that they took).
inline void check_same(const Run& a, const Run& b) {
    check_same(nn::state_dict(a.net), nn::state_dict(b.net));
    check_same(nn::state_dict(a.ema), nn::state_dict(b.ema));
    check_same(a.adam.state_dict(), b.adam.state_dict());
    check_same(a.schedule.state_dict(), b.schedule.state_dict());
    REQUIRE(a.history.columns == b.history.columns);
    for (const std::string& column : a.history.columns)
        if (column != "seconds") CHECK(a.history.column(column) == b.history.column(column));
    CHECK(a.history.best_epoch == b.history.best_epoch);
    CHECK(a.history.best == b.history.best);
}

}  // namespace tests
