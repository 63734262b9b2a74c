// Trains in a child process that is killed (SIGKILL) at random moments and started again, until 50 kills have hit.
// After each, the checkpoint must be whole and hold all work but that since the checkpoint before; and each run that
// gets to its end must have the same parameters, averages, numbers and random streams, bit for bit, as one that nobody
// killed.
//
//     xgrad_kill                        the test
//     xgrad_kill train FOLDER           the run

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include <nn/nn.hpp>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

constexpr int kills_wanted = 50;
constexpr std::int64_t epochs = 4, batches = 30, every = 4;  // a checkpoint after so many batches

struct Net {
    nn::Linear fc1{16, 32};
    nn::BatchNorm1d norm{32};
    nn::Dropout dropout{0.2};
    nn::Linear fc2{32, 4};
    Tensor operator()(const Tensor& x) const { return fc2(dropout(relu(norm(fc1(x))))); }
    XGRAD_FIELDS(fc1, norm, dropout, fc2)
};

/// The run that is killed. After each step it appends a byte to FOLDER/steps.
void train(const fs::path& folder) {
    nn::manual_seed(3);
    Generator generator(3);
    const Tensor x = randn({batches * 8, 16}, generator), y = randint(0, 4, {batches * 8}, generator);
    Net net;
    nn::AdamW adam({.lr = 1e-2});
    nn::OneCycleLR schedule(adam, 1e-2, {.total_steps = epochs * batches + 1});
    nn::EMA ema(net, {.decay = 0.95});
    nn::DataLoader loader(x, y, {.batch_size = 8, .shuffle = true, .num_workers = 1});
    nn::DataLoader validation(slice(x, 0, 0, 64), slice(y, 0, 0, 64), {.batch_size = 16});
    nn::Trainer trainer(net, adam,
                        {.out = folder.string(),
                         .epochs = epochs,
                         .resume = true,
                         .schedule = &schedule,
                         .schedule_each_step = true,
                         .checkpoint_batches = every,
                         .progress = nn::ProgressStyle::none});
    trainer.keep("ema", ema);
    std::FILE* steps = std::fopen((folder / "steps").c_str(), "ab");
    trainer.on_step([&] {
        ema.update(net);
        std::fputc('.', steps);
        std::fflush(steps);
    });
    trainer.fit(loader, validation, [](const Net& model, const auto& batch, nn::Log& log) {
        const Tensor scores = model(batch[0]);
        log("accuracy", nn::accuracy(scores, batch[1]));
        log.update("confusion", nn::ConfusionMatrix(4), scores, batch[1]);
        return nn::cross_entropy(scores, batch[1]);
    });
    std::fclose(steps);
}

void require(bool ok, const std::string& what) {
    if (!ok) throw std::runtime_error(what);
}

/// Starts the run; kills it after that time if that is not negative. Was it killed?
bool run(const fs::path& folder, double seconds) {
    const pid_t child = fork();
    require(child >= 0, "fork failed");
    if (child == 0) {
        execl("/proc/self/exe", "xgrad_kill", "train", folder.c_str(), nullptr);
        _exit(127);
    }
    if (seconds >= 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        kill(child, SIGKILL);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child, "waitpid failed");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the run failed by itself");
    return false;
}

/// Steps that the newest checkpoint has, 0 when there is none. Throws for one that cannot be read.
std::int64_t steps_saved(const fs::path& folder) {
    const fs::path file = folder / "checkpoint.safetensors";
    if (!fs::exists(file)) return 0;
    const nn::State state = nn::read_safetensors(file.string());
    const auto position = nn::find(state, "run.position")->data<std::int64_t>();
    return position[0] * batches + position[1];
}

std::int64_t steps_made(const fs::path& folder) {
    return fs::exists(folder / "steps") ? static_cast<std::int64_t>(fs::file_size(folder / "steps")) : 0;
}

/// Everything in a checkpoint that does not depend on the clock, as bytes.
std::string result(const fs::path& folder) {
    std::string bytes;
    const std::string file = (folder / "checkpoint.safetensors").string();
    for (const auto& [name, t] : nn::read_safetensors(file)) {
        if (name == "run.numbers") continue;  // has the seconds
        bytes += name + to_string(t.shape()) + name_of(t.dtype());
        const Tensor x = name == "run.history" ? slice(t, 1, 0, -1) : t;  // the last column has them, too
        const Tensor wide = is_floating(x.dtype()) ? x.to(DType::f64) : x.to(DType::i64);
        if (is_floating(x.dtype()))
            bytes.append(reinterpret_cast<const char*>(wide.data<double>().data()), wide.data<double>().size_bytes());
        else
            bytes.append(reinterpret_cast<const char*>(wide.data<std::int64_t>().data()),
                         wide.data<std::int64_t>().size_bytes());
    }
    return bytes;
}

int test(const fs::path& folder) {
    const auto begin = std::chrono::steady_clock::now();
    fs::create_directories(folder / "whole");
    require(!run(folder / "whole", -1), "the run was killed by somebody else");
    const double whole_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    require(steps_made(folder / "whole") == epochs * batches, "the run made another number of steps");
    const std::string wanted = result(folder / "whole");

    Generator generator(static_cast<std::uint64_t>(begin.time_since_epoch().count()));
    std::printf("a run takes %.2f s; seed of the moments %llu\n", whole_seconds,
                static_cast<unsigned long long>(generator.seed()));
    int kills = 0, runs = 0, early = 0;
    std::int64_t most_lost = 0;
    while (kills < kills_wanted) {
        const fs::path here = folder / ("run" + std::to_string(runs++));
        fs::create_directories(here);
        std::int64_t saved = 0;
        for (bool killed = true; killed;) {
            const double moment =
                kills < kills_wanted ? rand({}, generator, DType::f64).item() * whole_seconds * 0.6 : -1;
            const std::int64_t before = steps_made(here);
            killed = run(here, moment);
            kills += killed;
            const std::int64_t now = steps_saved(here), made = steps_made(here) - before;
            early += killed && now == 0;
            require(now >= saved, "a checkpoint was lost");
            // The process began with `saved` steps and made `made` more.
            const std::int64_t lost = saved + made - now;
            require(lost >= 0 && lost <= every, std::to_string(lost) + " steps were lost");
            most_lost = std::max(most_lost, lost);
            saved = now;
        }
        require(result(here) == wanted, "a killed run ended with other numbers (" + here.string() + ")");
    }
    std::printf(
        "%d kills, %d of them before the first checkpoint, in %d runs; at most %lld steps lost; all runs ended alike, "
        "in %.1f s\n",
        kills, early, runs, static_cast<long long>(most_lost),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc == 3 && std::strcmp(argv[1], "train") == 0) {
            train(argv[2]);
            return 0;
        }
        std::string name = (fs::temp_directory_path() / "xgrad_kill_XXXXXX").string();
        require(mkdtemp(name.data()) != nullptr, "no temporary folder");
        const int code = test(name);
        fs::remove_all(name);
        return code;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "xgrad_kill: %s\n", error.what());
        return 1;
    }
}
