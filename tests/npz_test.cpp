#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>
#include <nn/detail/zip.hpp>

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

/// An npy file with that dictionary and those data.
std::string npy(const std::string& header, const std::string& data = "", int version = 1) {
    std::string bytes = "\x93NUMPY";
    bytes += static_cast<char>(version);
    bytes += '\0';
    bytes += static_cast<char>(header.size() & 0xff);
    bytes += static_cast<char>(header.size() >> 8);
    if (version > 1) bytes += std::string(2, '\0');
    return bytes + header + data;
}
std::string npy(const std::string& type, bool fortran, const std::string& shape, const std::string& data) {
    return npy(
        "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n",
        data);
}

Tensor parse(const std::string& bytes) { return nn::parse_npy(std::as_bytes(std::span(bytes)), "f", Location{}); }
nn::State unzip(const std::string& bytes, const nn::NpzLimits& limits = {}) {
    return nn::parse_npz(std::as_bytes(std::span(bytes)), "f", limits, Location{});
}

std::string rule(const std::string& bytes) {
    return error_of<FormatError>([&] { parse(bytes); });
}
std::string zip_rule(const std::string& bytes, const nn::NpzLimits& limits = {}) {
    return error_of<FormatError>([&] { unzip(bytes, limits); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("npy: every dtype and shape comes back, and starts at a multiple of 64 bytes") {
    const Folder folder;
    const std::string path = folder.path / "a.npy";
    for (const Tensor& t :
         {tensor({{1.5f, -2.0f}, {3.0f, std::numeric_limits<float>::infinity()}}), scalar(0.1), tensor({true, false}),
          tensor({-1, 2, 3}), tensor({std::numeric_limits<std::int64_t>::min()}), zeros({0, 3}),
          ones({1, 2, 1, 2, 1, 2, 1, 2})}) {
        nn::save_npy(path, t);
        const Tensor back = nn::read_npy(path);
        CHECK(back.dtype() == t.dtype());
        CHECK(close(back, t, 0));
        CHECK(read(path).find('\n') % 64 == 63);
    }
    nn::save_npy(path, tensor({{1.0f}}));
    CHECK(read(path) == npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }" + std::string(58, ' ') + "\n",
                            std::string("\0\0\x80\x3f", 4)));
}

TEST_CASE("npy: both orders, both ends, small elements, all versions") {
    const std::string six("\1\0\2\0\3\0\4\0\5\0\6\0", 12);
    CHECK(close(parse(npy("<i2", false, "(2, 3)", six)), tensor({{1, 2, 3}, {4, 5, 6}}), 0));
    CHECK(close(parse(npy("<i2", true, "(2, 3)", six)), tensor({{1, 3, 5}, {2, 4, 6}}), 0));
    CHECK(close(parse(npy("|i1", true, "(2, 1, 2)", "\1\2\3\4")), tensor({{{1, 3}}, {{2, 4}}}), 0));
    CHECK(close(parse(npy(">i2", false, "(2,)", std::string("\1\2\xff\xfe", 4))), tensor({258, -2}), 0));
    CHECK(parse(npy(">f8", false, "()", std::string("\x3f\xf8\0\0\0\0\0\0", 8))).item<double>() == 1.5);
    CHECK(parse(npy(">f4", true, "()", std::string("\x3f\xc0\0\0", 4))).item<float>() == 1.5f);
    CHECK(parse(npy("<f2", false, "(1,)", std::string("\0\x3c", 2))).item<float>() == 1.0f);
    CHECK(parse(npy("|u1", false, "(1,)", "\xff")).item<int>() == 255);
    CHECK(parse(npy("<u4", false, "(1,)", "\xff\xff\xff\xff")).item<std::int64_t>() == 4294967295);
    CHECK(parse(npy("|b1", false, "(1,)", "\2")).data<bool>()[0]);
    CHECK(parse(npy("<f4", true, "(0, 5)", "")).shape() == Shape{0, 5});
    for (const int version : {1, 2, 3})
        CHECK(parse(npy("{'shape':(2,),\"descr\":\"<i2\",'fortran_order':False}", std::string("\1\0\2\0", 4), version))
                  .shape() == Shape{2});
}

TEST_CASE("npy: a hostile header is a FormatError that names the rule") {
    CHECK(rule("") == "f: not an npy file: it must start with \\x93NUMPY");
    CHECK(rule("\x93NUMPY") == "f: truncated in its header");
    CHECK(rule(npy("{}", "", 4)) == "f: the format's version must be 1, 2 or 3, got 4");
    CHECK(rule(npy("{}", "", 2).replace(8, 4, "\xff\xff\xff\xff")) ==
          "f: the header may have 65536 bytes, got a length of 4294967295");
    CHECK(rule(npy("{}", "").replace(8, 1, "\x9")) == "f: truncated in its header");
    const std::string once = "f: the header must have descr, fortran_order and shape once each";
    CHECK(rule(npy("{}")) == once);
    CHECK(rule(npy("{'descr': '<f4', 'fortran_order': False}")) == once);
    CHECK(rule(npy("{'descr': '<f4', 'descr': '<f4'}")) == once);
    CHECK(rule(npy("{'colour': '<f4'}")) == once);
    const std::string lacks = "f: the header must be a dictionary in Python's notation, which lacks a ";
    CHECK(rule(npy("")) == lacks + "{");
    CHECK(rule(npy("{'descr' '<f4'}")) == lacks + ":");
    CHECK(rule(npy("{'descr': '<f4' 'shape': ()}")) == lacks + ",");
    CHECK(rule(npy("{'descr': '<f4")) == lacks + "text");
    CHECK(rule(npy("{'descr': [('a', '<f4')]}")) == "f: arrays of records are not supported");
    CHECK(rule(npy("{'fortran_order': 1}")) == "f: fortran_order must be True or False");
    for (const char* shape : {"(-1,)", "(99999999999999999999,)", "(x)", "(1.5,)", "(1,,)", "(", "((1,))"})
        CHECK_MESSAGE(rule(npy("{'shape': " + std::string(shape) + "}")).starts_with("f: "), shape);
    CHECK(rule(npy("{'shape': (-1,)}")) == "f: shape must be a tuple of sizes of up to 63 bits");
    CHECK(rule(npy("{'shape': (1,1,1,1,1,1,1,1,1)}")) == "f: a tensor has at most 8 axes");
    for (const char* type : {"<f16", "<U5", "<c8", "|f4", "", "f4", "<f3", "<m8"})
        CHECK(rule(npy(type, false, "()", "")) ==
              std::string("f: the element type must be f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, got \"") +
                  type + "\"");
    CHECK(rule(npy("<f4", false, "(2,)", "1234")) == "f: the data must be as long as shape (2,) says, got 4 bytes");
    CHECK(rule(npy("<f4", true, "()", "12345")) == "f: the data must be as long as shape () says, got 5 bytes");
    CHECK(rule(npy("<f4", false, "(4294967296, 4294967296)", "")) ==
          "f: the data must be as long as shape (4294967296, 4294967296) says, got 0 bytes");
    CHECK(rule(npy("<f4", true, "(0, 9223372036854775807, 9223372036854775807)", "")) ==
          "f: the data must be as long as shape (0, 9223372036854775807, 9223372036854775807) says, got 0 bytes");
    CHECK(rule(npy("<f4", false, "(4294967295, 65536, 0)", "")) ==
          "f: the data must be as long as shape (4294967295, 65536, 0) says, got 0 bytes");
    CHECK(rule(npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "1234")) ==
          "f: the header must end behind its }");

    const std::string good = npy("<f4", false, "(2,)", "12345678");
    for (std::size_t length = 0; length < good.size(); ++length) CHECK(rule(good.substr(0, length)).starts_with("f: "));
}

TEST_CASE("npz: a model is written and read, stored and compressed") {
    const Folder folder;
    const std::string path = folder.path / "net.npz";
    struct Net {
        nn::Linear fc1{4, 8}, fc2{8, 3};
        Tensor count = scalar(std::int64_t{7});
        XGRAD_FIELDS(fc1, fc2, count)
    } a, b;
    a.fc1.weight = zeros({8, 4});
    std::string stored;
    for (const bool compressed : {false, true}) {
        nn::save_npz(path, std::as_const(a), {.compressed = compressed});
        b.fc1.weight = ones({8, 4});
        CHECK(nn::load_npz(path, b).ok());
        const nn::State back = nn::read_npz(path);
        for (const auto& [name, t] : nn::state_dict(a)) {
            CHECK(nn::find(back, name)->dtype() == t.dtype());
            CHECK(close(*nn::find(back, name), t, 0));
            CHECK(close(*nn::find(nn::state_dict(b), name), t, 0));
        }
        const std::string bytes = read(path);
        nn::save_npz(path, a, {.compressed = compressed});
        CHECK(bytes == read(path));
        CHECK((stored.empty() || bytes.size() < stored.size()));
        stored = bytes;
    }
    nn::Linear layer(8, 3);
    CHECK(nn::load_npz(path, layer, {.prefix = "fc2."}).ok());
    nn::Linear wrong(8, 2);
    CHECK(error_of<ValueError>([&] {
              nn::load_npz(path, wrong, {.prefix = "fc2."});
          }).starts_with("load_npz: " + path + ": model and state"));
    CHECK(error_of<ValueError>([&] { nn::save_npz(path, nn::State{{"a", ones({1})}, {"a", ones({1})}}); }) ==
          "save_npz: names must be unique, got a twice" + tests::nearby());
    CHECK(error_of([&] { nn::save_npz("/nowhere/a", a); }) ==
          "/nowhere/a: cannot be written: No such file or directory" + here());
    nn::save_npz(path, nn::State{{"größe/你好", zeros({0, 2})}, {"", scalar(1.0)}});
    CHECK(nn::find(nn::read_npz(path), "größe/你好")->shape() == Shape{0, 2});
    nn::save_npz(path, nn::State{});
    CHECK(nn::read_npz(path).empty());
}

TEST_CASE("npz: a hostile archive is a FormatError") {
    const Folder folder;
    const std::string path = folder.path / "a.npz";
    nn::save_npz(path, nn::State{{"first", tensor({1.0f, 2.0f})}, {"other", tensor({3.0f})}});
    const std::string good = read(path);
    CHECK(unzip(good).size() == 2);
    CHECK(zip_rule("") == "f: not a zip archive: it has at least 22 bytes, got 0");
    CHECK(zip_rule(std::string(100, 'x')).starts_with("f: not a zip archive, or a damaged one: "));
    CHECK(zip_rule(replaced(good, "first.npy", "other.npy")) == "f: names must be unique, got other.npy twice");
    CHECK(zip_rule(replaced(replaced(good, "first.npy", "first.txt"), "other.npy", "other.txt")) ==
          "f: not an npz archive: no name in it ends in .npy, got first.txt");
    CHECK(zip_rule(replaced(good, "(2,)", "(3,)")) == "f: first.npy is damaged: CRC error");
    const auto holding = [&](const std::string& content) {
        nn::detail::write_atomically(
            path, [&](auto& file) { nn::detail::write_zip(file, path, {{"a.npy", content, {}}}, true); });
        return zip_rule(read(path));
    };
    CHECK(holding(npy("<f4", false, "(2,)", "12345678")) == "no error");
    CHECK(holding(npy("<f4", false, "(3,)", "12345678")) ==
          "f: a.npy: the data must be as long as shape (3,) says, got 8 bytes");
    CHECK(holding("no array") == "f: a.npy: not an npy file: it must start with \\x93NUMPY");
    CHECK(holding("") == "f: a.npy: not an npy file: it must start with \\x93NUMPY");
    std::string damaged = good;
    damaged[damaged.find("(2,)") - 3] ^= 1;  // the quote behind "shape", so that the header or the checksum notices
    CHECK(zip_rule(damaged).starts_with("f: first.npy"));
    damaged = good;
    damaged[damaged.find(std::string("\0\0\x80\x3f", 4)) + 2] = 0;
    CHECK(zip_rule(damaged) == "f: first.npy is damaged: CRC error");
    for (std::size_t length = 0; length < good.size(); ++length)
        CHECK(zip_rule(good.substr(0, length)).starts_with("f: "));
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string changed = good;
        changed[at] ^= 0x55;
        try {
            for (const auto& [name, t] : unzip(changed)) CHECK(values(t).size() <= 2);
        } catch (const FormatError&) {}
    }
}

TEST_CASE("npz: a small archive cannot claim to be a large one") {
    const Folder folder;
    const std::string path = folder.path / "bomb.npz";
    const Tensor large = zeros({1 << 20});
    nn::save_npz(path, nn::State{{"a", large}, {"b", large}}, {.compressed = true});
    const std::string bomb = read(path);
    CHECK(bomb.size() < 20000);
    CHECK(unzip(bomb).size() == 2);
    CHECK(zip_rule(bomb, {.max_bytes = 8 << 20}) == "f: expanded it would be larger than max_bytes, 8388608");
    CHECK(zip_rule(bomb, {.max_bytes = -1}) ==
          "f: expanded it would be larger than max_bytes, " + std::to_string(bomb.size()));
    nn::save_npz(path, nn::State{{"a", large}});
    CHECK(unzip(read(path), {.max_bytes = 0}).size() == 1);  // what the file itself holds is always allowed
    // A size in the directory that its data cannot have.
    nn::save_npz(path, nn::State{{"a", tensor({1.0f})}});
    std::string lie = read(path);
    const auto directory = lie.rfind("PK\1\2");
    lie.replace(directory + 24, 4, "\xff\xff\xff\x7f");
    CHECK(zip_rule(lie) == "f: a.npy: it claims to be larger than its compressed data can be");
}

TEST_SUITE_END();
