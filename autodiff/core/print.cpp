#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <sstream>
#include <utility>

#include "tensor.hpp"

// NumPy-style text of tensors.

namespace xgrad {
namespace {

/// The elements that are shown, in row-major order, as text.
class Printer {
public:
    Printer(const Tensor& tensor, const PrintOptions& options)
        : tensor_(tensor), options_(options), abbreviated_(tensor.size() > options.threshold) {
        collect(0, 0);
        describe();
        for (const std::string& text : texts_) width_ = std::max(width_, text.size());
    }
    void write(std::ostream& out) {
        next_ = 0;
        write(out, 0);
    }

private:
    /// Calls f(i) for each shown index of an axis, and gap() in place of those left out.
    template <class F, class Gap>
    void for_each_shown(std::int64_t n, const F& f, const Gap& gap) const {
        const std::int64_t edge = options_.edge_items;
        for (std::int64_t i = 0; i < n; ++i) {
            if (abbreviated_ && n > 2 * edge && i == edge) {
                gap();
                i = n - edge;
                if (i == n) break;
            }
            f(i);
        }
    }
    void collect(int axis, std::int64_t offset) {
        const Shape& shape = tensor_.shape();
        if (axis == shape.rank()) return shown_.push_back(offset);
        std::int64_t stride = 1;
        for (int a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
        for_each_shown(shape[axis], [&](std::int64_t i) { collect(axis + 1, offset + i * stride); }, [] {});
    }
    template <class T>
    void describe_numbers() {
        bool plain = true, whole = true;
        const double least = std::pow(10, -std::max(4, options_.digits));
        const auto values = tensor_.data<T>();
        for (const std::int64_t at : shown_) {
            const double a = std::abs(static_cast<double>(values[static_cast<std::size_t>(at)]));
            if (!std::isfinite(a)) continue;
            if (a != 0 && (a >= 1e8 || a < least)) plain = false;
            if (a != std::floor(a)) whole = false;
        }
        for (const std::int64_t at : shown_)
            texts_.push_back(text_of_number(static_cast<double>(values[static_cast<std::size_t>(at)]), plain, whole));
    }
    std::string text_of_number(double v, bool plain, bool whole) const {
        if (std::isnan(v)) return "nan";
        if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
        char text[64];
        std::snprintf(text, sizeof text, plain ? "%#.*f" : "%.*e", options_.digits, v);
        std::string s = text;
        if (!plain) return s;
        if (whole) s.erase(s.find('.') + 1);
        else
            while (s.back() == '0' && s[s.size() - 2] != '.') s.pop_back();
        return s;
    }
    template <class T>
    void describe_integers() {
        for (const std::int64_t at : shown_)
            texts_.push_back(std::to_string(tensor_.data<T>()[static_cast<std::size_t>(at)]));
    }
    void describe() {
        switch (tensor_.dtype()) {
            case DType::f32: return describe_numbers<float>();
            case DType::f64: return describe_numbers<double>();
            case DType::i32: return describe_integers<std::int32_t>();
            case DType::i64: return describe_integers<std::int64_t>();
            case DType::boolean:
                for (const std::int64_t at : shown_)
                    texts_.push_back(tensor_.data<bool>()[static_cast<std::size_t>(at)] ? "true" : "false");
        }
    }
    void write(std::ostream& out, int axis) {
        const Shape& shape = tensor_.shape();
        if (axis == shape.rank()) {
            const std::string& s = texts_[next_++];
            out << std::string(width_ - s.size(), ' ') << s;
            return;
        }
        const int below = shape.rank() - axis - 1;
        bool first = true;
        const auto separate = [&] {
            if (!std::exchange(first, false)) {
                out << (below ? "," : ", ");
                if (below)
                    out << std::string(static_cast<std::size_t>(below), '\n')
                        << std::string(static_cast<std::size_t>(axis + 1), ' ');
            }
        };
        out << '[';
        for_each_shown(
            shape[axis],
            [&](std::int64_t) {
                separate();
                write(out, axis + 1);
            },
            [&] {
                separate();
                out << "...";
            });
        out << ']';
    }

    const Tensor& tensor_;
    const PrintOptions& options_;
    bool abbreviated_;
    std::vector<std::int64_t> shown_;
    std::vector<std::string> texts_;
    std::size_t width_ = 0, next_ = 0;
};

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

std::string to_string(const Shape& shape) { return text_of(shape); }

std::string to_string(const Tensor& tensor, const PrintOptions& options, Location where) {
    check<ValueError>(options.digits >= 0 && options.digits <= 17 && options.threshold >= 0 && options.edge_items >= 0,
                      where, [&] {
                          return "to_string: digits must be in [0, 17] and counts not negative, got " +
                                 std::to_string(options.digits) + ", " + std::to_string(options.threshold) + " and " +
                                 std::to_string(options.edge_items);
                      });
    if (!tensor.defined()) return "tensor()";
    std::ostringstream out;
    Printer(tensor, options).write(out);
    if (options.dtype) out << ' ' << tensor.dtype();
    return out.str();
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace xgrad
