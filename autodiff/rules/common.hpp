#pragma once

#include <cstddef>

#include "autodiff/core/attribute_names.hpp"

// Shared by the files of element-wise rules; see elementwise.hpp.

namespace xgrad::rules {

/// The saved tensors that a pull uses.
enum Reads : unsigned { none = 0, A = 1, B = 2, Y = 4 };  // A: the (first) input; B: the second; Y: the output

inline constexpr double pi = 3.14159265358979323846264338328;
inline constexpr double ln2 = 0.693147180559945309417232121458;
inline constexpr double ln10 = 2.302585092994045684017991454684;
inline constexpr double two_over_sqrt_pi = 1.128379167095512573896158903122;
inline constexpr double half_sqrt_pi = 0.886226925452758013649083741671;
inline constexpr double sqrt_half = 0.707106781186547524400844362105;
inline constexpr double inv_sqrt_two_pi = 0.398942280401432677939946059934;
inline constexpr double sqrt_two_over_pi = 0.797884560802865355879892119869;

/// A list of types, each with its index.
template <class... Rule>
struct List {
    static constexpr std::size_t size = sizeof...(Rule);
    template <class R>
    static constexpr bool contains = (__is_same(R, Rule) || ...);
    template <class R>
    static constexpr std::size_t index_of() {
        constexpr bool same[] = {__is_same(R, Rule)...};
        std::size_t i = 0;
        while (!same[i]) ++i;
        return i;
    }
    template <class... More>
    static List<Rule..., More...> with(List<More...>);
};

}  // namespace xgrad::rules
