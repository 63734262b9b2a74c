#pragma once

#include <autodiff/autodiff.hpp>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Arguments made from bytes: draw<T>() for every type that a public function takes. Half of the choices are what a user
// would write, so that calls get past the first check; the others are odd. Sizes that count elements are small or so
// large that no memory could hold them.

namespace tests {

/// The user's line, as every error must name it.
inline constexpr xgrad::Location user_line{"user.cpp", 7};

/// The number of members of an aggregate, up to eight; members of a type that cannot be detected (std::optional accepts
/// anything) are named.
struct Anything {
    template <class T>
    operator T() const;
};
template <class T, class... Members>
constexpr int count_members() {
    if constexpr (sizeof...(Members) > 8) return 0;
    else if constexpr (requires { T{Members{}..., Anything{}}; }) return count_members<T, Members..., Anything>();
    else return sizeof...(Members);
}
template <class T>
inline constexpr int members = count_members<T>();
template <>
inline constexpr int members<xgrad::NanToNum> = 3;
template <>
inline constexpr int members<xgrad::EmbeddingFuncOptions> = 1;
template <>
inline constexpr int members<xgrad::RMSNormFuncOptions> = 1;
template <>
inline constexpr int members<xgrad::AvgPoolOptions> = 5;
template <>
inline constexpr int members<xgrad::AttentionOptions> = 3;
template <>
inline constexpr int members<xgrad::EmbeddingBagFuncOptions> = 3;
template <>
inline constexpr int members<xgrad::Slice> = 3;

/// The number of values of an enumeration.
template <class T>
inline constexpr int enumerators = 2;
template <>
inline constexpr int enumerators<xgrad::DType> = 5;
template <>
inline constexpr int enumerators<xgrad::PadMode> = 4;
template <>
inline constexpr int enumerators<xgrad::Reduction> = 3;
template <>
inline constexpr int enumerators<xgrad::Interpolation> = 6;
template <>
inline constexpr int enumerators<xgrad::Quantile> = 5;
template <>
inline constexpr int enumerators<xgrad::BagMode> = 3;
template <>
inline constexpr int enumerators<xgrad::GridSample> = 3;
template <>
inline constexpr int enumerators<xgrad::GridPadding> = 3;
template <>
inline constexpr int enumerators<xgrad::ScatterReduce> = 5;

/// f(member) for every member.
template <class T, class F>
void for_members(T& t, const F& f) {
    const auto all = [&](auto&... m) { (f(m), ...); };
    constexpr int n = members<std::remove_const_t<T>>;
    static_assert(n >= 1 && n <= 8, "tests: say how many members this type has");
    // clang-format off
    if constexpr (n == 1) { auto& [a] = t; all(a); }
    else if constexpr (n == 2) { auto& [a, b] = t; all(a, b); }
    else if constexpr (n == 3) { auto& [a, b, c] = t; all(a, b, c); }
    else if constexpr (n == 4) { auto& [a, b, c, d] = t; all(a, b, c, d); }
    else if constexpr (n == 5) { auto& [a, b, c, d, e] = t; all(a, b, c, d, e); }
    else if constexpr (n == 6) { auto& [a, b, c, d, e, g] = t; all(a, b, c, d, e, g); }
    else if constexpr (n == 7) { auto& [a, b, c, d, e, g, h] = t; all(a, b, c, d, e, g, h); }
    else { auto& [a, b, c, d, e, g, h, i] = t; all(a, b, c, d, e, g, h, i); }
    // clang-format on
}

class Draws {
public:
    Draws(std::span<const std::uint8_t> bytes, xgrad::Tape* tape) : bytes_(bytes), tape_(tape) {}

    template <class T>
    T draw();

    /// The tensors drawn so far that a tape watches.
    const std::vector<xgrad::Tensor>& watched() const { return watched_; }

    xgrad::Tape* tape() const { return tape_; }

    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const std::uint8_t b = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return b;
    }
    /// One of several, the first when the bytes have run out.
    template <class T, std::size_t n>
    T one_of(const T (&choices)[n]) {
        return choices[byte() % n];
    }
    bool once_in(int n) { return byte() % n == static_cast<std::uint8_t>(n - 1); }

private:
    template <class Int>
    Int integer();
    double number();
    xgrad::Shape shape();
    xgrad::Tensor tensor();
    template <class T, class F>
    std::vector<T> several(int most, const F& make) {
        std::vector<T> list;
        for (int n = byte() % (most + 1); n > 0; --n) list.push_back(make());
        return list;
    }

    std::span<const std::uint8_t> bytes_;
    xgrad::Tape* tape_;
    xgrad::Generator generator_;
    std::deque<xgrad::Tensor> tensors_;  // operands point to them
    std::deque<xgrad::Tensors> lists_;  // parts point to these
    std::vector<xgrad::Tensor> watched_;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <class T>
struct IsPerPlace : std::false_type {};
template <class T, int n>
struct IsPerPlace<xgrad::NumberOrList<T, n>> : std::true_type {};

template <class Int>
Int Draws::integer() {
    using Limits = std::numeric_limits<Int>;
    constexpr Int usual[] = {1, 2, 0, 3, 1, -1, 2, 4, 1, 2, 7, -2};
    constexpr Int extreme[] = {
        Limits::max(),
        Limits::min(),
        Limits::max() - 1,
        Limits::min() + 1,
        Limits::max() / 2 + 1,
        Limits::max() / 3,
        sizeof(Int) == 4 ? Limits::max() / 2 : static_cast<Int>(std::int64_t{1} << 48),
        sizeof(Int) == 4 ? Limits::max() / 5 : static_cast<Int>(std::int64_t{1} << 40),  // legal, but never available
        -(Limits::max() / 2)};
    return once_in(5) ? one_of(extreme) : one_of(usual);
}

template <class T>
T Draws::draw() {
    using namespace xgrad;
    if constexpr (std::is_same_v<T, bool>) return byte() & 1;
    else if constexpr (std::integral<T>) return integer<T>();
    else if constexpr (std::floating_point<T>) return number();
    else if constexpr (std::is_same_v<T, Correction> || std::is_same_v<T, PlainNumber>) return number();
    else if constexpr (std::is_enum_v<T>) return static_cast<T>(byte() % enumerators<T>);
    else if constexpr (std::is_same_v<T, Shape>) return shape();
    else if constexpr (std::is_same_v<T, Location>) return user_line;
    else if constexpr (std::is_same_v<T, Tensor>) return tensor();
    else if constexpr (std::is_same_v<T, Operand>) {
        if (once_in(16)) return Operand(number(), user_line);
        tensors_.push_back(once_in(32) ? Tensor() : tensor());
        return Operand(tensors_.back(), user_line);
    } else if constexpr (std::is_same_v<T, Axes>)
        return once_in(3) ? Axes() : Axes(several<int>(once_in(16) ? 8 : 2, [&] { return integer<int>(); }));
    else if constexpr (std::is_same_v<T, Generator>) return Generator(byte());
    else if constexpr (std::is_same_v<T, MatrixOrder>) {
        const double orders[] = {2, 1, -1, -2, HUGE_VAL, -HUGE_VAL};
        const char* const names[] = {"fro", "nuc"};
        return once_in(2) ? MatrixOrder(one_of(orders), user_line) : MatrixOrder(one_of(names), user_line);
    } else if constexpr (std::is_same_v<T, Parts>) {
        lists_.push_back(several<Tensor>(4, [&] { return tensor(); }));
        return Parts(lists_.back());
    } else if constexpr (std::is_same_v<T, const char*>) return "broadcast_shapes";
    else if constexpr (std::is_same_v<T, std::string>) {
        const char* const texts[] = {
            "ij,jk->ik", "ij",  "i,i", "...i,...i->...", "ii", "ij,kj", "abc,cd,de", "i->ii", "ij->k", ",", "", "->",
            "..",        "...", "i..."};
        return one_of(texts);
    } else if constexpr (IsPerPlace<T>::value) {
        using Number = std::remove_cvref_t<decltype(std::declval<T>()[0])>;
        if (once_in(2)) return T(draw<Number>());
        return T(several<Number>(3, [&] { return draw<Number>(); }));
    } else if constexpr (IsVector<T>::value) {
        using Element = typename T::value_type;
        return several<Element>(4, [&] { return draw<Element>(); });
    } else if constexpr (IsOptional<T>::value) {
        if (once_in(2)) return std::nullopt;
        return draw<typename T::value_type>();
    } else if constexpr (IsPair<T>::value) {
        // Widths of margins: many small ones on many axes make a tensor that is too large for a test.
        const auto width = [&]<class N>(N) { return once_in(5) ? draw<N>() : static_cast<N>(byte() % 3); };
        const auto first = width(typename T::first_type{});
        return {first, width(typename T::second_type{})};
    } else {
        T options{};  // the defaults, some of them changed
        for_members(options, [&]<class M>(M& member) {
            if (once_in(3)) member = draw<M>();
        });
        return options;
    }
}

}  // namespace tests
