// libFuzzer on the readers: any bytes give a FormatError or data, and never anything else.
//
//     readers --parser=npz --seeds=corpus corpus        parsers: safetensors npy npz idx csv bytes characters pieces
//
// --seeds first fills a folder with files that our own writers made.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include <nn/data/csv.hpp>
#include <nn/data/idx.hpp>
#include <nn/weights/npz.hpp>
#include <nn/weights/safetensors.hpp>
#include <nn/data/vocabulary.hpp>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

using Bytes = std::span<const std::byte>;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void require(bool ok) {
    if (!ok) std::abort();
}

/// Every byte of a tensor is there, and the shape fits its size.
void touch(const Tensor& t) {
    require(t.size() == t.shape().size());
    const Tensor doubles = t.to(DType::f64);
    double sum = 0;
    for (const double x : doubles.data<double>()) sum += x;
    [[maybe_unused]] volatile double kept = sum;
}
void touch(const nn::State& state) {
    for (const auto& [name, t] : state) touch(t);
}

void parse_csv(Bytes bytes) {
    const nn::CsvTable table = nn::parse_csv(text_of(bytes));
    for (std::int64_t row = 0; row < table.rows(); ++row)
        for (std::int64_t column = 0; column < table.columns(); ++column)
            require(table.field(row, column).size() <= bytes.size());
    touch(table.numbers(DType::f32));
    nn::parse_csv(text_of(bytes), "csv", {.separator = ' ', .header = false, .skip_lines = 1, .comment = '#'});
}
/// Both as a file of pairs and as a text to learn from, which must come back.
void parse_bytes(Bytes bytes) {
    const std::string text(text_of(bytes));
    const nn::BytePairVocabulary learned(text, 300);
    require(learned.decode(learned.encode(text)) == text);
    const auto read = nn::BytePairVocabulary::parse(text);
    require(read.decode(read.encode(text)) == text);
}
void parse_characters(Bytes bytes) { touch(nn::CharVocabulary::parse(text_of(bytes)).encode("")); }
void parse_pieces(Bytes bytes) {
    const auto read = nn::WordPieceVocabulary::parse(text_of(bytes));
    require(!read.decode(read.encode(text_of(bytes))).empty());
}

const std::map<std::string, void (*)(Bytes)> parsers = {
    {"safetensors", [](Bytes bytes) { touch(nn::parse_safetensors(bytes)); }},
    {"npy", [](Bytes bytes) { touch(nn::parse_npy(bytes)); }},
    {"npz", [](Bytes bytes) { touch(nn::parse_npz(bytes)); }},
    {"idx", [](Bytes bytes) { touch(nn::parse_idx(bytes)); }},
    {"csv", parse_csv},
    {"bytes", parse_bytes},
    {"characters", parse_characters},
    {"pieces", parse_pieces},
};
void (*parser)(Bytes) = nullptr;

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

void write_seeds(const std::string& name, const fs::path& folder) {
    fs::create_directories(folder);
    const nn::State state = {{"fc1.weight", tensor({{1.0f, -2.5f}, {0.0f, 3.0f}})},
                             {"scale", scalar(0.5)},
                             {"mask", tensor({true, false})},
                             {"count", tensor({std::int64_t{7}})},
                             {"none", zeros({0, 3})},
                             {"small", tensor({1, 2, 3})}};
    if (name == "safetensors") nn::save_safetensors(folder / "state", state, {{"epoch", "3"}});
    if (name == "safetensors") {
        const std::string header = R"({"small":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)"
                                   R"("n":{"dtype":"U64","shape":[1],"data_offsets":[2,10]}})";
        write_text(folder / "types",
                   std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "ab12345678");
    }
    if (name == "npz") {
        nn::save_npz(folder / "stored", state);
        nn::save_npz(folder / "deflated", state, {.compressed = true});
    }
    if (name == "npy") {
        for (const auto& [key, t] : state) nn::save_npy(folder / key, t);
        for (const char* type : {"<u8", "<U3", "|S3"})
            write_text(folder / type, std::string("\x93NUMPY\1\0\x37\0", 10) + "{'descr': '" + type +
                                          "', 'fortran_order': True, 'shape': (1L,)}" + std::string(8, '\1'));
    }
    if (name == "idx") {
        write_text(folder / "bytes", std::string("\0\0\x8\2\0\0\0\2\0\0\0\3abcdef", 18));
        write_text(folder / "floats", std::string("\0\0\xd\1\0\0\0\1\x3f\x80\0\0", 12));
        // The first of them, gzipped.
        write_text(
            folder / "gzip",
            std::string("\x1f\x8b\x08\0\0\0\0\0\2\3\x63\x60\xe0\x60\x62\x60\x60\0\x61\xe6\xc4\xa4\xe4\x94\xd4\x34\0\x83"
                        "\xda\x46\x2f\x12\0\0\0",
                        35));
    }
    if (name == "csv")
        write_text(folder / "table", "name,area,\"price, now\"\r\n\"A \"\"b\"\"\",1.5,2\n# c\n,NA,-3e-500\n");
    if (name == "bytes")
        nn::BytePairVocabulary("low low lower lower", 270, {.special = {"<end>"}}).save(folder / "pairs");
    if (name == "characters")
        nn::CharVocabulary("größe", {.special = {"<pad>"}, .unknown = "?"}).save(folder / "characters");
    if (name == "pieces") nn::WordPieceVocabulary("low low lower größe", 40).save(folder / "pieces");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    std::string name, seeds;
    for (int i = 1; i < *argc; ++i) {
        const std::string argument = (*argv)[i];
        if (argument.starts_with("--parser=")) name = argument.substr(9);
        if (argument.starts_with("--seeds=")) seeds = argument.substr(8);
    }
    const auto found = parsers.find(name);
    if (found == parsers.end()) {
        std::cerr << "--parser=NAME is needed; there are:";
        for (const auto& [known, function] : parsers) std::cerr << ' ' << known;
        std::cerr << '\n';
        std::exit(2);
    }
    parser = found->second;
    if (!seeds.empty()) write_seeds(name, seeds);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        parser({reinterpret_cast<const std::byte*>(data), size});
    } catch (const FormatError&) {}
    return 0;
}
