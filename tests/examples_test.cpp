// The examples: their readers and pictures as code, and the programs as a user runs them.

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "../examples/shared/data.hpp"
#include "idx_files.hpp"
#include "places.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using tests::count;
using tests::error_of;
using tests::Folder;
using tests::idx_bytes;
using tests::read;
using tests::write;
using tests::write_gzip;

namespace {

struct Ran {
    int code;
    std::string output;  // both streams
};
Ran run(const std::string& example, const std::string& arguments) {
    const std::string command = binary_dir() + "/examples/" + example + " " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string output;
    char buffer[4096];
    for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, got);
    const int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

/// A small data set of the same format: the bright rows tell the class.
void write_data(const fs::path& folder, int train = 300, int test = 100) {
    for (const auto& [prefix, count] : {std::pair{"train", train}, std::pair{"t10k", test}}) {
        std::string pixels, labels;
        for (int i = 0; i < count; ++i) {
            for (int row = 0; row < 28; ++row) pixels.append(28, static_cast<char>(row / 2 == i % 10 ? 200 : 25));
            labels += static_cast<char>(i % 10);
        }
        const auto n = static_cast<std::uint32_t>(count);
        write_gzip(folder / (std::string(prefix) + "-images-idx3-ubyte.gz"), idx_bytes({n, 28, 28}, pixels));
        write_gzip(folder / (std::string(prefix) + "-labels-idx1-ubyte.gz"), idx_bytes({n}, labels));
    }
}

}  // namespace

TEST_SUITE_BEGIN("examples");

TEST_CASE("examples: images and labels must belong together") {
    const Folder folder;
    write_data(folder.path);
    const Pictures data = fashion_mnist("t10k", 60, folder.path.string());
    CHECK(data.images.shape() == xgrad::Shape{60, 28, 28});
    CHECK(data.labels.dtype() == xgrad::DType::i64);
    CHECK(data.images.data<float>()[0] == doctest::Approx(200 / 255.0));
    const std::string images = (folder.path / "t10k-images-idx3-ubyte.gz").string(),
                      labels = (folder.path / "t10k-labels-idx1-ubyte.gz").string();
    const auto message = [&] {
        return error_of<std::runtime_error>([&] { fashion_mnist("t10k", 60, folder.path.string()); });
    };
    write_gzip(labels, idx_bytes({2}, "ab"));
    CHECK(message() == labels + ": must hold one label for each of 100 images, got shape (2,)");
    write_gzip(labels, idx_bytes({100}, std::string(100, 11)));
    CHECK(message() == labels + ": labels must be in [0, 10), got 11");
    write_gzip(images, idx_bytes({4}, "abcd"));
    CHECK(message() == images + ": must hold images of 28x28 pixels, got shape (4,)");
}

TEST_CASE("examples: fashion_mnist trains, reports and draws") {
    const Folder folder;
    write_data(folder.path);
    const fs::path out = folder.path / "a" / "b";
    const std::string arguments = "--data " + folder.path.string() + " --out " + out.string() +
                                  " --epochs 20 --batch-size 32 --lr 0.01 --hidden 32";
    const Ran ran = run("fashion_mnist", arguments + " --threads 1 --seed 3");
    CHECK_MESSAGE(ran.code == 0, ran.output);
    CHECK(count(ran.output, "\nepoch ") == 19);
    CHECK(ran.output.find('\r') == std::string::npos);  // not a terminal: plain lines
    const auto last = ran.output.substr(ran.output.rfind('\n', ran.output.size() - 2) + 1);
    REQUIRE(last.starts_with("test accuracy "));
    CHECK(std::stod(last.substr(14)) > 0.9);
    CHECK(count(read(out / "metrics.csv"), "\n") == 21);
    CHECK(read(out / "metrics.csv").starts_with("epoch,loss,accuracy,valid_loss,valid_accuracy,seconds\n1,"));
    CHECK(read(out / "curves.svg").find("test") != std::string::npos);
    CHECK(read(out / "result.json").find("\"test accuracy\"") != std::string::npos);
    CHECK(count(read(out / "predictions.svg"), "<image") == 100);

    const auto without_times = [](const std::string& text) {
        std::string kept;
        for (std::size_t from = 0; from < text.size();) {
            const auto end = text.find('\n', from);
            const auto line = text.substr(from, end - from);
            kept += line.ends_with(" s") ? line.substr(0, line.rfind("  ")) : line;
            from = end + 1;
        }
        return kept;
    };
    CHECK(without_times(run("fashion_mnist", arguments + " --threads 1 --seed 3").output) == without_times(ran.output));
}

TEST_CASE("examples: fashion_mnist ends with code 2 and one line for each mistake") {
    const Folder folder;
    write_data(folder.path);
    const std::string images = (folder.path / "train-images-idx3-ubyte.gz").string(),
                      out = " --out " + (folder.path / "out").string();
    const std::string good = read(images);
    const auto fails = [&](const std::string& arguments, const std::string& expected) {
        const Ran ran = run("fashion_mnist", arguments);
        CHECK_MESSAGE(ran.code == 2, ran.output);
        CHECK_MESSAGE(ran.output.starts_with(expected), ran.output);
        CHECK(count(ran.output, "\n") == 1);
    };
    const std::string data = "--data " + folder.path.string() + out;
    write(images, good.substr(0, good.size() / 2));
    fails(data, "fashion_mnist: " + images + ": truncated");
    write(images, "no gzip");
    fails(data, "fashion_mnist: " + images + ": not an IDX file: it must start with two zero bytes");
    write_gzip(images, "wrong");
    fails(data, "fashion_mnist: " + images + ": not an IDX file: it must start with two zero bytes");
    fs::remove(images);
    fails(data, "fashion_mnist: " + images + ": cannot be read: No such file or directory");
    for (const char* wrong : {"--epochs 0", "--epochs many", "--batch-size -1", "--lr -1", "--hidden 0", "--threads -2",
                              "--nonsense", "surplus"}) {
        const Ran ran = run("fashion_mnist", wrong);
        CHECK_MESSAGE(ran.code == 2, wrong, ran.output);
        CHECK(count(ran.output, "\n") <= 3);
    }
    const Ran help = run("fashion_mnist", "--help");
    CHECK(help.code == 0);
    for (const char* option :
         {"--epochs", "--batch-size", "--lr", "--hidden", "--seed", "--threads", "--data", "--out"})
        CHECK(help.output.find(option) != std::string::npos);
}

TEST_CASE("examples: xor is learned from any of 120 seeds") {
    const Folder folder;
    const std::string out = "--out " + folder.path.string() + " ";
    const Ran ran = run("xor", out + "--seeds 120");
    CHECK_MESSAGE(ran.code == 0, ran.output);
    CHECK(ran.output.find("networks that learned it 120 (at least 120: reached)\n") != std::string::npos);
    CHECK(ran.output.ends_with("learned\n"));
    CHECK(run("xor", out + "--steps 1").code == 1);
    CHECK(run("xor", out + "--steps x").code == 2);
}

TEST_SUITE_END();
