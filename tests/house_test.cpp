#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "places.hpp"

// Which folder may include which: each its own files and those of folders below it. Headers that users may include are
// those that the entry headers reach; all others lie in a folder detail/ or in kernels/, and are not installed.

namespace {

namespace fs = std::filesystem;

/// From the ground up. Folders of one line use each other: the pullbacks of each are written with the operations of the
/// others.
const std::vector<std::vector<std::string>> layers{
    {"autodiff/core"},
    {"autodiff/rules"},
    {"autodiff/simd"},
    {"autodiff/kernels", "autodiff/kernels/bf16"},
    {"autodiff/ops/elementwise", "autodiff/ops/reduce", "autodiff/ops/shape"},
    {"autodiff/ops/linalg"},
    {"autodiff/ops/random"},
    {"autodiff/ops/nn"},
    {"autodiff/functions"},
    {"autodiff/distributions"},
    {"autodiff/transform"},
    {"autodiff/inspect"},
    {"autodiff"},
    {"nn/detail"},
    {"nn/core"},
    {"nn/layers"},
    {"nn/losses"},
    {"nn/optim"},
    {"nn/weights"},
    {"nn/data"},
    {"nn/plot"},
    {"nn/train"},
    {"nn"},
};
const std::set<std::string> entries{"autodiff/autodiff.hpp", "autodiff/map.hpp", "autodiff/xtensor.hpp", "nn/nn.hpp"};

bool is_inside(const std::string& file) {
    return file.find("/detail/") != file.npos || file.starts_with("autodiff/kernels/");
}

/// "nn/train" of "nn/train/detail/run.hpp".
std::string folder_of(const std::string& file) {
    const fs::path folder = fs::path(file).parent_path();
    return folder.filename() == "detail" && folder != "nn/detail" ? folder.parent_path() : folder;
}

int layer_of(const std::string& folder) {
    for (std::size_t i = 0; i < layers.size(); ++i)
        for (const std::string& name : layers[i])
            if (name == folder) return static_cast<int>(i);
    return -1;
}

/// What each file of the libraries includes of them, by paths from the root.
std::map<std::string, std::vector<std::string>> includes() {
    const fs::path root = source_dir();
    const std::regex include(R"(^\s*#\s*include\s+["<]([^">]+)[">])");
    std::map<std::string, std::vector<std::string>> files;
    for (const char* library : {"autodiff", "nn"})
        for (const auto& file : fs::recursive_directory_iterator(root / library))
            if (const fs::path kind = file.path().extension(); kind == ".hpp" || kind == ".inc" || kind == ".cpp") {
                std::vector<std::string>& names = files[fs::relative(file.path(), root)];
                std::ifstream in(file.path());
                for (std::string line; std::getline(in, line);)
                    if (std::smatch match; std::regex_search(line, match, include))
                        for (const fs::path& from : {file.path().parent_path(), root})
                            if (fs::exists(from / match[1].str())) {
                                names.push_back(fs::relative(from / match[1].str(), root));
                                break;
                            }
            }
    return files;
}

}  // namespace

TEST_SUITE("house") {
    TEST_CASE("a folder includes what lies below it, and nothing above") {
        int between = 0;
        for (const auto& each : includes()) {
            const std::string &file = each.first, folder = folder_of(file);
            REQUIRE_MESSAGE(layer_of(folder) >= 0, folder << " is in no layer of house_test.cpp");
            for (const std::string& name : each.second) {
                const std::string other = folder_of(name);
                if (other == folder) continue;
                ++between;
                CHECK_MESSAGE(layer_of(other) <= layer_of(folder),
                              file << " includes " << name << ", which stands above it");
            }
        }
        CHECK(between > 500);
    }

    TEST_CASE("nn is written with what users of the engine have") {
        for (const auto& each : includes())
            for (const std::string& name : each.second) {
                const std::string& file = each.first;
                CHECK_MESSAGE(!(file.starts_with("nn/") && name.starts_with("autodiff/") && is_inside(name)),
                              file << " includes " << name);
            }
    }

    TEST_CASE("what is installed is what the entry headers reach") {
        const auto files = includes();
        std::set<std::string> reached;
        std::vector<std::string> open(entries.begin(), entries.end());
        while (!open.empty()) {
            const std::string file = open.back();
            open.pop_back();
            if (!reached.insert(file).second) continue;
            CHECK_MESSAGE(!is_inside(file), file << " is reached by headers for users");
            REQUIRE_MESSAGE(files.count(file), file);
            for (const std::string& name : files.at(file)) open.push_back(name);
        }
        for (const auto& each : files)
            if (const std::string& file = each.first; !file.ends_with(".cpp") && !is_inside(file))
                CHECK_MESSAGE(reached.count(file), file << " is reached by no header for users");
    }
}
