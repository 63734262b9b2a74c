#include "sort.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

// --- keys: unsigned integers in the order of the elements ------------------------------------------------------------

template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
KeyOf<T> key_of(T x) {
    using K = KeyOf<T>;
    constexpr K top = K{1} << (8 * sizeof(K) - 1);
    if constexpr (std::is_floating_point_v<T>) {
        const T unsigned_zero = x + T(0);
        K bits;
        std::memcpy(&bits, &unsigned_zero, sizeof bits);
        const K negative = K{0} - (bits >> (8 * sizeof(K) - 1));
        return x != x ? ~K{0} : bits ^ (negative | top);
    } else if constexpr (std::is_signed_v<T>) {
        return static_cast<K>(x) ^ top;
    } else {
        return x;
    }
}

/// A key and the position it came from. Short keys share one number with the position, so that a comparison is one
/// instruction.
struct Short {
    std::uint64_t bits;
    static constexpr int key_bits = 32;
    static Short make(std::uint32_t key, std::uint32_t place) { return {std::uint64_t{key} << 32 | place}; }
    std::uint32_t place() const { return static_cast<std::uint32_t>(bits); }
    std::uint64_t key_from(int bit) const { return bits >> (32 + bit); }
    friend bool operator<(const Short& a, const Short& b) { return a.bits < b.bits; }
};
struct Long {
    std::uint64_t key;
    std::uint32_t from;
    static constexpr int key_bits = 64;
    static Long make(std::uint64_t key, std::uint32_t place) { return {key, place}; }
    std::uint32_t place() const { return from; }
    std::uint64_t key_from(int bit) const { return key >> bit; }
    friend bool operator<(const Long& a, const Long& b) { return a.key < b.key || (a.key == b.key && a.from < b.from); }
};
template <class T>
using ItemOf = std::conditional_t<sizeof(T) == 8, Long, Short>;

/// Orders items by `passes` digits of their keys, of `width` bits each, upwards from bit `low`; items that agree there
/// keep their order. There are two buffers: `items` points to the one that holds the items.
template <int width, int passes, class Item>
void sort_by_digits(Item*& items, Item*& spare, std::uint32_t n, int low) {
    constexpr std::uint32_t values = 1u << width;
    const auto digit = [low](const Item& item, int d) {
        return static_cast<std::uint32_t>(item.key_from(low + width * d)) & (values - 1);
    };
    std::uint32_t count[passes][values] = {};
    for (std::uint32_t i = 0; i < n; ++i)
        for (int d = 0; d < passes && low + width * d < Item::key_bits; ++d) ++count[d][digit(items[i], d)];
    for (int d = 0; d < passes && low + width * d < Item::key_bits; ++d) {
        std::uint32_t* next = count[d];
        if (next[digit(items[0], d)] == n) continue;
        std::uint32_t start = 0;
        for (std::uint32_t v = 0; v < values; ++v) {
            const std::uint32_t here = next[v];
            next[v] = start;
            start += here;
        }
        for (std::uint32_t i = 0; i < n; ++i) spare[next[digit(items[i], d)]++] = items[i];
        std::swap(items, spare);
    }
}

/// Insertion sort for items that are nearly in order; returns false if it gave up because they are not.
template <class Item>
bool insert(Item* items, std::uint32_t n) {
    std::uint64_t moves = 0;
    for (std::uint32_t i = 1; i < n; ++i) {
        const Item item = items[i];
        std::uint32_t j = i;
        for (; j > 0 && item < items[j - 1]; --j) items[j] = items[j - 1];
        items[j] = item;
        if ((moves += i - j) > std::uint64_t{4} * n) return false;
    }
    return true;
}

/// Sorts items of which only the last `bits` bits of their keys differ. Sorting by the leading digits brings nearly all
/// of them into place; if the keys share these digits too often, all digits are sorted, starting from the last. Either
/// way equal keys keep their order.
template <int width, int passes, class Item>
void sort_keys(Item*& items, Item*& spare, std::uint32_t n, int bits) {
    const int low = std::max(0, bits - width * passes);
    sort_by_digits<width, passes>(items, spare, n, low);
    if (low == 0 || insert(items, n)) return;
    for (int from = 0; from < bits; from += width * passes) sort_by_digits<width, passes>(items, spare, n, from);
}

/// One thread's state for sorting lines of n elements.
template <class T>
class Sorter {
public:
    using Item = ItemOf<T>;
    Sorter(Int n, bool descending)
        : n_(static_cast<std::uint32_t>(n)),
          flip_(descending ? ~KeyOf<T>{0} : KeyOf<T>{0}),
          buffer_(new Item[2 * static_cast<std::size_t>(n)]) {}

    /// The items of a line in order; only the first `wanted` need to be in order.
    const Item* operator()(const T* line, Int wanted) {
        Item *items = buffer_.get(), *spare = items + n_;
        const auto first = key_of(line[0]);
        KeyOf<T> differences = 0;
        for (std::uint32_t i = 0; i < n_; ++i) {
            const auto key = key_of(line[i]);
            differences |= key ^ first;
            items[i] = Item::make(key ^ flip_, i);
        }
        const int bits = std::bit_width(differences);
        if (bits == 0) return items;
        if (wanted < n_ / 32) std::partial_sort(items, items + wanted, items + n_);
        else if (n_ < 128) std::sort(items, items + n_);
        else if (n_ < 16384) sort_keys<10, 2>(items, spare, n_, bits);
        else sort_keys<11, 3>(items, spare, n_, bits);
        return items;
    }

private:
    std::uint32_t n_;
    KeyOf<T> flip_;
    std::unique_ptr<Item[]> buffer_;
};

Int line_size(const Tensor& x) { return x.ndim() == 0 ? 1 : x.shape(-1); }

/// Sorts every line of x along its last axis and stores the first `wanted` values and positions of each. Either output
/// may be empty.
void sort_lines(const Tensor& x, const Tensor& values, const Tensor& places, Int wanted, bool descending) {
    const Int n = line_size(x), lines = n ? x.size() / n : 0;
    if (lines == 0 || wanted == 0) return;
    with_any(x.dtype(), [&]<class T>(T) {
        parallel_for(lines, x.size() * 16, [&](Int begin, Int end) {
            Sorter<T> sorter(n, descending);
            for (Int r = begin; r < end; ++r) {
                const T* line = elements<T>(x) + r * n;
                const auto* items = sorter(line, wanted);
                if (values.defined())
                    for (Int i = 0; i < wanted; ++i) elements<T>(values)[r * wanted + i] = line[items[i].place()];
                if (!places.defined()) continue;
                if (places.dtype() == DType::i64)
                    for (Int i = 0; i < wanted; ++i) elements<Int>(places)[r * wanted + i] = items[i].place();
                else
                    for (Int i = 0; i < wanted; ++i)
                        elements<std::int32_t>(places)[r * wanted + i] = static_cast<std::int32_t>(items[i].place());
            }
        });
    });
}

// --- sort ------------------------------------------------------------------------------------------------------------

/// Takes the elements of each line from the given positions or, if `inverse`, puts them there: each is the transpose of
/// the other.
struct PermuteLines {
    static constexpr const char* name = "permute_lines";
    bool inverse = false;
    XGRAD_ATTRIBUTES(inverse)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& x, const Tensor& places) const {
        Tensor y = empty(x.shape(), x.dtype());
        const Int n = line_size(x), lines = n ? x.size() / n : 0;
        with_floating(x.dtype(), [&]<class T>(T) {
            parallel_for(lines, x.size(), [&](Int begin, Int end) {
                for (Int r = begin; r < end; ++r) {
                    const T* from = elements<T>(x) + r * n;
                    const std::int32_t* place = elements<std::int32_t>(places) + r * n;
                    T* to = elements<T>(y) + r * n;
                    if (inverse)
                        for (Int i = 0; i < n; ++i) to[place[i]] = from[i];
                    else
                        for (Int i = 0; i < n; ++i) to[i] = from[place[i]];
                }
            });
        });
        return y;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        return {apply(PermuteLines{!inverse}, {g, s.input(1)}, {}), Tensor()};
    }
};

/// Sorts along the last axis. The result is followed by the original positions of its elements.
struct Sort {
    static constexpr const char* name = "sort";
    bool descending = false;
    XGRAD_ATTRIBUTES(descending)
    static constexpr Saves saves{.outputs = 0b10};
    static constexpr int results = 1;

    std::array<Tensor, 2> value(const Tensor& x, bool for_pullback) const {
        std::array<Tensor, 2> outputs{empty(x.shape(), x.dtype()),
                                      for_pullback ? empty(x.shape(), DType::i32) : Tensor()};
        sort_lines(x, outputs[0], outputs[1], line_size(x), descending);
        return outputs;
    }
    Tensor pullback(Tensor g, const Saved& s) const { return apply(PermuteLines{true}, {g, s.output(1)}, {}); }
};

struct Line {
    Tensor x;  ///< with the axis last
    int axis;
};
Line last_axis(const char* name, const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, name);
    axis = normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), name, operand.where());
    check<ShapeError>(x.ndim() == 0 || x.shape(axis) <= std::numeric_limits<std::int32_t>::max(), operand.where(), [&] {
        return std::string(name) + ": the axis must be shorter than 2^31, got shape " + to_string(x.shape());
    });
    return {axis + 1 < x.ndim() ? swapaxes({x, operand.where()}, axis, -1) : x, axis};
}
Tensor put_back(const Tensor& y, int axis) { return axis + 1 < y.ndim() ? swapaxes(y, axis, -1) : y; }

/// The positions of the elements in sorted order along the last axis, or of the first k.
struct Argsort {
    static constexpr const char* name = "argsort";
    bool descending = false;
    std::optional<Int> k = {};
    XGRAD_ATTRIBUTES(descending, k)

    Tensor value(const Tensor& x) const {
        Shape shape = x.shape();
        if (k) shape[shape.rank() - 1] = *k;
        Tensor places = empty(shape, DType::i64);
        sort_lines(x, Tensor(), places, k.value_or(line_size(x)), descending);
        return places;
    }
};

/// The positions at which to insert values into a sorted vector, or each line of values into a sorted line.
struct SearchSorted {
    static constexpr const char* name = "searchsorted";
    Side side = Side::left;
    XGRAD_ATTRIBUTES(side)

    Tensor value(const Tensor& sorted, const Tensor& values) const {
        Tensor result = empty(values.shape(), DType::i64);
        if (values.size() == 0) return result;
        const Int n = sorted.shape(-1), m = sorted.ndim() == 1 ? values.size() : values.shape(-1);
        with_any(values.dtype(), [&]<class T>(T) {
            const T *line = elements<T>(sorted), *wanted = elements<T>(values);
            Int* to = elements<Int>(result);
            parallel_for(values.size(), values.size() * 16, [&](Int begin, Int end) {
                for (Int i = begin; i < end; ++i) {
                    const T* first = line + i / m * n;
                    const auto key = key_of(wanted[i]);
                    const T* place =
                        side == Side::left
                            ? std::partition_point(first, first + n, [key](T v) { return key_of(v) < key; })
                            : std::partition_point(first, first + n, [key](T v) { return key_of(v) <= key; });
                    to[i] = place - first;
                }
            });
        });
        return result;
    }
};

}  // namespace

Tensor sort(const Operand& x, int axis, bool descending) {
    const Line line = last_axis("sort", x, axis);
    return put_back(apply(Sort{descending}, {line.x}, x.where())[0], line.axis);
}

Tensor argsort(const Operand& x, int axis, bool descending) {
    return composed("argsort", x.where(), [&]() -> Tensor {
        const Line line = last_axis("argsort", {stop_gradient(tensor_of(x, "argsort")), x.where()}, axis);
        return put_back(apply(Argsort{descending}, {line.x}, x.where()), line.axis);
    });
}

TopK topk(const Operand& operand, Int k, int axis, bool largest) {
    const Tensor& x = tensor_of(operand, "topk");
    const Line line = last_axis("topk", {stop_gradient(x), operand.where()}, axis);
    const Int n = line_size(line.x);
    check<ValueError>(k >= 0 && k <= n, operand.where(),
                      [&] { return "topk: k must be in [0, " + std::to_string(n) + "], got " + std::to_string(k); });
    if (x.ndim() == 0) {
        check<ValueError>(k == 1, operand.where(), [] { return std::string("topk: k must be 1 for a scalar, got 0"); });
        return {x, zeros({}, DType::i64)};
    }
    const Tensor places = put_back(apply(Argsort{largest, k}, {line.x}, operand.where(), "topk"), line.axis);
    return {take_along_axis({x, operand.where()}, places, line.axis), places};
}

Tensor unique(const Operand& operand) {
    const Tensor& x = tensor_of(operand, "unique");
    const Tensor ordered = sort(ravel(stop_gradient(x)));
    Tensor result;
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(ordered);
        std::vector<T> values;
        for (Int i = 0; i < ordered.size(); ++i)
            if (values.empty() || key_of(values.back()) != key_of(from[i])) values.push_back(from[i]);
        result = from_data(values.data(), static_cast<Int>(values.size()), x.dtype(), {static_cast<Int>(values.size())},
                           operand.where());
    });
    return result;
}

Tensor searchsorted(const Operand& sorted_operand, const Operand& values_operand, Side side) {
    const Location where = sorted_operand.where();
    const Tensor& sorted = tensor_of(sorted_operand, "searchsorted");
    const Tensor values = values_operand.is_tensor() ? tensor_of(values_operand, "searchsorted")
                                                     : number_as(values_operand, sorted.dtype(), "searchsorted");
    check_same_dtype(sorted, values, "searchsorted", where, "the values");
    bool fits = sorted.ndim() == 1 || (sorted.ndim() > 1 && sorted.ndim() == values.ndim());
    for (int k = 0; fits && sorted.ndim() > 1 && k + 1 < sorted.ndim(); ++k)
        fits = sorted.shape()[k] == values.shape()[k];
    check<ShapeError>(fits, where, [&] {
        return "searchsorted: the sorted tensor must be a vector, or agree with the values in all axes but the last, "
               "got " +
               to_string(sorted.shape()) + " and " + to_string(values.shape());
    });
    return apply(SearchSorted{side}, {sorted, values}, where);
}

}  // namespace xgrad
