#include "idx.hpp"

#include <algorithm>
#include <bit>

#include "nn/detail/elements.hpp"
#include "nn/detail/files.hpp"
#include "nn/detail/gzip.hpp"
#include "nn/detail/other_formats.hpp"

namespace xgrad::nn {

namespace {

using detail::Element;
using detail::Source;
using Bytes = std::span<const std::byte>;

Element element_of(std::uint8_t type, const detail::ByteReader& file) {
    switch (type) {
        case 0x08: return Element::u8;
        case 0x09: return Element::i8;
        case 0x0b: return Element::i16;
        case 0x0c: return Element::i32;
        case 0x0d: return Element::f32;
        case 0x0e: return Element::f64;
        default: file.fail("element type must be 8, 9, 11, 12, 13 or 14, got " + std::to_string(type));
    }
}

struct Header {
    Element element;
    Shape shape;
    std::int64_t bytes;  // of data in the file
};

Header read_header(detail::ByteReader& file) {
    std::uint8_t magic[4];
    file.read(magic, sizeof magic, "header");
    if (magic[0] != 0 || magic[1] != 0) file.fail("not an IDX file: it must start with two zero bytes");
    Header header{element_of(magic[2], file), {}, 0};
    const int rank = magic[3];
    if (rank < 1 || rank > Shape::max_rank) file.fail("number of axes must be in [1, 8], got " + std::to_string(rank));
    for (int i = 0; i < rank; ++i) {
        std::uint8_t b[4];
        file.read(b, sizeof b, "header");
        const std::uint64_t size =
            std::uint64_t{b[0]} << 24 | std::uint64_t{b[1]} << 16 | std::uint64_t{b[2]} << 8 | b[3];
        header.shape.push_back(static_cast<std::int64_t>(size));
    }
    const auto bytes = detail::bytes_of(header.shape, header.element);
    if (!bytes || static_cast<std::uint64_t>(*bytes) > file.most())
        file.fail("its header asks for more elements than a file of this length can hold");
    header.bytes = *bytes;
    return header;
}

void check_limit(const detail::ByteReader& file, std::int64_t bytes, const IdxLimits& limits) {
    if (file.gzipped() && bytes > limits.max_bytes)
        file.fail("it would take " + std::to_string(bytes) + " bytes, more than max_bytes, " +
                  std::to_string(limits.max_bytes));
}

Tensor tensor_of(Bytes bytes, const Source& source, const IdxLimits& limits) {
    detail::refuse_others(bytes, detail::Format::gzip, source);
    detail::ByteReader file(bytes, source);
    const Header header = read_header(file);
    check_limit(file, header.shape.size() * size_of(detail::dtype_of(header.element)), limits);
    const auto next = [&](void* into, std::size_t count) { file.read(into, count, "data"); };
    const Tensor t =
        detail::decode(next, header.element, header.shape, std::endian::native == std::endian::little, source);
    file.expect_end();
    return t;
}

IdxBytes bytes_of(Bytes bytes, const Source& source, const IdxLimits& limits) {
    detail::refuse_others(bytes, detail::Format::gzip, source);
    detail::ByteReader file(bytes, source);
    const Header header = read_header(file);
    if (header.element != Element::u8) file.fail("element type must be 8 (unsigned byte)");
    check_limit(file, header.bytes, limits);
    IdxBytes array{header.shape, std::vector<std::uint8_t>(static_cast<std::size_t>(header.bytes))};
    file.read(array.bytes.data(), array.bytes.size(), "data");
    file.expect_end();
    return array;
}

}  // namespace

Tensor parse_idx(Bytes file, const std::string& name, const IdxLimits& limits, Location where) {
    return detail::within_memory({name, where}, [&](const Source& source) { return tensor_of(file, source, limits); });
}

Tensor read_idx(const std::string& path, const IdxLimits& limits, Location where) {
    return detail::read_file(path, where,
                             [&](Bytes bytes, const Source& source) { return tensor_of(bytes, source, limits); });
}

IdxBytes read_idx_bytes(const std::string& path, const IdxLimits& limits, Location where) {
    return detail::read_file(path, where,
                             [&](Bytes bytes, const Source& source) { return bytes_of(bytes, source, limits); });
}

}  // namespace xgrad::nn
