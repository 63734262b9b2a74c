#include <cstdio>
#include <filesystem>
#include <sstream>
#include <unistd.h>

#include "trainer_runs.hpp"

using namespace xgrad;
using nn::History;
using tests::check_same;
using tests::error_of;
using tests::here;
using tests::Loader;
using tests::points;
using tests::Run;
using tests::values;

TEST_SUITE_BEGIN("nn");

TEST_CASE("trainer: the numbers of a loop written by hand") {
    Run run, hand;
    run.fit(run.options());
    CHECK(run.history.columns == std::vector<std::string>{"loss", "accuracy", "auc", "draw", "valid_loss",
                                                          "valid_accuracy", "valid_auc", "valid_draw", "lr",
                                                          "seconds"});
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
        const double lr = hand.adam.lr();
        double loss_sum = 0, right = 0, valid_sum = 0;
        nn::RocAuc auc;
        nn::train(hand.net);
        for (const auto& [x, y] : hand.training) {
            Tape tape;
            const Tensor scores = hand.net(x), loss = nn::cross_entropy(scores, y);
            hand.adam.step(hand.net, tape.gradient(loss));
            hand.ema.update(hand.net);
            loss_sum += loss.item() * static_cast<double>(y.size());
            right += nn::accuracy(scores, y) * static_cast<double>(y.size());
            auc.update(select(scores, 1, 0), equal(y, 0));
        }
        nn::eval(hand.net);
        for (const auto& [x, y] : hand.validation)
            valid_sum += nn::cross_entropy(hand.net(x), y).item() * static_cast<double>(y.size());
        hand.schedule.step();
        CHECK(run.history.column("loss")[epoch] == doctest::Approx(loss_sum / 44).epsilon(1e-12));
        CHECK(run.history.column("accuracy")[epoch] == doctest::Approx(right / 44).epsilon(1e-12));
        CHECK(run.history.column("auc")[epoch] == auc.value());
        CHECK(run.history.column("valid_loss")[epoch] == doctest::Approx(valid_sum / 16).epsilon(1e-12));
        CHECK(run.history.column("lr")[epoch] == lr);
    }
    check_same(nn::state_dict(run.net), nn::state_dict(hand.net));
    check_same(nn::state_dict(run.ema), nn::state_dict(hand.ema));
    CHECK(!run.net.dropout.training);
    CHECK(error_of<ValueError>([&] { run.history.column("f1"); }) ==
          "History: there are the columns loss, accuracy, auc, draw, valid_loss, valid_accuracy, valid_auc, "
          "valid_draw, lr, seconds, got f1" +
              here());
}

namespace {

/// A model that is one number, whose validation loss is what a list says: the list's element for the number of epochs
/// done.
struct Scripted {
    Parameter weight = scalar(0.0);
    XGRAD_FIELDS(weight)
};

History scripted(Scripted& model, const std::vector<double>& losses, nn::TrainerOptions options) {
    nn::SGD sgd({.lr = 1});
    options.progress = nn::ProgressStyle::none;
    options.epochs = static_cast<std::int64_t>(losses.size());
    nn::Trainer trainer(model, sgd, options);
    const std::vector<int> training{0}, validation{1};  // anything with batches between begin and end
    return trainer.fit(training, validation, [&](const Scripted& m, int kind) {
        if (kind == 0) return -m.weight;  // one step adds 1
        return scalar(losses[static_cast<std::size_t>(m.weight.item()) - 1]);
    });
}

}  // namespace

TEST_CASE("trainer: early stopping and the best weights") {
    const std::vector<double> losses{5, 3, 4, 2.95, 3, NAN, 1};
    Scripted model;
    History history = scripted(model, losses, {});
    CHECK(history.stop == History::Stop::finished);
    CHECK(history.best_epoch == 7);
    CHECK(model.weight.item() == 7);

    model = {};
    history = scripted(model, losses, {.patience = 2, .restore_best = true});
    CHECK(history.stop == History::Stop::early);
    CHECK(history.epochs() == 6);
    CHECK(history.best_epoch == 4);
    CHECK(history.best == 2.95);
    CHECK(model.weight.item() == 4);

    model = {};
    history = scripted(model, losses, {.patience = 2, .min_delta = 0.1});
    CHECK(history.epochs() == 4);
    CHECK(history.best_epoch == 2);
    CHECK(model.weight.item() == 4);

    tests::Folder folder;
    model = {};
    history = scripted(model, losses,
                       {.out = (folder.path / "run").string(), .maximize = true, .patience = 4, .restore_best = true});
    CHECK(history.epochs() == 5);
    CHECK(history.best_epoch == 1);
    CHECK(model.weight.item() == 1);
    CHECK(nn::read_safetensors((folder.path / "run/best.safetensors").string())[0].second.item() == 1);
    // Going on from there: the best weights were for the user, the run has its last ones; and it is over.
    CHECK(scripted(model, losses,
                   {.out = (folder.path / "run").string(), .resume = true, .maximize = true, .patience = 4})
              .epochs() == 5);
    CHECK(model.weight.item() == 5);
    // With more patience, it goes on.
    CHECK(scripted(model, losses,
                   {.out = (folder.path / "run").string(), .resume = true, .maximize = true, .patience = 9})
              .epochs() == 7);
    CHECK(model.weight.item() == 7);
}

TEST_CASE("trainer: what is written") {
    tests::Folder folder;
    Run run;
    run.fit(run.options((folder.path / "new/run").string()));
    const std::string csv = tests::read(folder.path / "new/run/log.csv"),
                      html = tests::read(folder.path / "new/run/report.html");
    CHECK(csv == run.history.csv());
    CHECK(
        csv.starts_with("epoch,loss,accuracy,auc,draw,valid_loss,valid_accuracy,valid_auc,valid_draw,lr,seconds\n1,"));
    CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
    CHECK(html.starts_with("<!doctype html>"));
    CHECK(html.ends_with("</html>\n"));
    CHECK(html.find("src=") == std::string::npos);  // nothing is fetched
    CHECK(html.find("href='http") == std::string::npos);
    for (const char* name : {"loss", "accuracy", "auc", "draw", "lr", "seconds"})
        CHECK(html.find("<figcaption>" + std::string(name)) != std::string::npos);
    Run fresh;
    nn::load_safetensors((folder.path / "new/run/best.safetensors").string(),
                         fresh.net);  // a model's file like any other
    bool has_moments = false;
    for (const auto& [name, t] : nn::read_safetensors((folder.path / "new/run/checkpoint.safetensors").string()))
        has_moments = has_moments || name == "optimizer.fc1.weight.exp_avg";
    CHECK(has_moments);

    History history;
    history.add_row({{"a", 1.5}});
    history.add_row({{"b<", 0.1}, {"a", NAN}});
    CHECK(history.csv() == "epoch,a,b<\n1,1.5,\n2,,0.1\n");
    CHECK(nn::report_html(history, "x & y").find("<h1>x &amp; y</h1>") != std::string::npos);
    CHECK(nn::report_html(history).find("b&lt;") != std::string::npos);
    CHECK(nn::report_html(History()).ends_with("</html>\n"));
}

TEST_CASE("trainer: loaders of other kinds") {
    const auto set = points();
    const Tensor &x = set.first, &y = set.second;
    const auto stream = [&](std::int64_t) {
        return [&, i = std::int64_t{0}]() mutable -> std::optional<std::pair<Tensor, Tensor>> {
            if (i == x.shape(0)) return std::nullopt;
            const std::pair sample{select(x, 0, i), select(y, 0, i)};
            ++i;
            return sample;
        };
    };
    nn::manual_seed(1);
    nn::Linear net(4, 3);
    nn::Linear same = net;
    nn::SGD sgd({.lr = 0.1}), other({.lr = 0.1});
    nn::StreamLoader loader(stream, {.batch_size = 7});
    const auto step = [](const nn::Linear& model, const auto& batch) {
        return nn::cross_entropy(model(batch[0]), batch[1]);
    };
    nn::Trainer trainer(net, sgd, {.epochs = 2, .progress = nn::ProgressStyle::none});
    int epochs = 0;
    trainer.on_epoch([&](const History& history) { CHECK(history.epochs() == ++epochs); });
    const History history = trainer.fit(loader, step);
    CHECK(epochs == 2);
    CHECK(history.monitor == "loss");
    Loader plain(x, y, {.batch_size = 7});
    nn::Trainer(same, other, {.epochs = 2, .progress = nn::ProgressStyle::none}).fit(plain, step);
    CHECK(values(net.weight) == values(same.weight));
    CHECK(history.last("loss") < history.column("loss")[0]);
}

namespace {

/// What is written to standard error while it lives.
class Captured {
public:
    Captured() : before_(dup(STDERR_FILENO)), file_(std::tmpfile()) { dup2(fileno(file_), STDERR_FILENO); }
    ~Captured() {
        restore();
        std::fclose(file_);
    }
    std::string text() {
        restore();
        std::string text(static_cast<std::size_t>(std::ftell(file_)), ' ');
        std::rewind(file_);
        REQUIRE(std::fread(text.data(), 1, text.size(), file_) == text.size());
        return text;
    }

private:
    void restore() {
        if (before_ < 0) return;
        std::fflush(stderr);
        std::fseek(file_, 0, SEEK_END);
        dup2(before_, STDERR_FILENO);
        close(std::exchange(before_, -1));
    }
    int before_;
    std::FILE* file_;
};

}  // namespace

TEST_CASE("trainer: progress on standard error") {
    const auto shown = [](nn::ProgressStyle style) {
        Run run;
        nn::TrainerOptions options = run.options();
        options.epochs = 2;
        options.progress = style;
        Captured captured;
        run.fit(options);
        return captured.text();
    };
    CHECK(shown(nn::ProgressStyle::none).empty());
    for (const auto style : {nn::ProgressStyle::lines, nn::ProgressStyle::automatic}) {  // a file is no terminal
        const std::string lines = shown(style);
        CHECK(lines.starts_with("epoch 1/2  loss 1."));
        CHECK(lines.find("\nepoch 2/2  loss ") != std::string::npos);
        // Ten numbers need more than a line of 80 columns: it is broken between them.
        CHECK(lines.find("\n  valid_loss ") != std::string::npos);
        int epochs = 0;
        std::istringstream each(lines);
        for (std::string line; std::getline(each, line); epochs += line.starts_with("epoch ")) {
            CHECK(line.size() <= 80);
            CHECK((line.starts_with("epoch ") || line.starts_with("  ")));
        }
        CHECK(epochs == 2);
    }
    const std::string bar = shown(nn::ProgressStyle::bar);
    CHECK(bar.starts_with("\r\x1b[Kepoch 1/2 [=>      ] 1/6  0:00 left  loss "));
    CHECK(bar.find("\r\x1b[Kepoch 1/2  loss ") != std::string::npos);
}

TEST_CASE("trainer: the progress bar fits its columns, and counts the time left from its own beginning") {
    nn::ProgressBar bar(nn::ProgressStyle::none);
    bar.start("epoch 1/2", 200, "images");
    CHECK_FALSE(bar.advance(50));
    CHECK(bar.text({{"loss", 0.5}}, 10, 100) ==
          "epoch 1/2 [======>                 ] 50/200  5 images/s  0:30 left  loss 0.5000");
    CHECK(bar.text({{"loss", 0.5}}, 10, 70) ==
          "epoch 1/2 [===>           ] 50/200  5 images/s  0:30 left  loss 0.5000");
    CHECK(bar.text({{"loss", 0.5}}, 10, 60) ==
          "epoch 1/2 [==>     ] 50/200  5 images/s  0:30 left");  // a number is whole or not there
    for (std::size_t columns = 0; columns < 120; ++columns)
        CHECK(bar.text({{"loss", 0.5}, {"accuracy", 1}}, 10, columns).size() <= columns);
    // The next phase has a speed of its own: 10 of 20 took 1 second, so that 1 is left, whatever was before.
    bar.start("validation", 20);
    bar.advance(10);
    CHECK(bar.text({}, 1, 80) == "validation [============>           ] 10/20  0:01 left");
    // One that goes on in the middle counts what it has seen itself.
    bar.start("epoch", 100, {}, 90);
    bar.advance(5);
    CHECK(bar.text({}, 5, 80) == "epoch [======================> ] 95/100  0:05 left");
    bar.start("", -1);
    bar.advance(123456);
    CHECK(bar.text({}, 5, 80) == "batch 123456");
    bar.start("x", 2000000, "images");
    bar.advance(1420000);
    CHECK(bar.text({}, 10, 80).find("  142 000 images/s  0:04 left") != std::string::npos);
    bar.start("x", 0);
    CHECK(bar.text({}, 0, 80) == "x [========================] 0/0");
}

TEST_CASE("trainer: gradients of several batches are averaged, and their norm is limited") {
    const std::vector<int> batches{1, 2, 6};
    const auto trained = [&](nn::TrainerOptions options) {
        Scripted model;
        nn::SGD sgd({.lr = 1});
        options.epochs = 1;
        options.progress = nn::ProgressStyle::none;
        nn::Trainer(model, sgd, options).fit(batches, [](const Scripted& m, int slope) { return -m.weight * slope; });
        return model.weight.item();
    };
    CHECK(trained({}) == 9);
    CHECK(trained({.accumulate = 2}) == 1.5 + 6);  // the last step has one batch only
    CHECK(trained({.accumulate = 2, .clip_grad_norm = 2.0}) == doctest::Approx(1.5 + 2));
}

TEST_CASE("trainer: a plateau of the monitored number lowers the learning rate") {
    nn::Linear net(4, 3);
    nn::SGD sgd({.lr = 1});
    nn::ReduceLROnPlateau schedule(sgd, {.factor = 0.5, .patience = 0});
    const std::vector<int> batches{1, 2};
    const History history =
        nn::Trainer(net, sgd, {.epochs = 4, .schedule = &schedule, .progress = nn::ProgressStyle::none})
            .fit(batches, [](const nn::Linear& model, int) { return sum(model.bias) * 0 + 1; });
    CHECK(history.column("lr") == std::vector<double>{1, 1, 0.5, 0.25});
}

TEST_CASE("trainer: errors say what is wrong") {
    nn::Linear net(4, 3);
    nn::SGD sgd;
    const auto message = [&](const nn::TrainerOptions& options) {
        return error_of<ValueError>([&] { nn::Trainer(net, sgd, options, Location{}); });
    };
    CHECK(message({.epochs = -1}) == "Trainer: epochs must be at least 0, got -1");
    CHECK(message({.accumulate = 0}) == "Trainer: accumulate must be at least 1, got 0");
    CHECK(message({.clip_grad_norm = 0.0}) == "Trainer: clip_grad_norm must be positive, got 0");
    CHECK(message({.patience = 0}) == "Trainer: patience must be at least 1, got 0");
    CHECK(message({.resume = true}) == "Trainer: to resume, a folder must be given as .out, got none");
    nn::Trainer twice(net, sgd, {});
    twice.keep("a", net);
    CHECK(error_of<ValueError>([&] { twice.keep("a", net); }) ==
          "Trainer: a name can be kept once, got a again" + here());

    CHECK(error_of<ValueError>([&] { twice.keep("a.b", net); }) ==
          "Trainer: a name must be without dots and not empty, got a.b" + here());

    const nn::TrainerOptions quiet{.epochs = 1, .monitor = "f1", .progress = nn::ProgressStyle::none};
    const std::vector<int> batches{1, 2};
    const auto loss = [](const nn::Linear& model, int) { return sum(model.bias); };
    CHECK(error_of<ShapeError>([&] {
              nn::Trainer(net, sgd, quiet).fit(batches, [](const nn::Linear& m, int) { return m.bias * 1; });
          }) == "Trainer: the loss must be one number, got (3,)" + here());
    // The monitor is looked for after the first batch, not after the first epoch.
    int calls = 0;
    const auto logging = [&](const nn::Linear& model, int, nn::Log& log) {
        ++calls;
        log("accuracy", 1);
        return sum(model.bias);
    };
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, sgd, quiet).fit(batches, logging); }) ==
          "Trainer: monitor must be a number that is logged, got f1 where there are loss, accuracy" + here());
    CHECK(calls == 1);
    nn::TrainerOptions other = quiet;
    other.monitor = "valid_acuracy";
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, sgd, other).fit(batches, batches, logging); }) ==
          "Trainer: monitor must be a number that is logged, got valid_acuracy where there are valid_loss, "
          "valid_accuracy" +
              here());
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, sgd, other).fit(batches, logging); }) ==
          "Trainer: to monitor valid_acuracy there must be validation data, got none" + here());
    other.monitor = "valid_f1";  // only the validation logs it
    const std::vector<int> validation{3};
    const auto seldom = [&](const nn::Linear& model, int batch, nn::Log& log) {
        if (batch == 3) log("f1", 0.5);
        return sum(model.bias);
    };
    CHECK(nn::Trainer(net, sgd, other).fit(batches, validation, seldom).best == 0.5);

    const std::vector<int> nothing;
    CHECK(error_of<ValueError>([&] {
              nn::Trainer(net, sgd, {.monitor = "loss", .progress = nn::ProgressStyle::none}).fit(nothing, loss);
          }) == "Trainer: the training data must have a batch, got none" + here());
    nn::TrainerOptions plain{.epochs = 1, .progress = nn::ProgressStyle::none};
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, sgd, plain).fit(batches, nothing, loss); }) ==
          "Trainer: the validation data must have a batch, got none" + here());
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, sgd, plain).evaluate(nothing, loss); }) ==
          "Trainer: the data to evaluate must have a batch, got none" + here());
    plain.out = "/proc/nowhere";
    CHECK(error_of<Error>([&] {
              nn::Trainer(net, sgd, plain).fit(batches, loss);
          }).starts_with("/proc/nowhere: cannot be made: "));
    nn::Log log;
    log("a", 1);
    CHECK(error_of<ValueError>([&] { log.update("a", nn::RocAuc(), tensor({1.0}), tensor({1.0})); }) ==
          "Log: a name must stand for one kind of metric, got two for a");
    CHECK(error_of<ValueError>([&] { log("a,b", 1); }) ==
          "Log: a name must be a text without commas, quotes and line ends, got \"a,b\"" + here());
}

TEST_CASE("trainer: a loss that does not depend on the model is an error in the first batch") {
    nn::Linear net(4, 3), other = net;
    nn::SGD sgd;
    const std::vector<int> batches{1, 2};
    nn::Trainer trainer(net, sgd, {.progress = nn::ProgressStyle::none});
    const auto loss = [&](const auto&, int) { return sum(other.bias); };
    CHECK(error_of<ValueError>([&] { trainer.fit(batches, loss); }) ==
          "Trainer: no parameter of the model has a gradient: the gradients are those of 1 others. The model that "
          "computed the loss has "
          "another copy of the parameters (it was taken or captured by value, or put into a Sequential, which copies), "
          "or is another model "
          "(epoch 1, batch 1)" +
              here());
}

TEST_CASE("trainer: a run that has become NaN stops and says where") {
    const std::vector<int> batches{1, 2, 3};
    const auto run = [&](int nan_loss, int nan_gradient, bool check, std::int64_t accumulate = 1) {
        Scripted model;
        nn::SGD sgd({.lr = 1});
        nn::Trainer trainer(
            model, sgd,
            {.epochs = 2, .accumulate = accumulate, .check_finite = check, .progress = nn::ProgressStyle::none});
        int calls = 0;
        return trainer.fit(batches, [&](const Scripted& m, int) {
            ++calls;
            if (calls == nan_loss) return m.weight * NAN;
            if (calls == nan_gradient) return sqrt((m.weight - m.weight.item()) * 0);  // 0, but its slope is 0/0
            return m.weight * 1;
        });
    };
    const auto message = [&](auto... arguments) { return error_of<ValueError>([&] { run(arguments...); }); };
    CHECK(message(5, 0, true)
              .starts_with("Trainer: the loss must be finite, got nan in epoch 2, batch 2; .check_finite = false lets "
                           "it go on ["));
    // The step after a gradient that is NaN is seen at the next loss, or at the end of the epoch, before it is kept.
    CHECK(message(0, 5, true)
              .starts_with("Trainer: the loss must be finite, got nan in epoch 2, batch 3, where weight is not finite "
                           "either; .check_finite"));
    CHECK(message(0, 3, true)
              .starts_with(
                  "Trainer: parameters must be finite, got NaN or infinity in weight before batch 4 of epoch 1; "));
    const History history = run(2, 0, false);
    CHECK(history.epochs() == 2);
    CHECK(std::isnan(history.last("loss")));
}

TEST_CASE("trainer: a folder that holds another run is refused unless that is to be resumed or replaced") {
    tests::Folder folder;
    const std::string out = (folder.path / "run").string();
    const std::vector<double> losses{5, 3};
    Scripted model;
    scripted(model, losses, {.out = out});
    const std::string before = tests::read(folder.path / "run/log.csv");
    model = {};
    CHECK(error_of<ValueError>([&] { scripted(model, {1, 2, 3}, {.out = out}); })
              .starts_with("Trainer: .out must be a folder without another run, got " + out +
                           " with a checkpoint.safetensors; set .resume to go on from it, .overwrite to replace it, or "
                           "take another folder ["));
    CHECK(model.weight.item() == 0);
    CHECK(tests::read(folder.path / "run/log.csv") == before);
    CHECK(scripted(model, {1, 2, 3}, {.out = out, .resume = true}).epochs() == 3);
    // Replaced: nothing of the old one is left, even if the new one ends early.
    model = {};
    scripted(model, {}, {.out = out, .overwrite = true});
    CHECK_FALSE(std::filesystem::exists(folder.path / "run/best.safetensors"));
    CHECK(tests::read(folder.path / "run/log.csv") == "epoch\n");
}

TEST_CASE("trainer: what is measured on other data, and a run that a hook ends") {
    Run run;
    run.fit(run.options());
    nn::Trainer trainer(run.net, run.adam, {.progress = nn::ProgressStyle::none});
    const History history =
        trainer.evaluate(run.validation, [](const tests::Net& model, const auto& batch, nn::Log& log) {
            const auto& [x, y] = batch;
            CHECK_FALSE(model.dropout.training);
            CHECK_FALSE(tracked(model(x)));
            log("accuracy", nn::accuracy(model(x), y));
            return nn::cross_entropy(model(x), y);
        });
    CHECK(history.last("loss") == run.history.last("valid_loss"));
    CHECK(history.last("accuracy") == run.history.last("valid_accuracy"));

    // In the middle of an epoch, with the place saved; then it goes on as if nothing had been.
    tests::Folder folder;
    const std::string out = (folder.path / "run").string();
    const std::vector<int> batches{1, 2, 3};
    const auto slope = [](const Scripted& m, int batch) { return -m.weight * batch; };
    Scripted model;
    nn::SGD sgd({.lr = 1});
    int steps = 0;
    {
        nn::Trainer stopped(model, sgd, {.out = out, .epochs = 3, .progress = nn::ProgressStyle::none});
        stopped.on_step([&] {
            if (++steps == 5) stopped.stop();
        });
        const History part = stopped.fit(batches, slope);
        CHECK(part.stop == History::Stop::requested);
        CHECK(part.epochs() == 1);
        CHECK(model.weight.item() == 6 + 3);
    }
    model = {};
    nn::Trainer resumed(model, sgd, {.out = out, .epochs = 3, .resume = true, .progress = nn::ProgressStyle::none});
    resumed.on_epoch([&](const History& so_far) {
        if (so_far.epochs() == 2) resumed.stop();
    });
    CHECK(resumed.fit(batches, slope).stop == History::Stop::requested);
    CHECK(model.weight.item() == 12);
    CHECK(resumed.fit(batches, slope).stop == History::Stop::finished);
    CHECK(model.weight.item() == 18);
}

TEST_CASE("trainer: several optimizers train a part of the model each") {
    struct Pair {
        nn::Linear a{1, 1}, b{1, 1};
        XGRAD_FIELDS(a, b)
    };
    const std::vector<int> batches{1, 2, 3};
    const auto loss = [](const Pair& m, int) { return sum(m.b(m.a(ones({1, 1})))); };
    nn::manual_seed(2);
    Pair net;
    Pair hand = net;
    const nn::TrainerOptions quiet{.epochs = 2, .progress = nn::ProgressStyle::none};
    nn::SGD sgd({.lr = 0.1}), by_hand({.lr = 0.1});
    nn::Adam adam({.lr = 0.2}), adam_by_hand({.lr = 0.2});
    tests::Folder folder;
    nn::TrainerOptions saved = quiet;
    saved.out = (folder.path / "run").string();
    nn::Trainer(net, {{net.a, sgd}, {net.b, adam}}, saved).fit(batches, loss);
    for (int i = 0; i < 6; ++i) {
        Tape tape;
        const Gradients gradients = tape.gradient(loss(hand, 0));
        by_hand.step(hand.a, gradients);
        adam_by_hand.step(hand.b, gradients);
    }
    tests::check_same(nn::state_dict(net), nn::state_dict(hand));
    CHECK(tests::read(folder.path / "run/report.html").find("<h1>Pair, SGD and Adam</h1>") != std::string::npos);

    // Both states are in the checkpoint.
    Pair again;
    nn::SGD sgd_again({.lr = 0.1});
    nn::Adam adam_again({.lr = 0.2});
    saved.resume = true;
    saved.epochs = 3;
    nn::Trainer(again, {{again.a, sgd_again}, {again.b, adam_again}}, saved).fit(batches, loss);
    nn::TrainerOptions longer = quiet;
    nn::Trainer(net, {{net.a, sgd}, {net.b, adam}}, (longer.epochs = 1, longer)).fit(batches, loss);
    tests::check_same(nn::state_dict(net), nn::state_dict(again));

    CHECK(error_of<ValueError>([&] { nn::Trainer(net, {{net.a, sgd}}, quiet).fit(batches, loss); }) ==
          "Trainer: each parameter of the model must belong to one optimizer, got 0 for b.weight" + here());
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, {{net, sgd}, {net.b, adam}}, quiet).fit(batches, loss); }) ==
          "Trainer: each parameter of the model must belong to one optimizer, got 2 for b.weight" + here());
    CHECK(error_of<ValueError>([&] { nn::Trainer(net, {{net, sgd}, {hand.b, adam}}, quiet).fit(batches, loss); }) ==
          "Trainer: the optimizers must have parameters of the model only, got 6 where it has 4" + here());
}

TEST_CASE(
    "trainer: the page tells model, optimizer, sizes and date, and marks the best epoch where it means something") {
    tests::Folder folder;
    Run run;
    run.fit(run.options((folder.path / "run").string()));
    const std::string html = tests::read(folder.path / "run/report.html");
    CHECK(html.find("<h1>Net, AdamW</h1>\n<p>83 parameters; 6 batches of up to 8 samples in an epoch; 20") !=
          std::string::npos);
    const std::string aside = html.substr(html.find("<aside>"));
    CHECK(tests::count(html, "best epoch</text>") == 4);
    CHECK(tests::count(aside, "best epoch</text>") == 0);
    CHECK(tests::count(aside, "<figure>") == 2);
    const std::vector<nn::Plot> plots = nn::curves(run.history, "test");
    CHECK(plots.size() == 4);
    for (const nn::Plot& plot : plots) {
        CHECK(plot.options().title != "lr");
        CHECK(tests::count(plot.script(), "title 'training'") == 1);
        CHECK(tests::count(plot.script(), "title 'test'") == 1);
    }
}

TEST_SUITE_END();
