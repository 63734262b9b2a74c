#include "npy.hpp"

#include <algorithm>
#include <autodiff/ops/shape/shape.hpp>
#include <bit>
#include <charconv>
#include <vector>

namespace xgrad::nn {

namespace {

using detail::Element;
using detail::NpyHeader;
using detail::Source;

constexpr std::string_view magic = "\x93NUMPY";

/// Reads the header's text, a dictionary in Python's notation: {'descr': '<f4', 'fortran_order': False, 'shape': (2,
/// 3), }
class NpyParser {
public:
    NpyParser(std::string_view text, const Source& source, NpyHeader& header)
        : rest_(text), source_(source), header_(header) {}

    void parse() {
        expect("{");
        unsigned seen = 0;
        while (!accept("}")) {
            const std::string_view key = string();
            expect(":");
            const unsigned bit = key == "descr" ? 1 : key == "fortran_order" ? 2 : key == "shape" ? 4 : 0;
            if (bit == 0 || (seen & bit)) fail("the header must have descr, fortran_order and shape once each");
            seen |= bit;
            if (bit == 1 && !descr()) return;
            if (bit == 2) header_.fortran = truth();
            if (bit == 4) shape();
            if (accept("}")) break;
            expect(",");
        }
        if (seen != 7) fail("the header must have descr, fortran_order and shape once each");
        skip_space();
        if (!rest_.empty()) fail("the header must end behind its }");
    }

private:
    [[noreturn]] void fail(const std::string& rule) const { source_.fail(rule); }
    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r\f"), rest_.size())); }
    bool accept(std::string_view token) {
        skip_space();
        if (!rest_.starts_with(token)) return false;
        rest_.remove_prefix(token.size());
        return true;
    }
    void expect(std::string_view token) {
        if (!accept(token))
            fail("the header must be a dictionary in Python's notation, which lacks a " + std::string(token));
    }
    std::string_view string() {
        skip_space();
        const char quote = rest_.empty() ? '\0' : rest_.front();
        const auto end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : rest_.npos;
        if (end == rest_.npos) fail("the header must be a dictionary in Python's notation, which lacks a text");
        const std::string_view text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return text;
    }
    bool truth() {
        if (accept("True")) return true;
        if (!accept("False")) fail("fortran_order must be True or False");
        return false;
    }
    void shape() {
        expect("(");
        while (!accept(")")) {
            std::int64_t size = 0;
            skip_space();
            const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
            if (error != std::errc() || size < 0) fail("shape must be a tuple of sizes of up to 63 bits");
            if (header_.shape.rank() == Shape::max_rank) fail("a tensor has at most 8 axes");
            header_.shape.push_back(size);
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            if (rest_.starts_with('L')) rest_.remove_prefix(1);  // Python 2 on Windows writes long integers this way
            if (accept(")")) break;
            expect(",");
        }
    }
    /// False: no tensor can hold such elements; `unsupported` in the header says why.
    bool descr() {
        constexpr std::pair<std::string_view, Element> types[] = {
            {"f2", Element::f16}, {"f4", Element::f32}, {"f8", Element::f64}, {"i1", Element::i8},
            {"u1", Element::u8},  {"i2", Element::i16}, {"u2", Element::u16}, {"i4", Element::i32},
            {"u4", Element::u32}, {"i8", Element::i64}, {"u8", Element::u64}, {"b1", Element::boolean}};
        if (accept("[")) return unsupported("arrays of records are not supported", false);
        const std::string_view text = string();
        for (const auto& [name, element] : types) {
            if (text.size() != 3 || text.substr(1) != name) continue;
            const bool one_byte = detail::size_of(element) == 1;
            const char order = text.front();
            if (!(order == '<' || order == '>' || order == '=' || (order == '|' && one_byte))) break;
            header_.element = element;
            header_.swapped = order == '>' && !one_byte;
            return true;
        }
        const char kind = text.size() > 1 ? text[1] : '\0';
        return unsupported("the element type must be f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, got \"" +
                               std::string(text.substr(0, 60)) + '"' +
                               (kind == 'O' ? ", a pickle of Python's objects" : ""),
                           std::string_view("OSUVMma").find(kind) == std::string_view::npos);
    }
    bool unsupported(std::string why, bool numbers) {
        header_.unsupported = std::move(why);
        header_.numbers = numbers;
        return false;
    }

    std::string_view rest_;
    const Source& source_;
    NpyHeader& header_;
};

}  // namespace

NpyHeader detail::parse_npy_header(std::span<const std::byte> bytes, std::uint64_t total, const Source& source) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto number = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(text[at])); };
    NpyHeader header;
    if (!text.starts_with(magic)) source.fail("not an npy file: it must start with \\x93NUMPY");
    if (text.size() < 10) source.fail("truncated in its header");
    const std::size_t version = number(6), fixed = version == 1 ? 10 : 12;
    if (version < 1 || version > 3)
        source.fail("the format's version must be 1, 2 or 3, got " + std::to_string(version));
    if (text.size() < fixed) source.fail("truncated in its header");
    std::size_t length = number(8) | number(9) << 8;
    if (fixed == 12) length |= number(10) << 16 | number(11) << 24;
    if (fixed + length > max_npy_header)
        source.fail("the header may have 65536 bytes, got a length of " + std::to_string(length));
    if (fixed + length > text.size()) source.fail("truncated in its header");
    NpyParser(text.substr(fixed, length), source, header).parse();
    header.length = fixed + length;
    if (!header.unsupported.empty()) return header;

    const auto needed = bytes_of(header.shape, header.element);
    if (!needed || static_cast<std::uint64_t>(*needed) != total - header.length)
        source.fail("the data must be as long as shape " + to_string(header.shape) + " says, got " +
                    std::to_string(total - header.length) + " bytes");
    header.data_bytes = static_cast<std::size_t>(*needed);
    return header;
}

Tensor detail::decode_npy(const NpyHeader& header, const NextBytes& next, const Source& source) {
    if (!header.fortran || header.shape.rank() < 2)
        return decode(next, header.element, header.shape, header.swapped, source);
    std::vector<std::int64_t> sizes(header.shape.begin(), header.shape.end());
    std::reverse(sizes.begin(), sizes.end());
    return transpose(decode(next, header.element, Shape(sizes), header.swapped, source));
}

std::string detail::format_npy_header(const Tensor& t) {
    constexpr const char* types[] = {"<f4", "<f8", "<i4", "<i8", "|b1"};
    std::string sizes;
    for (const std::int64_t n : t.shape()) sizes += (sizes.empty() ? "" : ", ") + std::to_string(n);
    if (t.ndim() == 1) sizes += ',';
    std::string text = std::string("{'descr': '") + types[static_cast<int>(t.dtype())] +
                       "', 'fortran_order': False, 'shape': (" + sizes + "), }";
    // The data start at a multiple of 64 bytes, preceded by a newline.
    const std::size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
    text.resize(total - 11, ' ');
    text += '\n';
    const std::string length = {static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
    return std::string(magic) + std::string("\1\0", 2) + length + text;
}

}  // namespace xgrad::nn
