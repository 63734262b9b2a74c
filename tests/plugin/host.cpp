#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

// host PLUGIN COPIES: loads that many copies of the plug-in, each with static data of its own, and calls all of them on
// two threads.

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    namespace fs = std::filesystem;
    const fs::path plugin = argv[1];
    using Slope = double (*)(double);
    std::vector<Slope> slopes;
    std::vector<fs::path> copies;
    int failed = 0;
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
        // Beside the plug-in, so that libraries are found as it finds them.
        copies.push_back(plugin.parent_path() / ("copy_" + std::to_string(i) + "_of_" + plugin.filename().string()));
        fs::copy_file(plugin, copies.back(), fs::copy_options::overwrite_existing);
        void* const handle = dlopen(copies.back().c_str(), RTLD_NOW | RTLD_LOCAL);
        void* const symbol = handle ? dlsym(handle, "slope") : nullptr;
        if (!symbol) {
            std::fprintf(stderr, "copy %d: %s\n", i, dlerror());
            failed = 1;
            break;
        }
        slopes.push_back(reinterpret_cast<Slope>(symbol));
    }
    const auto call_all = [&] {
        for (std::size_t i = 0; i < slopes.size(); ++i)
            if (const double got = slopes[i](static_cast<double>(i)); got != 2 * static_cast<double>(i)) {
                std::fprintf(stderr, "copy %zu: got %g\n", i, got);
                failed = 1;
            }
    };
    call_all();
    std::thread(call_all).join();
    for (const fs::path& copy : copies) fs::remove(copy);
    return failed;
}
