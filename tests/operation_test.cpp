#include <doctest/doctest.h>

#include <array>
#include <autodiff/autodiff.hpp>
#include <autodiff/core/detail/trace.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "support.hpp"

// Operations as values: what a struct may be, what a trace lists, and what a tape captures.

using namespace xgrad;
using tests::error_of;

namespace {

enum class Colour { red, green };
enum class Odd { nan = 2, inf = 5 };
enum class Flags : std::int16_t { none, read = 1, write = 4, far = -300 };

struct Part {
    int low = 0;
    double high = 0;
    XGRAD_ATTRIBUTES(low, high)
};

struct Everything {
    bool flag = false;
    std::int64_t count = 0;
    double factor = 0;
    Colour colour = Colour::red;
    DType dtype = DType::f32;
    Shape shape;
    std::optional<double> maybe;
    std::vector<double> weights;
    std::array<int, 3> axes{};
    int pair[2] = {};
    PerAxis stride;
    PlainNumber fill = 0;
    float single = 0;
    std::vector<std::int64_t> whole;
    Odd odd = Odd::nan;
    Flags flags = Flags::none, far = Flags::none;
    std::optional<Colour> perhaps;
    Part part;
    XGRAD_ATTRIBUTES(flag, count, factor, colour, dtype, shape, maybe, weights, axes, pair, stride, fill, single, whole,
                     odd, flags, far, perhaps, part)
    Tensor value(const Tensor& x) const { return x; }
};

Everything filled() {
    Everything e;
    e.flag = true;
    e.count = std::int64_t{1} << 60;
    e.factor = 0.1;
    e.colour = Colour::green;
    e.dtype = DType::i64;
    e.shape = {2, 0, 3};
    e.maybe = -std::numeric_limits<double>::infinity();
    e.weights = {1, std::numeric_limits<double>::quiet_NaN(), -0.0, 1e-300};
    e.axes = {2, -1, 0};
    e.pair[1] = 7;
    e.stride = {2, 3};
    e.fill = 2.5;
    e.single = 0.1f;
    e.whole = {7, -7};
    e.odd = Odd::inf;
    e.flags = static_cast<Flags>(5);
    e.far = Flags::far;
    e.perhaps = Colour::green;
    e.part = {3, 4.5};
    return e;
}

/// x·factor, whose two pullbacks count their calls.
struct Counted {
    static constexpr const char* name = "counted";
    double factor = 2;
    XGRAD_ATTRIBUTES(factor)
    static inline int composed = 0, fused = 0;
    Tensor value(const Tensor& x) const { return x * factor; }
    Tensor pullback(Tensor g) const { return ++composed, g * factor; }
    Tensor fused_pullback(Tensor g, const Saved&) const { return ++fused, g * factor; }
};

/// a·b, the sum of both for its pullback only.
struct ProductOf {
    static constexpr const char* name = "product_of";
    static constexpr int results = 1;
    static inline std::vector<bool> asked;
    static Saves saves(Needs recorded) {
        return {.inputs = (recorded[1] ? 1u : 0u) | (recorded[0] ? 2u : 0u), .outputs = 0b10};
    }
    std::array<Tensor, 2> value(const Tensor& a, const Tensor& b, bool for_pullback) const {
        return {a * b, for_pullback ? a + b : Tensor()};
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        asked = {s.input(0).defined(),  s.input(1).defined(), s.output(0).defined(),
                 s.output(1).defined(), s.needs(0),           s.needs(1)};
        return {s.needs(0) ? g * s.input(1) : Tensor(), s.needs(1) ? g * s.input(0) : Tensor()};
    }
};

struct Halves {
    static constexpr const char* name = "halves";
    std::array<Tensor, 2> value(const Tensor& x) const { return {slice(x, 0, 0, 1), slice(x, 0, 1)}; }
    Tensor pullback(std::span<const Tensor> g) const { return concat({g[0], g[1]}); }
};

/// Says that its pullback reads an input that is not there where `count` is too large.
struct Forgetful {
    static constexpr const char* name = "forgetful";
    std::uint32_t mask = 0b100;
    Saves saves(Needs) const { return {.inputs = mask}; }
    Tensor value(const Tensor& a, const Tensor& b) const { return a + b; }
    std::array<Tensor, 2> pullback(Tensor g) const { return {g, g}; }
};

struct Sign {
    static constexpr const char* name = "sign_of";
    Tensor value(const Tensor& x) const { return greater(x, 0).to(x.dtype()); }
};

}  // namespace

TEST_SUITE("operations as values") {
    TEST_CASE("attributes of every kind are printed, written and read back") {
        const Everything e = filled();
        const Attributes attributes = attributes_of(e);
        CHECK(to_string(attributes) ==
              "flag=1, count=1152921504606846976, factor=0.1, colour=green, dtype=i64, shape=[2, 0, 3], maybe=[-inf], "
              "weights=[1, nan, -0, "
              "1e-300], "
              "axes=[2, -1, 0], pair=[0, 7], stride=[2, 3], fill=2.5, single=0.1, whole=[7, -7], odd=inf, flags=5, "
              "far=-300, perhaps=[1], part.low=3, part.high=4.5");
        const Attributes read = attributes_from_json(to_json(attributes));
        CHECK(read == attributes);
        Everything other;
        CHECK_FALSE(attributes_of(other) == attributes);
        set_attributes(other, read);
        CHECK(attributes_of(other) == attributes);
        CHECK(attributes_of(Everything()) == attributes_from_json(to_json(attributes_of(Everything()))));
        CHECK(std::signbit(other.weights[2]));
    }

    TEST_CASE("attributes that are missing, of another kind, or no JSON are errors") {
        Everything e;
        Attributes attributes = attributes_of(e);
        attributes.values.pop_back();
        CHECK(error_of<ValueError>([&] { set_attributes(e, attributes); }) ==
              "Attributes: there must be one of each name, got none for part.high");
        CHECK(error_of<FormatError>([] { attributes_from_json("[1]"); }) ==
              "attributes: an object was expected, got [1]");
        CHECK(error_of<FormatError>([] { attributes_from_json("{\"a\": {}}"); }) ==
              "attributes: a number was expected, got {}");
        CHECK(error_of<FormatError>([] {
                  attributes_from_json("{");
              }).starts_with("attributes: the text must be JSON, got "));
        Part part;
        CHECK(error_of<ValueError>([&] {
                  set_attributes(part, attributes_from_json("{\"low\": 1.5, \"high\": 1}"));
              }) == "Attributes: low must be an integer, got 1.5");
        // What a field cannot hold, and what no field has.
        const auto refused = [](const std::string& name, const char* json) {
            Attributes all = attributes_of(filled());
            const Attributes one = attributes_from_json(json);
            for (auto& each : all.values)
                if (each.name == name) each.value = one.values[0].value;
            Everything target;
            return error_of<ValueError>([&] { set_attributes(target, all); });
        };
        CHECK(refused("flag", "{\"flag\": [2]}") == "Attributes: flag must be an integer, got [2]");
        CHECK(refused("flag", "{\"flag\": 2}") == "Attributes: flag must be in [0, 1], got 2");
        CHECK(refused("colour", "{\"colour\": \"blue\"}") == "Attributes: colour must be one of red, green, got blue");
        CHECK(refused("axes", "{\"axes\": [1, 2, 3, 4]}") == "Attributes: axes must have 3 numbers, got 4");
        CHECK(refused("axes", "{\"axes\": [1, 2, 3000000000]}") ==
              "Attributes: axes must be in [-2147483648, 2147483647], got 3000000000");
        CHECK(refused("stride", "{\"stride\": [1, 2, 3, 4]}") ==
              "Attributes: stride must have at most 3 numbers, got 4");
        CHECK(refused("shape", "{\"shape\": [1, 1, 1, 1, 1, 1, 1, 1, 1]}") ==
              "Attributes: shape must have at most 8 numbers, got 9");
        CHECK(refused("maybe", "{\"maybe\": [1.5, 2.5]}") == "Attributes: maybe must have at most 1 numbers, got 2");
        CHECK(refused("weights", "{\"weights\": 3}") == "Attributes: weights must be a list of numbers, got 3");
        CHECK(error_of<ValueError>([&] {
                  set_attributes(part, attributes_from_json("{\"low\": 1, \"high\": 1, \"hihg\": 2}"));
              }) == "Attributes: each must be one of the operation's, got others in low=1, high=1, hihg=2");
        CHECK(error_of<FormatError>([] { attributes_from_json("{\"seed\": 18446744073709551615}"); }) ==
              "attributes: an integer must fit 64 bits with a sign, got 18446744073709551615");
        CHECK(error_of<FormatError>([] { attributes_from_json("{\"a\": 1, \"a\": 2}"); }) ==
              "attributes: names must differ, got a twice");
        const std::string deep = "{\"a\": " + std::string(200000, '[');
        CHECK(error_of<FormatError>([&] { attributes_from_json(deep); }) ==
              "attributes: a number was expected, got a list or an object in one");
        CHECK(refused("single", "{\"single\": 1e300}") ==
              "Attributes: single must be a number of single precision, got 1e+300");
        Sign none;
        CHECK(error_of<ValueError>([&] { set_attributes(none, attributes_from_json("{\"f\": 3}")); }) ==
              "Attributes: each must be one of the operation's, got others in f=3");
        // What other programs write: whole numbers in a list of floating ones, nothing for an empty list.
        set_attributes(e, attributes_of(filled()));
        Attributes loose = attributes_of(e);
        for (auto& each : loose.values)
            if (each.name == "weights")
                each.value = attributes_from_json("{\"w\": [1, 2.5, \"+nan\"]}").values[0].value;
            else if (each.name == "whole") each.value = attributes_from_json("{\"w\": null}").values[0].value;
        set_attributes(e, loose);
        CHECK(e.weights[1] == 2.5);
        CHECK(e.whole.empty());
    }

    TEST_CASE("what a pullback cannot read is an error, not something else") {
        Tape tape;
        const Tensor x = tape.watch(ones({2}));
        const std::string error = error_of<ValueError>([&] { apply(Forgetful{}, {x, x}); });
        CHECK(error == "forgetful: `saves` must name inputs that the operation has, got one beyond the 2" +
                           tests::here(__LINE__ - 2));
        CHECK(apply(Forgetful{0b10}, {x, x}).shape() == Shape{2});
        const auto parts = [&](int count, auto&& pullback) {
            return apply_many(
                "parts", {x}, [&](const Tensor& value) { return Tensors(static_cast<std::size_t>(count), value); },
                pullback);
        };
        const auto reads = [](std::span<const Tensor>, std::span<const Tensor> y, Needs) {
            return Tensors{ones({2}) * static_cast<double>(y.size())};
        };
        CHECK(error_of<ValueError>([&] {
                  parts(33, reads);
              }).starts_with("parts: a pullback can read up to 32 outputs, got 33; capture what it needs"));
        CHECK(parts(40, [](std::span<const Tensor> g, Needs) { return Tensors{g[39] * 3}; }).size() == 40);
        CHECK(all(equal(tape.gradient(sum(parts(32, reads)[0]), x), 32)).item<bool>());
    }

    TEST_CASE("the engine takes the fused pullback exactly where nothing records it") {
        Counted::composed = Counted::fused = 0;
        const auto f = [](const Tensor& x) { return apply(Counted{3}, {x}); };
        CHECK(grad([&](const Tensor& x) { return sum(f(x)); }, tensor({1.0, 2.0})).data<double>()[1] == 3);
        CHECK(Counted::composed == 0);
        CHECK(Counted::fused == 1);
        CHECK(hvp([&](const Tensor& x) { return sum(square(f(x))); }, tensor({1.0, 2.0}), tensor({1.0, 0.0}))
                  .data<double>()[0] == 18);
        CHECK(Counted::composed >= 1);
        CHECK(gradcheck(f, {tensor({1.0, -2.0})}, {.order = 2}));
    }

    TEST_CASE("a tape keeps what a pullback reads, for those inputs that are recorded") {
        Tape tape({.persistent = true});
        const Tensor a = tape.watch(scalar(3.0)), b = scalar(5.0);
        const auto y = apply(ProductOf{}, {a, b});
        CHECK(y[0].item() == 15);
        CHECK(tracked(y[0]));
        CHECK_FALSE(tracked(y[1]));
        CHECK(tape.gradient(y[0], a).item() == 5);
        CHECK(ProductOf::asked == std::vector<bool>{false, true, false, true, true, false});
        CHECK_FALSE(apply(ProductOf{}, {b, b})[1].defined());
        const auto f = [](const Tensor& p, const Tensor& q) { return apply(ProductOf{}, {p, q})[0]; };
        CHECK(gradcheck(f, {tensor({1.0, 2.0}), tensor({0.5, -1.0})}, {.order = 2}));
    }

    TEST_CASE("several results, and none that is differentiable") {
        const auto both = [](const Tensor& x) {
            const auto y = apply(Halves{}, {x});
            return sum(square(y[0])) + 2 * sum(y[1]);
        };
        CHECK(gradcheck(both, {tensor({1.0, 2.0, 3.0})}, {.order = 2}));
        Tape tape;
        const Tensor x = tape.watch(tensor({-1.0, 2.0}));
        const std::size_t before = tape.size();
        CHECK_FALSE(tracked(apply(Sign{}, {x})));
        CHECK(tape.size() == before);
    }

    TEST_CASE("a trace lists what runs and runs it again, on other inputs too") {
        detail::Trace trace;
        const Tensor x = tensor({1.0, 2.0}), y = sum(x * 3.0 + x);
        REQUIRE(trace.runs.size() == 3);
        CHECK(trace.runs[0].operation.name() == std::string("multiply_number"));
        CHECK(to_string(trace.runs[0].operation.attributes()) == "number=3, number_first=0");
        CHECK(trace.runs[1].operation.name() == std::string("add"));
        CHECK(trace.runs[2].outputs[0].item() == y.item());
        const Tensor other[] = {tensor({10.0, -1.0})};
        CHECK(trace.runs[0].operation.run(other)[0].data<double>()[0] == 30);
        const auto halved =
            trace.runs[0].operation.with(attributes_from_json("{\"number\": 0.5, \"number_first\": 0}"));
        CHECK(halved.run(other)[0].data<double>()[0] == 5);
        CHECK(trace.runs.size() == 3);
        apply("once", {x}, [&] { return x; }, [](Tensor g) { return g; });
        CHECK_FALSE(trace.runs.back().operation.can_run());
        CHECK_FALSE(trace.runs.back().operation.is_data());
        {
            const detail::Trace inner;
            square(x);
            CHECK(inner.runs.size() == 1);
        }
        CHECK(trace.runs.size() == 4);
    }

    TEST_CASE("a trace sees the way back as operations") {
        detail::Trace trace;
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor g = tape.gradient(sum(tanh(x)), x);
        bool last = false;
        for (const auto& run : trace.runs)
            for (const Tensor& output : run.outputs)
                last = last || detail::TensorAccess::data(output) == detail::TensorAccess::data(g);
        CHECK(last);
    }
}

TEST_SUITE("capture") {
    TEST_CASE("a parameter used by an outer and an inner tape has one gradient on each") {
        const Parameter w = scalar(2.0);
        Tape outer;
        const Tensor first = w * 3.0;
        Tensor slope;
        {
            Tape inner;
            slope = inner.gradient(w * w * w)[w];  // 3w²
        }
        const Tensor last = w * 5.0;  // the inner tape's source is gone: the outer one's stands for w again
        const Gradients g = outer.gradient(first + slope + last);
        CHECK(g.size() == 1);
        CHECK(g[w].item() == 3 + 12 + 5);
    }

    TEST_CASE("an inner tape may ask for an outer tensor, which it captured") {
        Tape outer;
        const Tensor a = outer.watch(scalar(3.0)), b = a * a;
        Tensor slope;
        {
            Tape inner;
            const Tensor y = b * b * a;
            const Tensors g = inner.gradient(y, {a, b});
            CHECK(g[0].item() == 81);      // b is a source of its own here
            CHECK(g[1].item() == 2 * 9 * 3);
            slope = g[1];
        }
        CHECK(outer.gradient(slope, a).item() == 54);  // 2ab = 2a³
    }

    TEST_CASE("three tapes deep, each captures from the one around it") {
        const Parameter w = scalar(2.0);
        Tape one;
        Tape two;
        Tape three;
        const Tensor y = w * w * w * w;
        const Tensor d = three.gradient(y)[w];
        const Tensor dd = two.gradient(d)[w];
        CHECK(d.item() == 32);
        CHECK(dd.item() == 48);
        CHECK(one.gradient(dd)[w].item() == 48);
    }

    TEST_CASE("a checkpoint inside another sees parameters and tensors of all tapes around") {
        const Parameter w = scalar(2.0);
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const auto inner = [&](const Tensor& t) { return t * w * x; };
        const auto outer = [&](const Tensor& t) { return checkpoint(inner, t * t) + w; };
        const Tensor y = checkpoint(outer, x);  // x³w + w
        const Gradients g = tape.gradient(y);
        CHECK(g[x].item() == 54);
        CHECK(g[w].item() == 28);
        CHECK(g.size() == 2);
    }

    TEST_CASE("a tape that is paused while another one uses its parameters goes on with its own sources") {
        const Parameter w = scalar(2.0);
        for (const bool keeps : {false, true}) {
            CAPTURE(keeps);
            Tape outer;
            const Tensor x = outer.watch(scalar(1.0)), first = w * 3.0 + x;
            Tensor kept;
            {
                std::optional<NoRecording> pause{std::in_place};
                Tape inner;
                CHECK(inner.gradient(w * w)[w].item() == 4);
                pause.reset();
                if (keeps) kept = x * 2.0;  // recorded behind what the inner tape leaves
            }
            const Tensor last = w * 5.0 + x * 2.0;
            const Gradients g = outer.gradient(keeps ? first + last + kept : first + last);
            CHECK(g.size() == 2);
            CHECK(g[w].item() == 8);
            CHECK(g[x].item() == (keeps ? 5 : 3));
        }
    }

    TEST_CASE("a parameter keeps its shape while an outer tape records it, whatever inner tapes did meanwhile") {
        Parameter w = tensor({1.0, 2.0});
        Tape outer;
        const Tensor y = sum(w * 2.0);
        {
            const NoRecording pause;  // the outer tape does not see this
            Tape inner;
            CHECK(inner.gradient(sum(square(w)))[w].data<double>()[1] == 4);
        }
        CHECK_THROWS_AS(w = tensor({1.0, 2.0, 3.0}), TapeError);
        w = tensor({3.0, 4.0});
        CHECK(outer.gradient(y)[w].data<double>()[0] == 2);
    }

    TEST_CASE("why_no_gradient follows a parameter through the tapes that captured it") {
        const Parameter w = scalar(2.0), unused = scalar(1.0);
        Tape outer;
        const Tensor before = w * 3.0;
        Tape inner;
        const Tensor inside = tanh(w);
        const std::string of_before = why_no_gradient(before, w), of_inside = why_no_gradient(inside, w);
        CHECK_MESSAGE(of_before.starts_with("The loss does depend on it, through multiply ()"), of_before);
        CHECK_MESSAGE(of_inside.find("tanh ()") != std::string::npos, of_inside);
        CHECK(why_no_gradient(inside, unused).starts_with("No recorded operation used this parameter"));
    }
}
