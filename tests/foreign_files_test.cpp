// Files that hold more than a tensor can, files of other formats, and what must not be taken for a file.

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <functional>

#include "idx_files.hpp"
#include "places.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::Folder;
using tests::here;
using tests::nearby;
using tests::read;
using tests::values;
using tests::write;

namespace {

std::string foreign(const std::string& name) { return source_dir() + "/tests/data/foreign/" + name; }

const Tensor x = reshape(arange(0, 6, 1, DType::f64), {2, 3});

std::vector<std::string> names_of(const nn::State& state) {
    std::vector<std::string> names;
    for (const auto& [name, t] : state) names.push_back(name);
    return names;
}
using Names = std::vector<std::string>;

struct Net {
    Parameter x{zeros({2, 3}, DType::f64)};
    XGRAD_FIELDS(x)
};
struct WithNames {
    Parameter x{zeros({2, 3}, DType::f64)};
    Tensor names = zeros({2});
    XGRAD_FIELDS(x, names)
};

/// Every function that reads a file, and every one that writes one.
struct Function {
    std::string name;
    std::function<void(const std::string&, Location)> on;
};
std::vector<Function> readers() {
    return {
        {"read_idx", [](const std::string& path, Location where) { nn::read_idx(path, {}, where); }},
        {"read_idx_bytes", [](const std::string& path, Location where) { nn::read_idx_bytes(path, {}, where); }},
        {"read_csv", [](const std::string& path, Location where) { nn::read_csv(path, {}, where); }},
        {"read_npy", [](const std::string& path, Location where) { nn::read_npy(path, where); }},
        {"read_npz", [](const std::string& path, Location where) { nn::read_npz(path, {}, where); }},
        {"read_npz_array", [](const std::string& path, Location where) { nn::read_npz_array(path, "x", {}, where); }},
        {"load_npz",
         [](const std::string& path, Location where) {
             Net net;
             nn::load_npz(path, net, {}, {}, where);
         }},
        {"read_safetensors", [](const std::string& path, Location where) { nn::read_safetensors(path, where); }},
        {"read_safetensors_tensor",
         [](const std::string& path, Location where) { nn::read_safetensors_tensor(path, "x", where); }},
        {"read_safetensors_metadata",
         [](const std::string& path, Location where) { nn::read_safetensors_metadata(path, where); }},
        {"load_safetensors",
         [](const std::string& path, Location where) {
             Net net;
             nn::load_safetensors(path, net, {}, where);
         }},
        {"CharVocabulary::load",
         [](const std::string& path, Location where) { nn::CharVocabulary::load(path, where); }},
        {"BytePairVocabulary::load",
         [](const std::string& path, Location where) { nn::BytePairVocabulary::load(path, where); }},
    };
}
std::vector<Function> writers() {
    return {
        {"save_npy", [](const std::string& path, Location where) { nn::save_npy(path, x, where); }},
        {"save_npz", [](const std::string& path, Location where) { nn::save_npz(path, Net(), {}, where); }},
        {"save_png", [](const std::string& path, Location where) { nn::save_png(path, x, where); }},
        {"save_safetensors",
         [](const std::string& path, Location where) { nn::save_safetensors(path, Net(), {}, where); }},
        {"CharVocabulary::save",
         [](const std::string& path, Location where) { nn::CharVocabulary("abc").save(path, where); }},
        {"BytePairVocabulary::save",
         [](const std::string& path, Location where) { nn::BytePairVocabulary("", 256).save(path, where); }},
    };
}

constexpr Location mine{"mine.cpp", 7};

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("npy: what Python 2 wrote on Windows, and unsigned numbers of 64 bits") {
    CHECK(close(nn::read_npy(foreign("win64python2.npy")), ones({2}, DType::f64), 0));
    const auto parse = [](const std::string& bytes) {
        return nn::parse_npy(std::as_bytes(std::span(bytes)), "f", Location{});
    };
    const auto u8 = [](const std::string& data) {
        const std::string header = "{'descr': '<u8', 'fortran_order': False, 'shape': (1L,), }\n";
        return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header + data;
    };
    CHECK(parse(u8(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8))).item<std::int64_t>() == 9223372036854775807);
    CHECK(error_of<FormatError>([&] { parse(u8(std::string("\0\0\0\0\0\0\0\x80", 8))); }) ==
          "f: an unsigned number of 64 bits must fit i64, as which it is read, got 9223372036854775808");
}

TEST_CASE("npz: members without numbers are passed over, and told when they are asked for") {
    const std::string file = foreign("mixed.npz");
    const nn::State state = nn::read_npz(file);
    CHECK(names_of(state) == Names{"x", "count"});
    CHECK(close(*nn::find(state, "x"), x, 0));
    CHECK(nn::find(state, "count")->item<int>() == 7);
    CHECK(close(nn::read_npz_array(file, "x"), x, 0));
    const std::string types = "the element type must be f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, got ";
    CHECK(error_of<FormatError>([&] { nn::read_npz_array(file, "names"); }) ==
          file + ": names.npy: " + types + "\"<U3\"" + here());
    CHECK(error_of<FormatError>([&] { nn::read_npz_array(file, "objects"); }) ==
          file + ": objects.npy: " + types + "\"|O\", a pickle of Python's objects" + nearby());
    CHECK(error_of<FormatError>([&] { nn::read_npz_array(file, "records"); }) ==
          file + ": records.npy: arrays of records are not supported" + nearby());
    CHECK(error_of<ValueError>([&] { nn::read_npz_array(file, "y"); }) ==
          "read_npz_array: " + file + ": there are names, x, objects, times, records, count, got y" + nearby());
    Net net;
    const nn::LoadReport report = nn::load_npz(file, net, {.strict = false});
    CHECK(close(net.x, x, 0));
    CHECK(report.unexpected == Names{"count"});
    WithNames both;
    CHECK(error_of<FormatError>([&] { nn::load_npz(file, both, {.strict = false}); }) ==
          file + ": names.npy: " + types + "\"<U3\"" + nearby());
    CHECK(values(both.x) == std::vector<double>(6, 0));

    const nn::State sparse = nn::read_npz(foreign("sparse.npz"));
    CHECK(names_of(sparse) == Names{"indices", "indptr", "shape", "data"});
    CHECK(close(*nn::find(sparse, "data"), tensor({2.0, 3.0}), 0));
}

TEST_CASE(
    "npz: numbers that no tensor holds, and other compressions, are unsupported where they are read, and harm nobody "
    "else") {
    CHECK(error_of<FormatError>([] { nn::read_npz(foreign("complex.npz")); }) ==
          foreign("complex.npz") +
              ": z.npy: the element type must be f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, got \"<c16\"" +
              nearby());
    for (const auto& [name, method] :
         {std::pair<std::string, std::string>{"lzma.npz", "LZMA (14)"}, {"bzip2.npz", "bzip2 (12)"}}) {
        const std::string file = foreign(name);
        CHECK(error_of<FormatError>([&] { nn::read_npz(file); }) ==
              file + ": packed.npy: compression must be none or deflate, as NumPy's, others are not supported, got " +
                  method + nearby());
        CHECK(error_of<FormatError>([&] { nn::read_npz_array(file, "README.txt"); }) ==
              file + ": README.txt: no array: such a member's name ends in .npy" + nearby());
    }
    for (const char* name : {"complex.npz", "lzma.npz", "bzip2.npz"}) {
        CHECK(close(nn::read_npz_array(foreign(name), "x"), x, 0));
        Net net;
        nn::load_npz(foreign(name), net, {.strict = false});
        CHECK(close(net.x, x, 0));
    }
}

TEST_CASE("npz: a member that is damaged, or too large, harms whoever asks for it") {
    const Folder folder;
    const std::string file = folder.path / "a.npz";
    nn::save_npz(file, nn::State{{"first", tensor({1.5f, 2.5f})}, {"x", x}});
    std::string bytes = read(file);
    const std::string damaged = [&] {
        std::string changed = bytes;
        changed[changed.find(std::string("\0\0\xc0\x3f", 4)) + 1] = 1;
        return changed;
    }();
    write(file, damaged);
    CHECK(error_of<FormatError>([&] { nn::read_npz(file); }) == file + ": first.npy is damaged: CRC error" + here());
    CHECK(close(nn::read_npz_array(file, "x"), x, 0));
    nn::save_npz(file, nn::State{{"first", zeros({1 << 20})}, {"x", x}}, {.compressed = true});
    CHECK(close(nn::read_npz_array(file, "x", {.max_bytes = 1000}), x, 0));
    CHECK(error_of<FormatError>([&] { nn::read_npz(file, {.max_bytes = 10000}); }) ==
          file + ": expanded it would be larger than max_bytes, 10000" + nearby());
    CHECK(error_of<ValueError>([&] { nn::save_npz(file, nn::State{{std::string("a\0b", 3), x}}); }) ==
          "save_npz: names must be UTF-8 without zero bytes, got a\\0b" + nearby());
    CHECK(error_of<ValueError>([&] { nn::save_npz(file, nn::State{{"\xff", x}}); }) ==
          "save_npz: names must be UTF-8 without zero bytes, got \xff" + nearby());
}

TEST_CASE("safetensors: a tensor of an unsupported type harms whoever asks for it") {
    const Folder folder;
    const std::string file = folder.path / "a.safetensors";
    const std::string header = R"({"small":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)"
                               R"("x":{"dtype":"F32","shape":[1],"data_offsets":[2,6]},)"
                               R"("n":{"dtype":"U64","shape":[1],"data_offsets":[6,14]}})";
    write(file, std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "ab" +
                    std::string("\0\0\xc0\x3f", 4) + std::string("\7\0\0\0\0\0\0\0", 8));
    CHECK(nn::read_safetensors_tensor(file, "x").item<float>() == 1.5f);
    CHECK(nn::read_safetensors_tensor(file, "n").item<int>() == 7);
    struct One {
        Parameter x{zeros({1})};
        XGRAD_FIELDS(x)
    } one;
    CHECK(nn::load_safetensors(file, one, {.strict = false}).unexpected == Names{"small", "n"});
    CHECK(one.x.item<float>() == 1.5f);
    const std::string why =
        file +
        ": dtype must be F16, BF16, F32, F64, I8, U8, I16, U16, I32, U32, I64, U64 or BOOL, others are not supported, "
        "got \"F8_E4M3\" in \"small\"";
    CHECK(error_of<FormatError>([&] { nn::read_safetensors(file); }) == why + here());
    CHECK(error_of<FormatError>([&] { nn::read_safetensors_tensor(file, "small"); }) == why + here());
    CHECK(error_of<ValueError>([&] { nn::read_safetensors_tensor(file, "y"); }) ==
          "read_safetensors_tensor: " + file + ": there are small, x, n, got y" + nearby());
}

TEST_CASE("files: one of another format says what it is: torch.save's pickles, and how to write safetensors instead") {
    const Folder folder;
    for (const std::string& file : {foreign("net.pt"), foreign("legacy.pt")})
        for (const Function& reader : readers()) {
            CAPTURE(reader.name);
            const std::string message = error_of<FormatError>([&] { reader.on(file, mine); });
            CHECK_MESSAGE(message.find("but a pickle: as torch.save writes it") != message.npos, message);
            CHECK_MESSAGE(
                message.find("safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")") != message.npos,
                message);
            CHECK(message.ends_with(" [mine.cpp:7]"));
        }
    const std::string file = folder.path / "a";
    const auto message = [&](const auto& reader) {
        return error_of<FormatError>([&] { reader(file, mine); }).substr(file.size());
    };
    const auto safetensors = [](const std::string& path, Location where) { nn::read_safetensors(path, where); };
    const auto npz = [](const std::string& path, Location where) { nn::read_npz(path, {}, where); };
    const auto csv = [](const std::string& path, Location where) { nn::read_csv(path, {}, where); };
    nn::save_npy(file, x);
    CHECK(message(npz) == ": not a zip archive but an npy file: read_npy reads it [mine.cpp:7]");
    nn::save_npz(file, Net());
    CHECK(message(safetensors) ==
          ": not a safetensors file but a zip archive: read_npz reads those that NumPy writes [mine.cpp:7]");
    nn::save_safetensors(file, Net());
    CHECK(message(csv) ==
          ": not a text but a safetensors file: read_safetensors and load_safetensors read it [mine.cpp:7]");
    tests::write_gzip(file, "a,b\n");
    CHECK(nn::read_csv(file).names() == std::vector<std::string>{"a", "b"});
    CHECK(error_of<FormatError>([&] {
              nn::read_csv(file, {.max_bytes = 3});
          }).find(": it would take more than max_bytes, 3") != std::string::npos);
    write(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
    CHECK(message(safetensors) ==
          ": not a safetensors file but a Git LFS pointer: git lfs pull gets the file that it stands for [mine.cpp:7]");
    // A header of 640 bytes begins as a pickle does.
    nn::State state{{"x", x}};
    std::string text(1, 'm');
    while (read(file)[0] != '\x80') nn::save_safetensors(file, state, {{"text", text += 'm'}});
    CHECK(nn::read_safetensors(file).size() == 1);
}

TEST_CASE("files: readers and writers refuse what is no regular file, with the user's line, and leave it alone") {
    const Folder folder;
    const auto in = [&](const char* name) { return (folder.path / name).string(); };
    REQUIRE(mkfifo(in("pipe").c_str(), 0600) == 0);
    fs::create_symlink("loop", in("loop"));
    fs::create_symlink("pipe", in("to pipe"));
    fs::create_directory(in("folder"));
    std::vector<std::pair<std::string, std::string>> wrong = {{in("pipe"), "not a regular file"},
                                                              {in("loop"), "Too many levels of symbolic links"},
                                                              {in("to pipe"), "not a regular file"},
                                                              {in("folder"), "Is a directory"},
                                                              {in("none/a"), "No such file or directory"}};
    // Only root may make a device; whoever is not has none that he could replace.
    if (mknod(in("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0)
        wrong.emplace_back(in("null"), "not a regular file");
    else wrong.emplace_back("/dev/null", "not a regular file");
    for (const auto& entry : wrong) {
        const std::string &path = entry.first, &why = entry.second;
        CAPTURE(path);
        for (const Function& read : readers())
            CHECK_MESSAGE(error_of([&] { read.on(path, mine); }) == path + ": cannot be read: " + why + " [mine.cpp:7]",
                          read.name);
        for (const Function& save : writers())
            CHECK_MESSAGE(
                error_of([&] { save.on(path, mine); }) == path + ": cannot be written: " + why + " [mine.cpp:7]",
                save.name);
    }
    CHECK(fs::is_fifo(in("pipe")));
    CHECK(fs::is_symlink(in("loop")));
    CHECK(fs::is_symlink(in("to pipe")));
    if (fs::exists(in("null"))) CHECK(fs::is_character_file(in("null")));
    // A link to a file is followed, and one to what is not there yet makes it.
    fs::create_symlink("target", in("link"));
    for (const Function& save : writers()) {
        fs::remove(in("target"));
        for (int i = 0; i < 2; ++i) save.on(in("link"), mine);
        CHECK(fs::is_symlink(in("link")));
        CHECK(fs::is_regular_file(in("target")));
    }
    // Nor is what stands where the temporary file is to be.
    REQUIRE(mkfifo(in("a.tmp").c_str(), 0600) == 0);
    CHECK(error_of([&] { nn::save_npy(in("a"), x); }) == in("a") + ": cannot be written: " + in("a.tmp") +
                                                             ", which is needed for that, is not a regular file" +
                                                             nearby());
}

TEST_CASE("files: a path with a zero byte is refused, not cut off") {
    const Folder folder;
    const std::string path = (folder.path / "a").string() + '\0' + "b";
    const std::string expected =
        "file: a path must be without zero bytes, got \"" + (folder.path / "a").string() + "\\0b\" [mine.cpp:7]";
    nn::save_npy(folder.path / "a", x);
    for (const auto& list : {readers(), writers()})
        for (const Function& function : list)
            CHECK_MESSAGE(error_of<ValueError>([&] { function.on(path, mine); }) == expected, function.name);
    CHECK(close(nn::read_npy(folder.path / "a"), x, 0));
    nn::Linear net(2, 2);
    nn::SGD sgd;
    const std::vector<int> batches{1};
    // The Trainer's errors name the line of fit().
    std::string line;
    const auto fit = [&](const std::string& out) {
        nn::TrainerOptions options{.epochs = 1, .overwrite = true, .progress = nn::ProgressStyle::none};
        options.out = out;
        nn::Trainer trainer(net, sgd, options);
        line = here(__LINE__ + 1);
        trainer.fit(batches, [](const nn::Linear& model, int) { return sum(model.bias); });
    };
    const std::string refused = error_of<ValueError>([&] { fit(path); });
    CHECK(refused ==
          "file: a path must be without zero bytes, got \"" + (folder.path / "a").string() + "\\0b\"" + line);
    write(folder.path / "file", "");
    CHECK(error_of([&] { fit(folder.path / "file"); }) ==
          (folder.path / "file").string() + ": cannot be made: Not a directory" + line);
    CHECK(error_of([&] { fit(folder.path / "file/run"); }) ==
          (folder.path / "file/run").string() + ": cannot be made: Not a directory" + line);
    // What the Trainer writes: the log and the page, too.
    for (const char* name : {"log.csv", "report.html", "best.safetensors", "checkpoint.safetensors"}) {
        const fs::path run = folder.path / (std::string("run ") + name);
        fs::create_directory(run);
        REQUIRE(mkfifo((run / name).c_str(), 0600) == 0);
        CHECK(error_of([&] { fit(run); }) == (run / name).string() + ": cannot be written: not a regular file" + line);
        CHECK(fs::is_fifo(run / name));
    }
}

TEST_SUITE_END();
