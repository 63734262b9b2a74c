#include <doctest/doctest.h>
#include <nn/detail/files.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "folder.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using nn::detail::write_atomically;
using tests::error_of;
using tests::Folder;
using tests::read;
using tests::write;

namespace {

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("write_atomically: a new file, and one in the place of an old one") {
    const Folder folder;
    const fs::path file = folder.path / "a";
    write_atomically(file, [](auto& out) { out.write("first"); });
    CHECK(read(file) == "first");
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    write_atomically(file, [](auto& out) {
        out.write("xxcond");
        CHECK(out.tell() == 6);
        out.seek(0);
        out.write("se");
    });
    CHECK(read(file) == "second");
    CHECK(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(files_in(folder.path) == 1);
}

TEST_CASE("write_atomically: a link stays one, and its target is replaced") {
    const Folder folder;
    fs::create_directory(folder.path / "there");
    write(folder.path / "there" / "target", "old");
    fs::create_symlink("there/target", folder.path / "link");
    write_atomically(folder.path / "link", [](auto& out) { out.write("new"); });
    CHECK(fs::is_symlink(folder.path / "link"));
    CHECK(read(folder.path / "there" / "target") == "new");
}

TEST_CASE("write_atomically: whatever fails, the old file stands and nothing is left") {
    const Folder folder;
    const fs::path file = folder.path / "a";
    write(file, "old");
    CHECK_THROWS_AS(write_atomically(file,
                                     [](auto& out) {
                                         out.write("half");
                                         throw ValueError("stopped");
                                     }),
                    ValueError);
    CHECK(read(file) == "old");
    CHECK(files_in(folder.path) == 1);
    CHECK(error_of([&] { write_atomically(folder.path, [](auto&) {}); }) ==
          folder.path.string() + ": cannot be written: Is a directory");
    const fs::path nowhere = folder.path / "none" / "a";
    CHECK(error_of([&] { write_atomically(nowhere, [](auto&) {}); }) ==
          nowhere.string() + ": cannot be written: No such file or directory");
}

TEST_CASE("write_atomically: a full disk is an error, and the old file stands") {
    const Folder folder;
    const fs::path file = folder.path / "a";
    write(file, "old");
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1000, 1000};
        setrlimit(RLIMIT_FSIZE, &limit);
        const std::string message =
            error_of([&] { write_atomically(file, [](auto& out) { out.write(std::string(100000, 'x')); }); });
        _exit(message == file.string() + ": cannot be written: File too large" ? 0 : 1);
    }
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(read(file) == "old");
    CHECK(files_in(folder.path) == 1);
}

TEST_CASE("write_atomically: what a killed process left is overwritten") {
    const Folder folder;
    const fs::path file = folder.path / "a";
    write(file, "old");
    const pid_t child = fork();
    if (child == 0)
        write_atomically(file, [](auto& out) {
            out.write(std::string(100000, 'x'));
            raise(SIGKILL);
        });
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(read(file) == "old");
    CHECK(files_in(folder.path) == 2);
    write_atomically(file, [](auto& out) { out.write("new"); });
    CHECK(read(file) == "new");
    CHECK(files_in(folder.path) == 1);
}

TEST_CASE("write_atomically: several threads write one file in turn") {
    const Folder folder;
    const fs::path file = folder.path / "a";
    std::vector<std::thread> writers;
    for (char who = 'a'; who < 'e'; ++who)
        writers.emplace_back([&file, who] {
            for (int i = 0; i < 20; ++i)
                write_atomically(file, [who](auto& out) { out.write(std::string(20000, who)); });
        });
    bool whole = true;
    for (int i = 0; i < 100; ++i)
        if (fs::exists(file)) {
            const std::string text = read(file);
            whole = whole && text.size() == 20000 && text.find_first_not_of(text[0]) == text.npos;
        }
    for (std::thread& writer : writers) writer.join();
    CHECK(whole);
    CHECK(files_in(folder.path) == 1);
}

TEST_CASE("MappedFile: bytes as they are, also none, and what cannot be read") {
    const Folder folder;
    write(folder.path / "a", "text");
    write(folder.path / "empty", "");
    CHECK(nn::detail::MappedFile(folder.path / "a").bytes()[1] == std::byte{'e'});
    CHECK(nn::detail::MappedFile(folder.path / "empty").bytes().empty());
    const auto message = [&](const fs::path& path) { return error_of([&] { nn::detail::MappedFile file(path); }); };
    CHECK(message(folder.path / "none") ==
          (folder.path / "none").string() + ": cannot be read: No such file or directory");
    CHECK(message(folder.path) == folder.path.string() + ": cannot be read: Is a directory");
    REQUIRE(mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    CHECK(message(folder.path / "pipe") == (folder.path / "pipe").string() + ": cannot be read: not a regular file");
}

TEST_SUITE_END();
