#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <sstream>

#include "tensor.hpp"

// NumPy-style text of tensors.

namespace xgrad {
namespace {

constexpr std::int64_t edge = 3;          // elements shown at either end of an abbreviated axis
constexpr std::int64_t show_all = 1000;   // up to so many elements, nothing is left out

std::vector<std::string> element_texts(const Tensor& t) {
    std::vector<std::string> texts;
    const auto number = [](double v, bool plain) {
        char text[32];
        if (std::isnan(v)) return std::string("nan");
        if (std::isinf(v)) return std::string(v < 0 ? "-inf" : "inf");
        std::snprintf(text, sizeof text, plain ? "%.4f" : "%.4e", v);
        return std::string(text);
    };
    const auto floats = [&](auto values) {
        bool plain = true, whole = true;
        for (const auto v : values) {
            const double a = std::abs(static_cast<double>(v));
            if (!std::isfinite(a)) continue;
            if (a != 0 && (a >= 1e8 || a < 1e-4)) plain = false;
            if (a != std::floor(a)) whole = false;
        }
        for (const auto v : values) {
            std::string s = number(static_cast<double>(v), plain);
            if (plain && std::isfinite(static_cast<double>(v))) {
                if (whole) s.erase(s.find('.') + 1);
                else
                    while (s.back() == '0' && s[s.size() - 2] != '.') s.pop_back();
            }
            texts.push_back(std::move(s));
        }
    };
    switch (t.dtype()) {
        case DType::f32: floats(t.data<float>()); break;
        case DType::f64: floats(t.data<double>()); break;
        case DType::i32:
            for (const auto v : t.data<std::int32_t>()) texts.push_back(std::to_string(v));
            break;
        case DType::i64:
            for (const auto v : t.data<std::int64_t>()) texts.push_back(std::to_string(v));
            break;
        case DType::boolean:
            for (const bool v : t.data<bool>()) texts.push_back(v ? "true" : "false");
            break;
    }
    return texts;
}

void write(std::ostream& out, const Shape& shape, int axis, std::int64_t offset, const std::vector<std::string>& texts, std::size_t width,
           bool all, int indent) {
    if (axis == shape.rank()) {
        const std::string& s = texts[static_cast<std::size_t>(offset)];
        out << std::string(width - s.size(), ' ') << s;
        return;
    }
    std::int64_t stride = 1;
    for (int a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
    out << '[';
    const std::int64_t n = shape[axis];
    const bool last = axis == shape.rank() - 1;
    for (std::int64_t i = 0; i < n; ++i) {
        if (i) {
            out << (last ? ", " : ",");
            if (!last)
                out << std::string(static_cast<std::size_t>(shape.rank() - axis - 1), '\n')
                    << std::string(static_cast<std::size_t>(indent + 1), ' ');
        }
        if (!all && n > 2 * edge && i == edge) {
            out << "...";
            i = n - edge - 1;
            continue;
        }
        write(out, shape, axis + 1, offset + i * stride, texts, width, all, indent + 1);
    }
    out << ']';
}

template <class T>
std::string text_of(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << '(';
    for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
    return out << (shape.rank() == 1 ? ",)" : ")");
}
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
    if (!tensor.defined()) return out << "tensor()";
    const auto texts = element_texts(tensor);
    std::size_t width = 0;
    for (const auto& s : texts) width = std::max(width, s.size());
    write(out, tensor.shape(), 0, 0, texts, width, tensor.size() <= show_all, 0);
    return out;
}

std::string to_string(const Shape& shape) { return text_of(shape); }
std::string to_string(const Tensor& tensor) { return text_of(tensor); }

}  // namespace xgrad
