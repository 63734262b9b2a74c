#include "trainer_runs.hpp"

using namespace xgrad;
using nn::History;
using tests::check_same;
using tests::error_of;
using tests::here;
using tests::Loader;
using tests::part;
using tests::Run;

TEST_SUITE_BEGIN("nn");

TEST_CASE("trainer: a run that stopped anywhere goes on with the numbers that it would have had") {
    Run whole;
    {
        tests::Folder folder;
        nn::TrainerOptions options = whole.options((folder.path / "run").string());
        options.accumulate = 2;
        options.clip_grad_norm = 0.5;
        whole.fit(options);
    }
    REQUIRE(whole.calls == 3 * (6 + 2));
    for (const bool interrupt : {false, true})
        // In the first epoch, around its end, in its validation; the beginning, the middle and the end of others.
        for (const int stop_at : {0, 1, 3, 4, 5, 6, 7, 8, 11, 14, 16, 22, 23}) {
            CAPTURE(interrupt);
            CAPTURE(stop_at);
            tests::Folder folder;
            const auto options_of = [&](Run& run) {
                nn::TrainerOptions options = run.options((folder.path / "run").string());
                options.accumulate = 2;
                options.clip_grad_norm = 0.5;
                options.checkpoint_batches = interrupt ? 0 : 1 + stop_at % 3;
                options.resume = true;
                return options;
            };
            {
                Run first(stop_at % 3);
                first.stop_at = stop_at;
                first.interrupt = interrupt;
                if (interrupt) {
                    const bool last = stop_at == whole.calls - 1;
                    CHECK(first.fit(options_of(first)).stop ==
                          (last ? History::Stop::finished : History::Stop::interrupted));
                    CHECK(first.calls == stop_at + 1);
                } else {
                    CHECK(error_of<ValueError>([&] { first.fit(options_of(first)); }) == "killed");
                }
            }
            Run second(stop_at % 2);
            if (std::filesystem::exists(folder.path /
                                        "run/checkpoint.safetensors")) {  // what it starts from is no matter then
                second.net.fc1.weight = second.net.fc1.weight * 0;
                second.adam.set_lr(5);
                second.training.set_position({.seed = 1});
                nn::manual_seed(99);
            } else {
                CHECK(!interrupt);
                CHECK(stop_at < 3);
            }
            CHECK(second.fit(options_of(second)).stop == History::Stop::finished);
            if (interrupt) CHECK(second.calls <= whole.calls - stop_at - 1 + 2);  // no batch of training is done again
            check_same(whole, second);
        }
}

TEST_CASE("trainer: SIGINT is caught during fit only, and its handler put back") {
    struct Count {
        static void on_signal(int) { ++signals(); }
        static int& signals() {
            static int count = 0;
            return count;
        }
    };
    const auto before = std::signal(SIGINT, &Count::on_signal);
    Run run;
    run.stop_at = 3;
    run.interrupt = true;
    CHECK(run.fit(run.options()).stop == History::Stop::interrupted);
    CHECK(Count::signals() == 0);
    std::raise(SIGINT);
    CHECK(Count::signals() == 1);

    Run other;
    other.stop_at = 3;
    other.interrupt = true;
    nn::TrainerOptions options = other.options();
    options.interruptible = false;
    CHECK(other.fit(options).stop == History::Stop::finished);
    CHECK(Count::signals() == 2);

    std::signal(SIGINT, SIG_IGN);  // as for a process in the background
    Run ignoring;
    ignoring.stop_at = 3;
    ignoring.interrupt = true;
    CHECK(ignoring.fit(ignoring.options()).stop == History::Stop::finished);
    std::signal(SIGINT, before);
}

TEST_CASE("trainer: a checkpoint of another run, or a damaged one, is an error that says so") {
    tests::Folder folder;
    const std::string out = (folder.path / "run").string(),
                      file = (folder.path / "run/checkpoint.safetensors").string();
    const auto options = [&] {
        return nn::TrainerOptions{.out = out, .epochs = 1, .resume = true, .progress = nn::ProgressStyle::none};
    };
    const auto loss = [](const nn::Linear& m, const auto& batch) { return mean(square(m(batch[0]))); };
    const auto fit = [&](nn::Optimizer&& optimizer, std::int64_t batch_size, std::int64_t width) {
        nn::Linear net(4, width);
        Loader loader = part(0, 12, {.batch_size = batch_size});
        nn::Trainer(net, optimizer, options()).fit(loader, loss);
    };
    const std::string line = here(__LINE__ - 2);
    fit(nn::SGD(), 4, 3);
    CHECK(error_of<ValueError>([&] { fit(nn::Adam(), 4, 3); }) ==
          "Trainer: " + file + " must be of the same run, got optimizer Adam where it has SGD" + line);
    CHECK(error_of<ValueError>([&] { fit(nn::SGD(), 6, 3); }) ==
          "Trainer: " + file + " must be of the same run, got batches 2 where it has 3" + line);
    CHECK(
        error_of<ValueError>([&] { fit(nn::SGD(), 4, 5); }).starts_with("load_state_dict: model and state do not fit"));

    const nn::State state = nn::read_safetensors(file);
    const nn::Metadata metadata = nn::read_safetensors_metadata(file);
    nn::save_safetensors(file, state, {});
    CHECK(error_of<FormatError>([&] { fit(nn::SGD(), 4, 3); }) ==
          "Trainer: " + file + ": it is no training checkpoint" + line);
    for (const char* name : {"run.position", "run.random", "run.training", "run.numbers", "run.history", "run.row"}) {
        nn::State damaged;
        for (const auto& entry : state)
            if (entry.first != name) damaged.push_back(entry);
        nn::save_safetensors(file, damaged, metadata);
        CHECK(error_of<FormatError>([&] { fit(nn::SGD(), 4, 3); }) ==
              "Trainer: " + file + ": " + name + " is missing or damaged" + line);
    }
    const std::string bytes = tests::read(file);
    tests::write(file, bytes.substr(0, bytes.size() / 2));
    CHECK_THROWS_AS(fit(nn::SGD(), 4, 3), FormatError);
}

TEST_SUITE_END();
