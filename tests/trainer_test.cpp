#include <cstdio>
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
    CHECK(run.history.columns == std::vector<std::string>{"loss", "accuracy", "auc", "draw", "valid_loss", "valid_accuracy", "valid_auc",
                                                          "valid_draw", "lr", "seconds"});
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
        for (const auto& [x, y] : hand.validation) valid_sum += nn::cross_entropy(hand.net(x), y).item() * static_cast<double>(y.size());
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
    CHECK(
        error_of<ValueError>([&] { run.history.column("f1"); }) ==
        "History: there are the columns loss, accuracy, auc, draw, valid_loss, valid_accuracy, valid_auc, valid_draw, lr, seconds, got f1" +
            here());
}

namespace {

/// A model that is one number, whose validation loss is what a list says: the list's element for the number of epochs done.
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
    history = scripted(model, losses, {.out = (folder.path / "run").string(), .maximize = true, .patience = 4, .restore_best = true});
    CHECK(history.epochs() == 5);
    CHECK(history.best_epoch == 1);
    CHECK(model.weight.item() == 1);
    CHECK(nn::read_safetensors((folder.path / "run/best.safetensors").string())[0].second.item() == 1);
    // Going on from there: the best weights were for the user, the run has its last ones; and it is over.
    CHECK(scripted(model, losses, {.out = (folder.path / "run").string(), .resume = true, .maximize = true, .patience = 4}).epochs() == 5);
    CHECK(model.weight.item() == 5);
    // With more patience, it goes on.
    CHECK(scripted(model, losses, {.out = (folder.path / "run").string(), .resume = true, .maximize = true, .patience = 9}).epochs() == 7);
    CHECK(model.weight.item() == 7);
}

TEST_CASE("trainer: what is written") {
    tests::Folder folder;
    Run run;
    run.fit(run.options((folder.path / "new/run").string()));
    const std::string csv = tests::read(folder.path / "new/run/log.csv"), html = tests::read(folder.path / "new/run/report.html");
    CHECK(csv == run.history.csv());
    CHECK(csv.starts_with("epoch,loss,accuracy,auc,draw,valid_loss,valid_accuracy,valid_auc,valid_draw,lr,seconds\n1,"));
    CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
    CHECK(html.starts_with("<!doctype html>"));
    CHECK(html.ends_with("</html>\n"));
    CHECK(html.find("http") == std::string::npos);  // nothing is fetched
    for (const char* name : {"loss", "accuracy", "auc", "draw", "lr", "seconds"})
        CHECK(html.find("<figcaption>" + std::string(name)) != std::string::npos);
    Run fresh;
    nn::load_safetensors((folder.path / "new/run/best.safetensors").string(), fresh.net);  // a model's file like any other
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
    const auto step = [](const nn::Linear& model, const auto& batch) { return nn::cross_entropy(model(batch[0]), batch[1]); };
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
        CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
    }
    const std::string bar = shown(nn::ProgressStyle::bar);
    CHECK(bar.starts_with("\r\x1b[Kepoch 1/2 [====>                   ] 1/6  loss "));
    CHECK(bar.find("\r\x1b[Kepoch 1/2  loss ") != std::string::npos);
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
    const History history = nn::Trainer(net, sgd, {.epochs = 4, .schedule = &schedule, .progress = nn::ProgressStyle::none})
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
    CHECK(message({.clip_grad_norm = 0.0}) == "Trainer: clip_grad_norm must be positive, got 0.000000");
    CHECK(message({.patience = 0}) == "Trainer: patience must be at least 1, got 0");
    CHECK(message({.resume = true}) == "Trainer: to resume, a folder must be given as .out, got none");
    nn::Trainer twice(net, sgd, {});
    twice.keep("a", net);
    CHECK(error_of<ValueError>([&] { twice.keep("a", net); }) == "Trainer: a name can be kept once, got a again" + here());

    CHECK(error_of<ValueError>([&] { twice.keep("a.b", net); }) == "Trainer: a name must be without dots and not empty, got a.b" + here());

    const nn::TrainerOptions quiet{.epochs = 1, .monitor = "f1", .progress = nn::ProgressStyle::none};
    const std::vector<int> batches{1, 2};
    const auto loss = [](const nn::Linear& model, int) { return sum(model.bias); };
    CHECK(error_of<ValueError>([&] {
              nn::Trainer(net, sgd, quiet).fit(batches, loss);
          }).starts_with("History: there are the columns loss, lr, seconds, got f1"));
    CHECK(error_of<ShapeError>([&] {
              nn::Trainer(net, sgd, quiet).fit(batches, [](const nn::Linear& model, int) { return model.bias * 1; });
          }) == "Trainer: the loss must be one number, got (3,)");
    nn::Log log;
    log("a", 1);
    CHECK(error_of<ValueError>([&] { log.update("a", nn::RocAuc(), tensor({1.0}), tensor({1.0})); }) ==
          "Log: a name must stand for one kind of metric, got two for a");
    CHECK(error_of<ValueError>([&] { log("a,b", 1); }) ==
          "Log: a name must be a text without commas, quotes and line ends, got \"a,b\"" + here());
}

TEST_SUITE_END();
