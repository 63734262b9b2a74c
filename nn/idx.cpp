#include "idx.hpp"

#include <algorithm>
#include <bit>

#include "elements.hpp"
#include "files.hpp"
#include "gzip.hpp"

namespace xgrad::nn {

namespace {

using detail::Element;

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

struct Array {
    Element element;
    Shape shape;
    std::vector<std::uint8_t> bytes;
};

Array read_array(detail::ByteReader& file) {
    std::uint8_t magic[4];
    file.read(magic, sizeof magic, "header");
    if (magic[0] != 0 || magic[1] != 0) file.fail("not an IDX file: it must start with two zero bytes");
    Array array{element_of(magic[2], file), {}, {}};
    const int rank = magic[3];
    if (rank < 1 || rank > Shape::max_rank) file.fail("number of axes must be in [1, 8], got " + std::to_string(rank));
    for (int i = 0; i < rank; ++i) {
        std::uint8_t b[4];
        file.read(b, sizeof b, "header");
        const std::uint64_t size = std::uint64_t{b[0]} << 24 | std::uint64_t{b[1]} << 16 | std::uint64_t{b[2]} << 8 | b[3];
        array.shape.push_back(static_cast<std::int64_t>(size));
    }
    const auto bytes = detail::bytes_of(array.shape, array.element);
    if (!bytes || static_cast<std::uint64_t>(*bytes) > file.most())
        file.fail("its header asks for more elements than a file of this length can hold");
    array.bytes.resize(static_cast<std::size_t>(*bytes));
    file.read(array.bytes.data(), array.bytes.size(), "data");
    file.expect_end();
    return array;
}

}  // namespace

Tensor parse_idx(std::span<const std::byte> file, const std::string& name) {
    detail::ByteReader reader(file, name);
    const Array array = read_array(reader);
    return detail::decode(std::as_bytes(std::span(array.bytes)), array.element, array.shape, std::endian::native == std::endian::little);
}

Tensor read_idx(const std::string& path) { return parse_idx(detail::MappedFile(path).bytes(), path); }

IdxBytes read_idx_bytes(const std::string& path) {
    const detail::MappedFile file(path);
    detail::ByteReader reader(file.bytes(), path);
    Array array = read_array(reader);
    if (array.element != Element::u8) reader.fail("element type must be 8 (unsigned byte)");
    return {array.shape, std::move(array.bytes)};
}

}  // namespace xgrad::nn
