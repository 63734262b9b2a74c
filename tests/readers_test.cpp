// Readers of data: IDX, CSV, vocabularies.

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <limits>

#include "idx_files.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::Folder;
using tests::here;
using tests::idx_bytes;
using tests::read;
using tests::values;
using tests::write;
using tests::write_gzip;

namespace tests {
namespace {

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// How much more memory a child process that does this needs at its peak than one that does nothing.
template <class F>
std::int64_t peak_bytes(F&& f) {
    const auto child = [](auto&& g) {
        const pid_t pid = fork();
        if (pid == 0) {
            g();
            _exit(0);
        }
        int status = 1;
        rusage usage{};
        REQUIRE(wait4(pid, &status, 0, &usage) == pid);
        CHECK(status == 0);
        return std::int64_t{usage.ru_maxrss} * 1024;
    };
    xgrad::release_cached_memory();
    const std::int64_t nothing = child([] {});
    return child(f) - nothing;
}

}  // namespace
}  // namespace tests

TEST_SUITE_BEGIN("nn");

TEST_CASE("read_idx: every element type, plain and gzipped, also in several members") {
    const Folder folder;
    const std::string file = folder.path / "a";
    for (const bool gzipped : {false, true}) {
        const auto put = [&](const std::string& bytes) { gzipped ? write_gzip(file, bytes) : write(file, bytes); };
        put(idx_bytes({2, 3}, "abcdef"));
        const nn::IdxBytes array = nn::read_idx_bytes(file);
        CHECK(array.shape == Shape{2, 3});
        CHECK(std::string(array.bytes.begin(), array.bytes.end()) == "abcdef");
        CHECK(close(nn::read_idx(file), tensor({{97, 98, 99}, {100, 101, 102}}), 0));
        put(idx_bytes({1}, "\xff", 9));
        CHECK(close(nn::read_idx(file), tensor({-1}), 0));
        CHECK(error_of<FormatError>([&] { nn::read_idx_bytes(file); }) ==
              file + ": element type must be 8 (unsigned byte)" + tests::nearby());
        put(idx_bytes({2}, std::string("\1\2\xff\xfe", 4), 11));
        CHECK(close(nn::read_idx(file), tensor({258, -2}), 0));
        put(idx_bytes({1}, std::string("\1\2\3\4", 4), 12));
        CHECK(nn::read_idx(file).item<int>() == 0x01020304);
        put(idx_bytes({1}, std::string("\x3f\xc0\0\0", 4), 13));
        CHECK(nn::read_idx(file).item<float>() == 1.5f);
        put(idx_bytes({1}, std::string("\x3f\xf8\0\0\0\0\0\0", 8), 14));
        CHECK(nn::read_idx(file).item<double>() == 1.5);
        CHECK(nn::read_idx(file).dtype() == DType::f64);
        put(idx_bytes({0, 28, 28}, ""));
        CHECK(nn::read_idx_bytes(file).bytes.empty());
    }
    const std::string bytes = idx_bytes({4}, "abcd");
    write_gzip(file, bytes.substr(0, 5));
    write_gzip(file, bytes.substr(5), "ab");
    CHECK(close(nn::read_idx(file), tensor({97, 98, 99, 100}), 0));
}

TEST_CASE("read_idx: a bad file is a FormatError that names it") {
    const Folder folder;
    const std::string file = folder.path / "bad";
    const auto message = [&] {
        const std::string text = error_of<FormatError>([&] { nn::read_idx(file, {}, Location{}); });
        CHECK_MESSAGE(text.starts_with(file + ": "), text);
        return text.substr(std::min(text.size(), file.size() + 2));
    };
    const std::string whole = idx_bytes({1000}, std::string(1000, 'x'));
    for (const bool gzipped : {false, true}) {
        const auto rule = [&](const std::string& bytes) {
            gzipped ? write_gzip(file, bytes) : write(file, bytes);
            return message();
        };
        CHECK(rule("") == "truncated in its header");
        CHECK(rule(std::string("\0\0", 2)) == "truncated in its header");
        CHECK(rule(std::string("\0\1\10\1", 4)) == "not an IDX file: it must start with two zero bytes");
        CHECK(rule(idx_bytes({2}, "ab", 10)) == "element type must be 8, 9, 11, 12, 13 or 14, got 10");
        CHECK(rule(std::string("\0\0\10\0", 4)) == "number of axes must be in [1, 8], got 0");
        CHECK(rule(std::string("\0\0\10\11", 4)) == "number of axes must be in [1, 8], got 9");
        CHECK(rule(whole + "more") == "longer than its header says");
        for (const auto& sizes : std::vector<std::vector<std::uint32_t>>{{0xffffffff},
                                                                         {60000, 28, 28},
                                                                         {0xffffffff, 0xffffffff, 0xffffffff},
                                                                         {0, 0xffffffff, 0xffffffff},
                                                                         {0xffffffff, 0x10000, 0}})
            CHECK(rule(idx_bytes(sizes, "x")) ==
                  "its header asks for more elements than a file of this length can hold");
    }
    write_gzip(file, idx_bytes({1000}, "short"));
    CHECK(message() == "truncated in its data");
    CHECK(error_of([&] { nn::read_idx(folder.path / "none"); }) ==
          (folder.path / "none").string() + ": cannot be read: No such file or directory" + tests::nearby());
    CHECK(error_of([&] { nn::read_idx(folder.path); }) ==
          folder.path.string() + ": cannot be read: Is a directory" + here());
}

TEST_CASE("read_idx: cut off anywhere, or with any byte changed, it is an error or what it was") {
    const Folder folder;
    const std::string file = folder.path / "a";
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i * 37);
    write_gzip(file, idx_bytes({256}, all));
    const std::string good = read(file);
    const auto content = nn::read_idx_bytes(file).bytes;
    for (std::size_t length = 0; length < good.size(); ++length) {
        write(file, good.substr(0, length));
        CHECK_THROWS_AS(nn::read_idx(file), FormatError);
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string changed = good;
        changed[at] = static_cast<char>(changed[at] ^ 0x55);
        write(file, changed);
        auto got = content;
        try {
            got = nn::read_idx_bytes(file).bytes;
        } catch (const FormatError&) {}
        CHECK(got == content);
    }
}

TEST_CASE("read_csv: columns by name, quotes, line ends, missing numbers") {
    const Folder folder;
    const std::string file = folder.path / "a.csv";
    write(file,
          "\xef\xbb\xbfname,area,\"price, now\"\r\n"
          "\"A \"\"b\"\"\r\nc\",1.5,2\r\n"
          "\r\n"
          ",NA, +3 \n"
          "\"\",-1e3,4");
    const nn::CsvTable table = nn::read_csv(file);
    CHECK(table.names() == std::vector<std::string>{"name", "area", "price, now"});
    CHECK(table.rows() == 3);
    CHECK(table.field(0, "name") == "A \"b\"\r\nc");
    CHECK(table.field(1, 0).empty());
    CHECK(table.field(2, "name").empty());
    CHECK(close(table.numbers({"price, now", "area"}, DType::f64),
                tensor({{2.0, 1.5}, {3.0, double{NAN}}, {4.0, -1000.0}}), 0));
    CHECK(close(table.numbers({"price, now"}, DType::i64),
                tensor({{std::int64_t{2}}, {std::int64_t{3}}, {std::int64_t{4}}}), 0));
    CHECK(table.numbers({"area"}).dtype() == DType::f32);
    CHECK(table.numbers(std::vector<std::string>{}).shape() == Shape{3, 0});
    CHECK(error_of<FormatError>([&] { table.numbers(); }) ==
          file + ": line 2, column \"name\": a number is needed, got \"A \"b\"\r\nc\"" + here());
    CHECK(error_of<FormatError>([&] { table.numbers({"area"}, DType::i32); }) ==
          file + ": line 2, column \"area\": a whole number is needed, got \"1.5\"" + tests::nearby());
    CHECK(error_of<IndexError>([&] { table.numbers({"rooms"}); }) ==
          "CsvTable: no column has the name \"rooms\"" + here());
    CHECK(error_of<IndexError>([&] { table.field(3, 0); }) ==
          "CsvTable: row and column must be in a table of 3 rows and 3 columns, got 3 and 0" + tests::nearby());
    CHECK(error_of<DTypeError>([&] { table.numbers({"area"}, DType::boolean); }) ==
          "CsvTable::numbers: the dtype must be f32, f64, i32 or i64, got bool" + tests::nearby());
    CHECK(error_of([&] { nn::read_csv("/nowhere/a.csv"); }) ==
          "/nowhere/a.csv: cannot be read: No such file or directory" + here());
}

TEST_CASE("parse_csv: without a header, with another separator, classes, extreme numbers") {
    const nn::CsvTable table = nn::parse_csv("1;a\n2;b\n3;a\n", "f", {.separator = ';', .header = false});
    CHECK(table.names() == std::vector<std::string>{"0", "1"});
    const auto [labels, kinds] = table.classes("1");
    CHECK(kinds == std::vector<std::string>{"a", "b"});
    CHECK(close(labels, tensor({std::int64_t{0}, std::int64_t{1}, std::int64_t{0}}), 0));
    CHECK(nn::parse_csv("", "f", {.header = false}).rows() == 0);
    CHECK(nn::parse_csv("a\n").rows() == 0);
    CHECK(nn::parse_csv("a\n").numbers().shape() == Shape{0, 1});
    CHECK(nn::parse_csv("a,b\n1,").field(0, 1).empty());
    CHECK(nn::parse_csv("a\n?\n", "f", {.missing = {"?"}}).numbers().shape() == Shape{1, 1});

    const auto number = [](const std::string& text, DType dtype) {
        return nn::parse_csv("x\n" + text, "f").numbers(dtype, Location{});
    };
    CHECK(number("1e-50", DType::f32).item<float>() == 0);
    CHECK(number("1e-400", DType::f64).item() == 0);
    CHECK(std::signbit(number("-1e-400", DType::f64).item()));
    CHECK(number("0." + std::string(400, '0') + "1e10", DType::f64).item() == 0);
    CHECK(number("4e-324", DType::f64).item() == std::numeric_limits<double>::denorm_min());
    CHECK(number("1e-310", DType::f64).item() == 1e-310);
    CHECK(number("1e-40", DType::f32).item<float>() == 1e-40f);
    CHECK(number("1.00000017881393432617187499", DType::f32).item<float>() ==
          1.00000011920928955078125f);  // once rounded, not twice
    CHECK(number("-inf", DType::f32).item<float>() == -std::numeric_limits<float>::infinity());
    CHECK(number("0.1", DType::f32).item<float>() == 0.1f);
    CHECK(number("-9223372036854775808", DType::i64).item<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
    const auto rule = [&](const std::string& text, DType dtype) {
        return error_of<FormatError>([&] { number(text, dtype); });
    };
    CHECK(rule("1e39", DType::f32) == "f: line 2, column \"x\": a number must fit f32, got \"1e39\"");
    CHECK(rule("-1e400", DType::f64) == "f: line 2, column \"x\": a number must fit f64, got \"-1e400\"");
    CHECK(rule("1e400x", DType::f64) == "f: line 2, column \"x\": a number is needed, got \"1e400x\"");
    CHECK(rule("2147483648", DType::i32) == "f: line 2, column \"x\": a number must fit i32, got \"2147483648\"");
    CHECK(rule("NA", DType::i32) == "f: line 2, column \"x\": a number is missing, got \"NA\"");
    for (const char* text : {"1x", "0x10", "--1", "+-1", "1 2", "one", "."})
        CHECK(rule(text, DType::f64) ==
              std::string("f: line 2, column \"x\": a number is needed, got \"") + text + '"');
}

TEST_CASE("parse_csv: a broken table is a FormatError that names the line") {
    const auto rule = [](const std::string& text) {
        return error_of<FormatError>([&] { nn::parse_csv(text, "f", {}, Location{}); });
    };
    CHECK(rule("") == "f: line 1: there must be a header");
    CHECK(rule("a,a\n") == "f: line 1: names must be unique, got \"a\" twice");
    CHECK(rule("a,b\n1,2\n\n3\n") == "f: line 4: there must be 2 fields as in the first line, got 1");
    CHECK(rule("a,b\n\"1\n\n\",2\n3,4,5\n") == "f: line 5: there must be 2 fields as in the first line, got 3");
    CHECK(rule("a\nx\"y\"\n") == "f: line 2: a quote must begin its field");
    CHECK(rule("a\n\"x\"y\n") == "f: line 2: a field must end with its closing quote");
    CHECK(rule("a\n\"x\ny\n") == "f: line 2: quotes must end");
}

TEST_CASE("parse_csv: lines to skip and comments, as scikit-learn's and matplotlib's files have them") {
    // wine_data.csv: the first line counts samples and features and names the classes.
    const nn::CsvTable wine =
        nn::parse_csv("178,13,class_0,class_1\n14.23,1.71,0\n13.2,1.78,1\n", "f", {.header = false, .skip_lines = 1});
    CHECK(close(wine.numbers(DType::f64), tensor({{14.23, 1.71, 0.0}, {13.2, 1.78, 1.0}}), 0));
    // boston_house_prices.csv: the names are in the second line.
    const nn::CsvTable houses = nn::parse_csv("506,13,,\n\"CRIM\",\"ZN\"\n0.00632,18\n", "f", {.skip_lines = 1});
    CHECK(houses.names() == std::vector<std::string>{"CRIM", "ZN"});
    // Stocks.csv: a comment, missing numbers, and names with signs.
    const nn::CsvTable stocks =
        nn::parse_csv("# Data source: https://finance.yahoo.com\nDate,IBM,^GSPC\n1990-01-01,10.97,329\n1990-02-05,,\n",
                      "f", {.comment = '#'});
    CHECK(close(stocks.numbers({"IBM", "^GSPC"}, DType::f64), tensor({{10.97, 329.0}, {double{NAN}, double{NAN}}}), 0));
    CHECK(stocks.field(1, "Date") == "1990-02-05");
    // linnerud_exercise.csv: spaces.
    CHECK(
        close(nn::parse_csv("Chins Situps\n5 162\n", "f", {.separator = ' '}).numbers(), tensor({{5.0f, 162.0f}}), 0));

    const nn::CsvTable table = nn::parse_csv("\"x\ny\n# c\na,b # no \"quote\" counts\r\n  # c\n1,\"#\"# c\r\n#\n2,x#",
                                             "f", {.skip_lines = 2, .comment = '#'});
    CHECK(table.names() == std::vector<std::string>{"a", "b "});
    CHECK(table.rows() == 2);
    CHECK(table.field(0, 1) == "#");
    CHECK(table.field(1, 1) == "x");
    CHECK(nn::parse_csv("a\n#1\n").field(0, 0) == "#1");
    CHECK(error_of<FormatError>([] { nn::parse_csv("x\n# c\na,b\n\n1\n", "f", {.skip_lines = 1, .comment = '#'}); }) ==
          "f: line 5: there must be 2 fields as in the first line, got 1" + tests::nearby());
    CHECK(error_of<FormatError>([] { nn::parse_csv("a\nb\n", "f", {.skip_lines = 9}); }) ==
          "f: line 3: there must be a header" + tests::nearby());
    const std::string different = "read_csv: separator, comment, quote and line ends must all be different characters";
    CHECK(error_of<ValueError>([] { nn::parse_csv("a", "f", {.separator = '"'}); }) == different + here());
    CHECK(error_of<ValueError>([] { nn::parse_csv("a", "f", {.comment = ','}); }) == different + here());
    CHECK(error_of<ValueError>([] { nn::parse_csv("a", "f", {.skip_lines = -1}); }) ==
          "read_csv: skip_lines must not be negative, got -1" + tests::nearby());
}

TEST_CASE("parse_csv: time grows with the number of columns, not with its square") {
    const auto seconds = [](int columns) {
        std::string names, numbers;
        for (int i = 0; i < columns; ++i) {
            names += (i ? ",column " : "column ") + std::to_string(i);
            numbers += i ? ",1" : "1";
        }
        const std::string text = names + '\n' + numbers + '\n';
        const double begin = tests::processor_seconds();
        const nn::CsvTable table = nn::parse_csv(text);
        CHECK(sum(table.numbers()).item() == columns);
        CHECK(nn::parse_csv(text, "f", {.header = false}).columns() == columns);
        return tests::processor_seconds() - begin;
    };
    const double small = seconds(20000), large = seconds(160000);
    CHECK(large < 32 * small + 0.05);  // 8 times as many; quadratic would be 64
}

TEST_CASE("read_idx: a gzipped file cannot make itself a thousand times as large without leave, nor twice in memory") {
    const Folder folder;
    const std::string file = folder.path / "a.gz";
    write_gzip(file, idx_bytes({32 << 20}, std::string(32 << 20, '\0')));
    CHECK(fs::file_size(file) < 100000);
    CHECK(error_of<FormatError>([&] { nn::read_idx(file, {.max_bytes = 100 << 20}); }) ==
          file + ": it would take 134217728 bytes, more than max_bytes, 104857600" + tests::nearby());
    CHECK(error_of<FormatError>([&] { nn::read_idx_bytes(file, {.max_bytes = 1000}); }) ==
          file + ": it would take 33554432 bytes, more than max_bytes, 1000" + tests::nearby());
    CHECK(nn::read_idx_bytes(file, {.max_bytes = 32 << 20}).bytes.size() == 32 << 20);
    const std::int64_t peak = tests::peak_bytes([&] { CHECK(nn::read_idx(file).size() == 32 << 20); });
    CHECK(peak < 192 << 20);
    write(file, idx_bytes({4}, "abcd"));
    CHECK(nn::read_idx(file, {.max_bytes = 0}).size() == 4);  // a plain file shows its size
    const std::string npz = folder.path / "a.npz";
    nn::save_npz(npz, nn::State{{"a", zeros({16 << 20}, DType::f64)}}, {.compressed = true});
    CHECK(tests::peak_bytes([&] { CHECK(nn::read_npz(npz).size() == 1); }) < 192 << 20);
}

TEST_CASE("CharVocabulary: characters in order, and every text of them comes back") {
    const Folder folder;
    const std::string file = folder.path / "v.json";
    const nn::CharVocabulary plain("hello wörld");
    CHECK(plain.size() == 9);
    CHECK(close(plain.encode("h e"), tensor({std::int64_t{3}, std::int64_t{0}, std::int64_t{2}}), 0));
    CHECK(plain.decode(plain.encode("öl röhre")) == "öl röhre");
    CHECK(plain.encode("").shape() == Shape{0});
    CHECK(error_of<ValueError>([&] { plain.encode("x"); }) ==
          "CharVocabulary: the text must have only characters of the vocabulary, got \"x\"" + tests::nearby());
    CHECK(error_of<ValueError>([&] { plain.encode("h\xff"); }) ==
          "CharVocabulary: texts must be UTF-8, which this one is not at byte 1" + tests::nearby());
    CHECK(error_of<IndexError>([&] { plain.decode(tensor({9})); }) ==
          "decode: an id must be in [0, 9), got 9" + here());
    CHECK(error_of<DTypeError>([&] { plain.decode(tensor({1.0})); }) ==
          "decode: ids must be i32 or i64, got f64" + here());
    CHECK(error_of<IndexError>([&] { plain.id_of("<pad>"); }) == "CharVocabulary: no token \"<pad>\"" + here());
    CHECK(error_of<ValueError>([] { nn::CharVocabulary("a", {.special = {"x", "x"}}); }) ==
          "vocabulary: special tokens must have different names, got x twice" + tests::nearby());

    const nn::CharVocabulary special("ab", {.special = {"<pad>", "a"}, .unknown = "?"});
    special.save(file);
    for (const nn::CharVocabulary& v : {special, nn::CharVocabulary::load(file)}) {
        CHECK(v.size() == 5);
        CHECK(v.id_of("<pad>") == 2);
        CHECK(v.id_of("a") == 0);
        CHECK(close(v.encode("abx?"), tensor({std::int64_t{0}, std::int64_t{1}, std::int64_t{4}, std::int64_t{4}}), 0));
        CHECK(v.decode(tensor({{2, 0}, {1, 4}})) == "<pad>ab?");
    }
}

TEST_CASE("BytePairVocabulary: learns the most frequent pairs first, the smallest of equals") {
    // low low low lower: "lo" 4, "ow" 4, " l" 3, "we" 1, "er" 1.
    const nn::BytePairVocabulary v("low low low lower", 300, {.special = {"<end>"}});
    const auto ids = [&](const std::string& text) { return values(v.encode(text)); };
    CHECK(ids("lo") == std::vector<double>{256});
    CHECK(ids("low") == std::vector<double>{257});
    CHECK(ids(" low") == std::vector<double>{258});
    CHECK(ids("ow") == std::vector<double>{'o', 'w'});
    CHECK(ids(" lower") == std::vector<double>{258, 'e', 'r'});
    CHECK(v.size() == 260);  // no other pair comes twice
    CHECK(v.id_of("<end>") == 259);
    CHECK(v.decode(tensor({258, 259})) == " low<end>");
    CHECK(values(nn::BytePairVocabulary("aaaaaa aaaaaa", 258).encode("aaaaa")) == std::vector<double>{257, 'a'});
    CHECK(error_of<ValueError>([] { nn::BytePairVocabulary("a", 255); }) ==
          "BytePairVocabulary: size must be in [256, 16777216], got 255" + tests::nearby());
}

TEST_CASE("BytePairVocabulary: any text comes back, before and after it was saved") {
    const Folder folder;
    const std::string file = folder.path / "v.json";
    std::string text =
        "In the beginning God created the heaven and the earth.\r\n\tAnd  the   earth was größer als 你好 😀";
    for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
    text += std::string(1000, 'a') + std::string(300, ' ') + std::string("\xff\0\x80", 3);
    const nn::BytePairVocabulary v(text, 400);
    v.save(file);
    const nn::BytePairVocabulary back = nn::BytePairVocabulary::load(file);
    CHECK(back.size() == v.size());
    const Tensor ids = v.encode(text);
    CHECK(ids.size() < static_cast<std::int64_t>(text.size()));
    CHECK(v.decode(ids) == text);
    CHECK(close(back.encode(text), ids, 0));
    for (const char* other : {"", " ", "\n", "  x", "x ", "Unseen words, too: zyx!"})
        CHECK(back.decode(back.encode(other)) == other);
}

TEST_CASE("WordPieceVocabulary: reads BERT's files, the longest piece first") {
    const auto v =
        nn::WordPieceVocabulary::parse("[PAD]\n[UNK]\nthe\nun\n##aff\n##able\n##a\n,\nthe\xc3\xa9\n\xe4\xbd\xa0\n");
    CHECK(values(v.encode("The unaffable,\tTHE")) == std::vector<double>{2, 3, 4, 5, 7, 2});
    CHECK(values(v.encode("unx una [PAD] the\xc3\xa9 \xe4\xbd\xa0\xe4\xbd\xa0")) ==
          std::vector<double>{1, 3, 6, 1, 1, 1, 8, 9, 9});
    CHECK(values(v.encode("un" + std::string(98, 'a')))[99 - 1] == 6);
    CHECK(values(v.encode("un" + std::string(99, 'a'))) == std::vector<double>{1});
    CHECK(v.encode(" \n").size() == 0);
    CHECK(v.decode(tensor({2, 3, 4, 5, 7, 0})) == "the unaffable , [PAD]");
    CHECK(v.id_of("##able") == 5);
    const auto cased = nn::WordPieceVocabulary::parse("[UNK]\r\nThe\r\n", {.lower_case = false});
    CHECK(values(cased.encode("The the")) == std::vector<double>{1, 0});
    CHECK(error_of<IndexError>([&] { v.id_of("[MASK]"); }) ==
          "WordPieceVocabulary: no token \"[MASK]\"" + tests::nearby());
    const auto fails = [](const std::string& text) {
        return error_of<FormatError>([&] { nn::WordPieceVocabulary::parse(text, {}, "f", Location{}); });
    };
    CHECK(fails("a\n") == "f: not a vocabulary of word pieces: it has no [UNK]");
    CHECK(fails("[UNK]\n\na\n") == "f: line 2 has no token");
    CHECK(fails("[UNK]\na\na\n") == "f: line 3 has a token that came before: a");
    CHECK(fails("[UNK]\n\xff\n") == "f: not a vocabulary of word pieces: it is not UTF-8");
}

TEST_CASE("WordPieceVocabulary: learns the most frequent pieces, and comes back from its file") {
    const Folder folder;
    const std::string file = folder.path / "vocab.txt";
    // low low low lower: l, ##e ##o ##r ##w behind the five special ones; then "##ow" 4 or "lo" 4, of which "lo" has
    // the smaller ids.
    const nn::WordPieceVocabulary v("Low low low lower", 100);
    CHECK(v.id_of("[MASK]") == 4);
    CHECK(v.id_of("l") == 5);
    CHECK(v.id_of("##w") == 9);
    CHECK(v.id_of("lo") == 10);
    CHECK(v.id_of("low") == 11);
    CHECK(v.size() == 12);  // no other pair comes twice
    CHECK(values(v.encode("lower")) == std::vector<double>{11, 6, 8});
    v.save(file);
    const auto back = nn::WordPieceVocabulary::load(file);
    CHECK(back.size() == v.size());
    CHECK(back.decode(back.encode("LOWER low")) == "lower low");
    CHECK(error_of<ValueError>([] { nn::WordPieceVocabulary("ab", 6); }) ==
          "WordPieceVocabulary: size must be in [7, 16777216] for the characters of this text, got 6" +
              tests::nearby());
}

TEST_CASE("vocabularies: a file that is none is a FormatError that names it") {
    const auto pairs = [](const std::string& text) {
        return error_of<FormatError>([&] { nn::BytePairVocabulary::parse(text, "f", Location{}); });
    };
    const auto characters = [](const std::string& text) {
        return error_of<FormatError>([&] { nn::CharVocabulary::parse(text, "f", Location{}); });
    };
    for (const std::string& text : {std::string(""), std::string("[]"), std::string("{"), std::string("{}"),
                                    std::string("{}\0", 3), std::string(R"({"type":"characters"})")})
        CHECK(pairs(text) == "f: not a vocabulary of byte pairs");
    CHECK(characters(R"({"type":1})") == "f: not a vocabulary of characters");
    CHECK(pairs(std::string(100000, '[')) == "f: not a vocabulary");
    const auto with = [](const std::string& list) {
        return R"({"type":"byte pairs","special":[],"pairs":)" + list + "}";
    };
    CHECK(pairs(with("[[97,98],[256,99]]")) == "no error");
    CHECK(pairs(with("{}")) == "f: pairs must be a list");
    for (const char* list : {"[[97,256]]", "[[97]]", "[[97,-1]]", "[[97,1.5]]", "[97]", "[[97,98,99]]"})
        CHECK(pairs(with(list)) == "f: pairs must be two earlier tokens each");
    std::string doubled = "[[97,97]";
    for (int i = 256; i < 262; ++i) doubled += ",[" + std::to_string(i) + "," + std::to_string(i) + "]";
    CHECK(pairs(with(doubled + "]")) == "no error");
    CHECK(pairs(with(doubled + ",[262,97]]")) == "f: tokens must have at most 128 bytes");
    CHECK(pairs(R"({"type":"byte pairs","pairs":[]})") == "f: special must be a list of different texts");
    CHECK(characters(R"({"type":"characters","characters":["a","a"],"special":[]})") ==
          "f: characters must be a list of different texts");
    CHECK(characters(R"({"type":"characters","characters":["ab"],"special":[]})") ==
          "f: characters must have one code point each, got \"ab\"");
    CHECK(characters(R"({"type":"characters","characters":[],"special":[],"unknown":1})") ==
          "f: unknown must be a text");
}

TEST_SUITE_END();
