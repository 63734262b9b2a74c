#include <doctest/doctest.h>
#include <sys/resource.h>

#include <autodiff/autodiff.hpp>
#include <limits>
#include <nn/nn.hpp>

#include "folder.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::error_of;
using tests::here;

// Whatever is wrong, what comes out is an xgrad::Error with a sentence of ours. Each check stands on one line: the line
// is in the message.

// clang-format off
TEST_CASE("errors: sizes that cannot be are errors of ours") {
    constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
    CHECK(error_of<ValueError>([] { sinusoidal_positions(-3, 4); }) == "sinusoidal_positions: the length must not be negative, got -3" + here());
    CHECK(error_of<ValueError>([] { position_angles(2, -1); }) == "position_angles: length and count must not be negative, got 2 and -1" + here());
    CHECK(error_of<ValueError>([] { repeat(ones({2}), tensor(std::vector<std::int64_t>{huge, 1}), 0); }) == "repeat: the counts must add up to a size, got 1 among them" + here());
    CHECK(error_of<ValueError>([] { repeat(ones({2}), tensor(std::vector<std::int64_t>{1, -1}), 0); }) == "repeat: the count must not be negative, got -1" + here());
    CHECK(error_of<ValueError>([] { nn::ConfusionMatrix(std::int64_t{1} << 40); }) == "ConfusionMatrix: classes must be in [1, 32768], got 1099511627776" + here());
    CHECK(error_of<IndexError>([] { nn::ConfusionMatrix(3).count(0, 5); }) == "ConfusionMatrix: class must be in [0, 3), got 5" + here());
    CHECK(error_of<IndexError>([] { nn::ConfusionMatrix(3).count(-1, 0); }) == "ConfusionMatrix: class must be in [0, 3), got -1" + here());
    CHECK(error_of<ValueError>([] { nn::DataLoader(ones({4, 1}), ones({4, 1}), {.num_workers = 1 << 16, .prefetch_factor = 1 << 16}); }) == "DataLoader: num_workers times prefetch_factor must be at most 1048576 batches, got 4294967296" + here());
    CHECK(error_of<ValueError>([] { nn::TransformerEncoder(nn::TransformerEncoderLayer(4, 2), std::int64_t{1} << 60); }) == "TransformerEncoder: num_layers must be at most 65536, got 1152921504606846976" + here());
}
// clang-format on

TEST_CASE("errors: a Trainer's folder that cannot be made") {
    const tests::Folder folder;
    const std::string file = folder.path / "file";
    tests::write(file, "in the way");
    nn::Linear net(1, 1);
    nn::SGD sgd({.lr = 0.1});
    nn::DataLoader loader(ones({4, 1}), ones({4, 1}), {.batch_size = 2});
    const std::string line = here(__LINE__ + 3);
    nn::Trainer trainer(net, sgd, {.out = file + "/run", .epochs = 1, .progress = nn::ProgressStyle::none});
    const auto fit = [&] {
        trainer.fit(loader,
                    [](const auto& model, const auto& batch) { return nn::mse_loss(model(batch[0]), batch[1]); });
    };
    CHECK(error_of<Error>(fit) == file + "/run: cannot be made: Not a directory" + line);
}

#ifndef __SANITIZE_ADDRESS__  // which takes more address space than this test leaves
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && \
    !__has_feature(address_sanitizer)  // which needs the address space that is taken away here
TEST_CASE("errors: more workers than the system starts") {
    // Each thread's stack takes address space, of which there is little left.
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    nn::DataLoader loader(ones({4, 1}), ones({4, 1}), {.batch_size = 2, .num_workers = 4000});
    rlimit little = before;
    little.rlim_cur = rlim_t{8} << 30;
    setrlimit(RLIMIT_AS, &little);
    const std::string message = error_of<Error>([&] { loader.begin(); });
    setrlimit(RLIMIT_AS, &before);
    CHECK(message.find("DataLoader: the system must have room for num_workers = 4000 threads, got ") == 0);
    std::int64_t batches = 0;
    nn::DataLoader modest(ones({4, 1}), ones({4, 1}), {.batch_size = 2, .num_workers = 2});
    for (const auto& batch : modest) batches += batch[0].defined();
    CHECK(batches == 2);
}
#endif
#endif

TEST_CASE("errors: a name that is no text does not spoil the trace of a profile") {
    Tape tape({.profile = true});
    const Tensor x = tape.watch(ones({2}));
    const Tensor y =
        apply("bad \xff name", {x}, [](const Tensor& v) { return v * 2.0; }, [](Tensor g) { return g * 2.0; });
    CHECK(profile(tape).chrome_trace.find("bad \xef\xbf\xbd name") != std::string::npos);
    CHECK(y.defined());
}
