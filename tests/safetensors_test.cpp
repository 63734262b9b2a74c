#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <cstring>
#include <limits>

#include "folder.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::Folder;
using tests::here;
using tests::read;
using tests::values;
using tests::write;

namespace {

struct Net {
    nn::Linear fc1{4, 8}, fc2{8, 3};
    Tensor count = scalar(std::int64_t{7});
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2, count)
};

/// A file with that header and those data.
std::string file_of(const std::string& header, const std::string& data = "") {
    std::string bytes(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(bytes.data(), &length, 8);
    return bytes + header + data;
}

nn::State parse(const std::string& bytes) {
    return nn::parse_safetensors(std::as_bytes(std::span(bytes)), "f", Location{});
}

/// What is wrong with a file, behind its name.
std::string rule(const std::string& bytes) {
    const std::string message = error_of<FormatError>([&] { parse(bytes); });
    CHECK_MESSAGE(message.starts_with("f: "), message);
    return message.substr(std::min<std::size_t>(message.size(), 3));
}
std::string rule(const std::string& header, const std::string& data) { return rule(file_of(header, data)); }

bool same(const nn::State& a, const nn::State& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [name, t] : a) {
        const Tensor* other = nn::find(b, name);
        if (!other || other->dtype() != t.dtype() || !close(t, *other, 0)) return false;
    }
    return true;
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("safetensors: a model is written and read") {
    const Folder folder;
    const std::string path = folder.path / "net.safetensors";
    Net a, b;
    nn::save_safetensors(path, std::as_const(a), {{"epochs", "20"}, {"note", "größer \"quoted\"\n"}});
    CHECK(nn::load_safetensors(path, b).ok());
    CHECK(same(nn::state_dict(a), nn::state_dict(b)));
    CHECK(same(nn::state_dict(a), nn::read_safetensors(path)));
    CHECK(nn::read_safetensors_metadata(path) == nn::Metadata{{"epochs", "20"}, {"note", "größer \"quoted\"\n"}});
    nn::to(b, DType::f64);
    b.fc1.weight = zeros({8, 4}, DType::f64);
    nn::load_safetensors(path, b);
    CHECK(b.fc1.weight.dtype() == DType::f64);
    CHECK(close(b.fc1.weight, a.fc1.weight.value().to(DType::f64), 0));
}

TEST_CASE("safetensors: every dtype, no axes and no elements, aligned to their elements") {
    const Folder folder;
    const std::string path = folder.path / "a";
    const nn::State state = {{"mask", tensor({true, false, true})},
                             {"f32", tensor({{1.5f, -0.0f}, {std::numeric_limits<float>::infinity(), NAN}})},
                             {"f64", scalar(1.0 / 3)},
                             {"i32", tensor({-1, 2147483647})},
                             {"none", zeros({0, 3})},
                             {"i64", tensor({std::numeric_limits<std::int64_t>::min(), std::int64_t{5}})},
                             {"", zeros({1, 1, 1, 1, 1, 1, 1, 1})}};
    nn::save_safetensors(path, state);
    CHECK(same(state, nn::read_safetensors(path)));
    CHECK(std::signbit(nn::find(nn::read_safetensors(path), "f32")->data<float>()[1]));
    // By the specification, byte for byte: larger elements first, padded to a multiple of 8.
    nn::save_safetensors(path, {{"b", tensor({true})}, {"a", tensor({1.0f})}});
    CHECK(
        read(path) ==
        file_of(
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}})"
            "    ",
            std::string("\0\0\x80\x3f\1", 5)));
    nn::save_safetensors(path, nn::State{});
    CHECK(read(path) == file_of("{}      "));
    CHECK(nn::read_safetensors(path).empty());
}

TEST_CASE("safetensors: halves become f32, and small integers larger ones") {
    const std::string header =
        R"({"h":{"dtype":"F16","shape":[8],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},)"
        R"("i8":{"dtype":"I8","shape":[1],"data_offsets":[20,21]},"u8":{"dtype":"U8","shape":[1],"data_offsets":[21,22]},)"
        R"("i16":{"dtype":"I16","shape":[1],"data_offsets":[22,24]},"u16":{"dtype":"U16","shape":[],"data_offsets":[24,26]},)"
        R"("u32":{"dtype":"U32","shape":[1],"data_offsets":[26,30]},"t":{"dtype":"BOOL","shape":[2],"data_offsets":[30,32]}})";
    // 1, -2, largest, smallest normal, smallest, largest subnormal, -inf, nan
    const std::string halves("\x00\x3c\x00\xc0\xff\x7b\x00\x04\x01\x00\xff\x03\x00\xfc\x00\x7e", 16);
    const nn::State state = parse(
        file_of(header, halves + std::string("\x80\x3f\x40\xc0\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\0\2", 16)));
    const auto number = [&](const char* name, std::size_t i = 0) { return values(*nn::find(state, name))[i]; };
    CHECK(nn::find(state, "h")->dtype() == DType::f32);
    CHECK(number("h", 0) == 1);
    CHECK(number("h", 1) == -2);
    CHECK(number("h", 2) == 65504);
    CHECK(number("h", 3) == 0x1p-14);
    CHECK(number("h", 4) == 0x1p-24);
    CHECK(number("h", 5) == 1023 * 0x1p-24);
    CHECK(number("h", 6) == -std::numeric_limits<double>::infinity());
    CHECK(std::isnan(number("h", 7)));
    CHECK(number("b", 0) == 1);
    CHECK(number("b", 1) == -3);
    CHECK(nn::find(state, "i8")->dtype() == DType::i32);
    CHECK(number("i8") == -1);
    CHECK(number("u8") == 255);
    CHECK(number("i16") == -2);
    CHECK(number("u16") == 65535);
    CHECK(nn::find(state, "u32")->dtype() == DType::i64);
    CHECK(number("u32") == 4294967295.0);
    CHECK(nn::find(state, "t")->data<bool>()[1]);
    CHECK(static_cast<int>(nn::find(state, "t")->data<bool>()[1]) == 1);
}

TEST_CASE("safetensors: what does not fit is reported, and only what fits is taken") {
    const Folder folder;
    const std::string path = folder.path / "net.safetensors";
    Net a, b;
    nn::State state = nn::state_dict(a);
    state[1].second = zeros({9});
    nn::save_safetensors(path, state);
    const Tensor before = b.fc1.weight.value();
    CHECK(error_of<ValueError>([&] { nn::load_safetensors(path, b); }) ==
          "load_safetensors: " + path +
              ": model and state do not fit\nof another shape:\n    fc1.bias: (8,) in the model, (9,) in the state" +
              tests::nearby());
    CHECK(close(b.fc1.weight, before, 0));
    CHECK(nn::load_safetensors(path, b, {.strict = false}).mismatched.size() == 1);
    CHECK(close(b.fc1.weight, a.fc1.weight, 0));
    nn::Linear layer(8, 3);
    CHECK(nn::load_safetensors(path, layer, {.prefix = "fc2."}).ok());
    CHECK(close(layer.weight, a.fc2.weight, 0));
}

TEST_CASE("safetensors: a tensor with two names is written under both") {
    struct Tied {
        std::shared_ptr<nn::Linear> encoder = std::make_shared<nn::Linear>(3, 2), decoder = encoder;
        XGRAD_FIELDS(encoder, decoder)
    } a, b;
    const Folder folder;
    const std::string path = folder.path / "a";
    nn::save_safetensors(path, a);
    CHECK(nn::read_safetensors(path).size() == 4);
    CHECK(nn::load_safetensors(path, b).ok());
    CHECK(close(a.encoder->weight, b.decoder->weight, 0));
}

TEST_CASE("safetensors: names that cannot be written are refused, and the old file stands") {
    const Folder folder;
    const std::string path = folder.path / "a";
    write(path, "old");
    const auto message = [&](const nn::State& state, const nn::Metadata& metadata = {}) {
        return error_of<ValueError>([&] { nn::save_safetensors(path, state, metadata, {}); });
    };
    const Tensor t = ones({1});
    CHECK(message({{"a", t}, {"a", t}}) == "save_safetensors: names must be unique, got a twice");
    CHECK(message({{"__metadata__", t}}) == "save_safetensors: a tensor cannot have the name __metadata__");
    for (const char* bad :
         {"\xff", "a\x80", "\xc0\x80", "\xed\xa0\x80", "\xe4\xbd", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80"}) {
        CHECK(message({{bad, t}}) == std::string("save_safetensors: names and texts must be UTF-8, got ") + bad);
        CHECK(message({}, {{"a", bad}}) == std::string("save_safetensors: names and texts must be UTF-8, got ") + bad);
    }
    CHECK(message({}, {{"a", ""}, {"a", ""}}) == "save_safetensors: names must be unique, got a twice");
    CHECK(read(path) == "old");
    CHECK(message({{"größe 你好 😀", t}}) == "no error");
    CHECK(error_of([&] { nn::save_safetensors("/nowhere/a", nn::State{}); }) ==
          "/nowhere/a: cannot be written: No such file or directory" + here());
    CHECK(error_of([&] { nn::read_safetensors("/nowhere/a"); }) ==
          "/nowhere/a: cannot be read: No such file or directory" + here());
}

TEST_CASE("safetensors: a hostile header is a FormatError that names the rule") {
    CHECK(rule("") == "a safetensors file has at least 8 bytes, got 0");
    CHECK(rule("\1\0\0") == "a safetensors file has at least 8 bytes, got 1");
    CHECK(rule(std::string("\0\0\0\0\0\0\0\x80", 8)) ==
          "the header may have 100000000 bytes, got a length of 9223372036854775808");
    CHECK(rule(std::string(8, '\xff')) == "the header may have 100000000 bytes, got a length of 18446744073709551615");
    CHECK(rule(std::string("\x9\0\0\0\0\0\0\0{}", 10)) == "truncated in its header, which should have 9 bytes, got 2");
    CHECK(rule(file_of("")) == "the header must begin with {");
    CHECK(rule(file_of(" {}")) == "the header must begin with {");
    CHECK(rule(file_of("[]")) == "the header must begin with {");
    CHECK(rule(file_of("{")) == "the header must be JSON in UTF-8, which it is not at byte 2");
    CHECK(rule(file_of("{}}")) == "the header must be JSON in UTF-8, which it is not at byte 3");
    CHECK(rule(file_of("{}\n{}")) == "the header must be JSON in UTF-8, which it is not at byte 4");
    CHECK(rule(file_of("{\"\xff\":{}}")) == "the header must be JSON in UTF-8, which it is not at byte 3");
    CHECK(rule(file_of(std::string("{}\0}", 4))) == "the header must be JSON in UTF-8, got a zero byte");
    const std::string structure = "the header must be an object of objects with dtype, shape and data_offsets, got ";
    CHECK(rule(file_of(R"({"a":1})")) == structure + "1 at \"a\"");
    CHECK(rule(file_of(R"({"a":null})")) == structure + "null at \"a\"");
    CHECK(rule(file_of(R"({"a":"b"})")) == structure + "\"b\" at \"a\"");
    CHECK(rule(file_of(R"({"a":[]})")) == structure + "an array at \"a\"");
    CHECK(rule(file_of(R"({"__metadata__":{"a":1}})")) == structure + "1 at \"a\"");
    CHECK(rule(file_of(R"({"__metadata__":{"a":{}}})")) == structure + "an object at \"a\"");
    CHECK(rule(file_of(R"({"a":{"dtype":{}}})")) == structure + "an object at \"dtype\"");
    CHECK(rule(file_of(R"({"a":{"dtype":["F32"]}})")) == structure + "an array at \"dtype\"");
    CHECK(rule(file_of(R"({"a":{"shape":[[1]]}})")) == structure + "an array at \"shape\"");
    CHECK(rule(file_of(R"({"a":{"shape":[-1]}})")) == structure + "-1 at \"shape\"");
    CHECK(rule(file_of(R"({"a":{"shape":[1.0]}})")) == structure + "\"1.0\" at \"shape\"");
    CHECK(rule(file_of(R"({"a":{"shape":[99999999999999999999]}})")) ==
          structure + "\"99999999999999999999\" at \"shape\"");
    CHECK(rule(file_of(R"({"a":{"shape":[18446744073709551615]}})")) ==
          "a size is too large, got 18446744073709551615 in \"a\"");
    CHECK(rule(file_of(R"({"a":{"shape":[1,1,1,1,1,1,1,1,1]}})")) == "a tensor has at most 8 axes, got more in \"a\"");
    CHECK(rule(file_of(R"({"a":{"data_offsets":[0,0,0]}})")) == structure + "0 at \"data_offsets\"");
    CHECK(rule(file_of(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0]}})")) ==
          "data_offsets are two numbers, got 1 in \"a\"");
    CHECK(rule(file_of(R"({"a":{"dtype":"F32","shape":[]}})")) ==
          "a tensor has dtype, shape and data_offsets, got fewer in \"a\"");
    CHECK(rule(file_of(R"({"a":{"size":1}})")) == "a tensor has dtype, shape and data_offsets, got \"size\" in \"a\"");
    CHECK(rule(file_of(R"({"a":{"dtype":"F32","dtype":"F32"}})")) ==
          "names must be unique, got \"dtype\" twice in \"a\"");
    CHECK(rule(file_of(R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", "ab")) ==
          "dtype must be F16, BF16, F32, F64, I8, U8, I16, U16, I32, U32, I64, U64 or BOOL, others are not supported, "
          "got \"F8_E4M3\" in "
          "\"a\"");
    CHECK(
        rule(
            R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}})",
            "xx") == "names must be unique, got \"a\" twice");
    CHECK(rule(file_of(R"({"__metadata__":{"a":"","a":""}})")) == "names must be unique, got \"a\" twice");
    // Nesting of any depth ends where it begins.
    CHECK(rule(file_of("{\"a\":" + std::string(100000, '['))) == structure + "an array at \"a\"");
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
    CHECK(rule(file_of(deep)) == "a tensor has dtype, shape and data_offsets, got \"a\" in \"a\"");
}

TEST_CASE("safetensors: places must fill the data and agree with the shapes") {
    const auto entry = [](const std::string& name, const std::string& shape, const std::string& places,
                          const char* dtype = "U8") {
        return '"' + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + places + "}";
    };
    const std::string room = "data_offsets must lie in the file's 4 bytes of data, got ";
    CHECK(rule("{" + entry("a", "[5]", "[0,5]") + "}", "1234") == room + "[0, 5] for \"a\"");
    CHECK(rule("{" + entry("a", "[1]", "[5,4]") + "}", "1234") == room + "[5, 4] for \"a\"");
    CHECK(rule("{" + entry("a", "[1]", "[18446744073709551615,18446744073709551615]") + "}", "1234") ==
          room + "[18446744073709551615, 18446744073709551615] for \"a\"");
    const auto apart = [&](const std::string& shape, const std::string& text, const char* dtype = "F32") {
        CHECK(rule("{" + entry("a", shape, "[0,4]", dtype) + "}", "1234") ==
              "data_offsets must be as far apart as shape " + text + " says, got [0, 4] for \"a\"");
    };
    apart("[2]", "(2,)");
    apart("[0]", "(0,)");
    apart("[3]", "(3,)", "U8");
    // Products that would come out as 1 or 0 if they were allowed to wrap.
    apart("[4611686018427387903,4611686018427387903]", "(4611686018427387903, 4611686018427387903)");
    apart("[4294967296,4294967296]", "(4294967296, 4294967296)", "U8");
    apart("[0,4611686018427387903,4611686018427387903]", "(0, 4611686018427387903, 4611686018427387903)");
    apart("[4294967295,65536,0]", "(4294967295, 65536, 0)");
    const std::string gaps = "data_offsets must neither overlap nor leave holes, got ";
    CHECK(rule("{" + entry("a", "[3]", "[0,3]") + "," + entry("b", "[2]", "[2,4]") + "}", "1234") ==
          gaps + "[2, 4] for \"b\"");
    CHECK(rule("{" + entry("a", "[4]", "[0,4]") + "," + entry("b", "[4]", "[0,4]") + "}", "1234") ==
          gaps + "[0, 4] for \"b\"");
    CHECK(rule("{" + entry("a", "[1]", "[0,1]") + "," + entry("b", "[2]", "[2,4]") + "}", "1234") ==
          gaps + "[2, 4] for \"b\"");
    CHECK(rule("{" + entry("a", "[3]", "[1,4]") + "}", "1234") == gaps + "[1, 4] for \"a\"");
    CHECK(rule("{" + entry("a", "[3]", "[0,3]") + "}", "1234") ==
          "the tensors must fill the file, got 3 bytes of tensors and 4 of data");
    CHECK(rule("{}", "1") == "the tensors must fill the file, got 0 bytes of tensors and 1 of data");
    // In any order, with nothing between: right.
    CHECK(parse(file_of("{" + entry("b", "[3]", "[1,4]") + "," + entry("z", "[0]", "[1,1]") + "," +
                            entry("a", "[]", "[0,1]") + "}",
                        "1234"))
              .size() == 3);
}

TEST_CASE("safetensors: cut off anywhere it is a FormatError; changed anywhere it is one or a state") {
    const Folder folder;
    const std::string path = folder.path / "a";
    nn::save_safetensors(path, {{"w", tensor({{1.0f, 2.0f}})}, {"n", scalar(std::int64_t{3})}}, {{"k", "v"}});
    const std::string good = read(path);
    for (std::size_t length = 0; length < good.size(); ++length) CHECK(rule(good.substr(0, length)) != "");
    int states = 0;
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const int flip : {1, 8, 0x20, 0x55, 0x80}) {
            std::string changed = good;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            try {
                const nn::State state = parse(changed);
                states += state.size() == 2;
            } catch (const FormatError&) {}
        }
    CHECK(states >= 5 * 16);  // at least the changed numbers
}

TEST_SUITE_END();
