#include "places.hpp"

#include <filesystem>
#include <fstream>
#include <regex>

namespace fs = std::filesystem;

std::string source_dir() { return XGRAD_SOURCE_DIR; }
std::string binary_dir() { return XGRAD_BINARY_DIR; }

std::map<std::string, int> declared_functions(const std::vector<std::string>& places, bool procedures) {
    std::vector<fs::path> headers;
    for (const std::string& name : places) {
        const fs::path place = fs::path(source_dir()) / "autodiff" / name;
        if (!fs::is_directory(place)) {
            headers.push_back(place);
            continue;
        }
        for (const auto& file : fs::recursive_directory_iterator(place))
            if (const fs::path& path = file.path(); path.parent_path().filename() != "detail")
                if (path.extension() == ".hpp" || path.extension() == ".inc") headers.push_back(path);
    }
    const std::regex declaration(
        R"(^(?:XGRAD_API ([A-Z]\w*|std::vector<Tensor>|void) |XGRAD_(?:UNARY|UNARY_1|UNARY_2|BINARY)\()([a-z]\w*|operator\S+?)[(,])");
    std::map<std::string, int> count;
    for (const fs::path& header : headers) {
        std::ifstream in(header);
        for (std::string line; std::getline(in, line);)
            if (std::smatch match; std::regex_search(line, match, declaration) && (procedures || match[1] != "void"))
                ++count[match[2]];
    }
    return count;
}
