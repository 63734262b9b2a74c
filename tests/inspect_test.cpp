#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::error_of;
using tests::here;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

int occurrences(const std::string& text, const std::string& part) {
    int n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_SUITE("inspect") {
    TEST_CASE("summary lists entries with shapes, inputs and lines, and sums them up") {
        Tape tape;
        const Tensor w = tape.watch(ones({2, 3}, DType::f64));
        const int line = __LINE__ + 1;
        const Tensor y = sum(tanh(w) * w);
        const std::string text = summary(tape);
        CAPTURE(text);
        CHECK(contains(text, "watch"));
        CHECK(contains(text, "tanh"));
        CHECK(contains(text, "(2, 3) f64"));
        CHECK(contains(text, "48 B"));
        CHECK(contains(text, "inspect_test.cpp:" + std::to_string(line)));
        CHECK(contains(text, "4 entries"));
        tape.gradient(y, w);
        CHECK(summary(tape) == text);  // releasing what was saved changes nothing
    }
    TEST_CASE("a long summary is abbreviated in the middle") {
        Tape tape;
        Tensor y = tape.watch(scalar(1.0));
        for (int i = 0; i < 100; ++i) y = sin(y);
        const std::string text = summary(tape, 10);
        CHECK(contains(text, "91 more"));
        CHECK(contains(text, "101 entries"));
        CHECK(occurrences(text, "\n") == 1 + 11 + 1 + 2);
    }
    TEST_CASE("to_dot draws entries, edges and boxes for named parameters") {
        Parameter weight(ones({3, 2})), bias(zeros({3}));
        Tape tape;
        const Tensor y = sum(relu(linear(ones({4, 2}), weight, bias)));
        const std::string dot = to_dot(tape, {.names = {{weight, "net.fc1.weight"}, {bias, "net.fc1.bias"}}});
        CAPTURE(dot);
        CHECK(dot.rfind("digraph tape {", 0) == 0);
        CHECK(contains(dot, "subgraph \"cluster_net\""));
        CHECK(contains(dot, "subgraph \"cluster_net.fc1\""));
        CHECK(contains(dot, "net.fc1.weight\\n(3, 2) f32\\n24 B"));
        CHECK(contains(dot, "relu\\n(4, 3) f32"));
        CHECK(occurrences(dot, " -> ") == 4);
        CHECK(occurrences(dot, "{") == occurrences(dot, "}"));
    }
    TEST_CASE("to_dot draws the end of a long tape") {
        Tape tape;
        Tensor y = tape.watch(scalar(1.0));
        for (int i = 0; i < 100; ++i) y = sin(y);
        const std::string dot = to_dot(tape, {.max_entries = 10});
        CHECK(occurrences(dot, "sin") == 10);
        CHECK(occurrences(dot, " -> ") == 9);
        CHECK(contains(dot, "the last 10 of 101 entries"));
    }
    TEST_CASE("profile counts operations and their time, and writes a trace") {
        Tape tape({.profile = true});
        const Tensor x = tape.watch(ones({100, 100}));
        Tensor y = x;
        for (int i = 0; i < 5; ++i) y = matmul(y, x) * 0.01;
        tape.gradient(sum(y), x);
        const Profile p = profile(tape);
        REQUIRE(p.rows.size() == 3);
        double share = 0;
        for (const auto& row : p.rows) {
            share += row.share;
            CHECK(row.forward_us > 0);
            CHECK(row.backward_us > 0);
            CHECK(row.count == (row.operation == "sum" ? 1 : 5));
            CHECK(row.bytes == (row.operation == "sum" ? 4 : 5 * 40000));
        }
        CHECK(share == doctest::Approx(1.0));
        CHECK(p.rows[0].share >= p.rows[1].share);
        const auto trace = nlohmann::json::parse(p.chrome_trace);
        int forward = 0, backward = 0;
        for (const auto& event : trace["traceEvents"]) {
            if (event["ph"] != "X") continue;
            (event["cat"] == "forward" ? forward : backward) += 1;
            CHECK(event["dur"].get<double>() >= 0);
        }
        CHECK(forward == 11);
        CHECK(backward == 11);
        std::ostringstream out;
        out << p;
        CHECK(contains(out.str(), "matmul"));
        CHECK(contains(out.str(), "total"));
    }
    TEST_CASE("a chain that is pulled back in blocks shares its time") {
        Tape tape({.profile = true});
        const Tensor x = tape.watch(ones({50000}));
        tape.gradient(sum(tanh(exp(x) * x)), x);
        for (const auto& row : profile(tape).rows) CHECK_MESSAGE(row.backward_us > 0, row.operation);
    }
    TEST_CASE("profile wants a tape that was opened for it") {
        Tape tape;
        CHECK(error_of<TapeError>([&] { profile(tape); }) ==
              "profile: the tape must be opened for it, Tape tape({.profile = true}), got one that was not");
    }
    TEST_CASE("check_finite stops at the first operation forward, with its place and line") {
        Tape tape({.check_finite = true});
        const Tensor x = tape.watch(tensor({{1.0, 4.0}, {0.0, 2.0}}));
        const Tensor y = sqrt(x);
        // clang-format off
        CHECK(error_of<ValueError>([&] { exp(log(y)); }) == "log: the result must be finite (check_finite), got -inf at (1, 0) of shape (2, 2) from recorded inputs (2, 2)" + here());
        CHECK(error_of<ValueError>([&] { y / (y - y); }) == "divide: the result must be finite (check_finite), got inf at (0, 0) of shape (2, 2) from recorded inputs (2, 2) and (2, 2)" + here());
        // clang-format on
    }
    TEST_CASE("check_finite stops at the first operation backward") {
        Tape tape({.check_finite = true});
        const Tensor x = tape.watch(tensor({1.0, 0.0}));
        const int line = __LINE__ + 1;
        const Tensor y = sum(3.0 * sqrt(x));
        CHECK(error_of<ValueError>([&] { tape.gradient(y, x); }) ==
              "sqrt: the gradient for input 0 must be finite (check_finite), got inf at (1,) of shape (2,) from a "
              "result of shape (2,)" +
                  here(line));
        Tape next;  // the thread can go on
        const Tensor z = next.watch(scalar(2.0));
        CHECK(next.gradient(z * z, z).item() == 4.0);
    }
    TEST_CASE("check_finite is for the tape that asked for it") {
        Tape outer({.check_finite = true});
        {
            Tape inner;
            const Tensor x = inner.watch(scalar(0.0));
            CHECK(log(x).item() < -1e300);
        }
        const Tensor x = outer.watch(scalar(0.0));
        CHECK_THROWS_AS(log(x), ValueError);
    }
    TEST_CASE("check_finite lets large element-wise chains name the operation") {
        Tape tape({.check_finite = true});
        const Tensor x = tape.watch(zeros({40000}));
        const Tensor y = sum(sqrt(x) * 2.0 + x);
        CHECK(error_of<ValueError>([&] { tape.gradient(y, x); }).rfind("sqrt: the gradient", 0) == 0);
    }
    TEST_CASE("the memory report has figures") {
        const Tensor x = zeros({1000});
        const std::string text = memory_report();
        CHECK(contains(text, "in use by this thread: "));
        CHECK(contains(text, "kept for reuse"));
    }
    TEST_CASE("inspecting a tape from another thread is an error") {
        Tape tape;
        std::string error;
        std::thread([&] { error = error_of<TapeError>([&] { summary(tape); }); }).join();
        CHECK(error == "summary: a tape must be used by the thread that opened it, got a call from another thread");
    }
}

TEST_SUITE("why_no_gradient") {
    TEST_CASE("the source was never watched") {
        Tape tape;
        const Tensor plain = ones({2}), w = tape.watch(plain);
        CHECK(contains(why_no_gradient(sum(w), plain), "The source is a constant for every tape. Watch it"));
    }
    TEST_CASE("the source is frozen") {
        Parameter p(ones({2}));
        p.freeze();
        Tape tape;
        const Tensor w = tape.watch(ones({2}));
        CHECK(contains(why_no_gradient(sum(w * p), p), "frozen"));
    }
    TEST_CASE("the loss is a constant") {
        Tape tape;
        const Tensor w = tape.watch(ones({2}));
        CHECK(contains(why_no_gradient(scalar(sum(w).item()), w), "The loss is a constant"));
        CHECK(contains(why_no_gradient(sum(w > 0.0), w), "only f32 and f64 have gradients"));
        CHECK(contains(why_no_gradient(Tensor(), w), "empty tensor"));
    }
    TEST_CASE("no tape is open") {
        const Parameter p(ones({2}));
        CHECK(contains(why_no_gradient(sum(p), p), "No tape is open"));
    }
    TEST_CASE("the loss belongs to a tape that is gone") {
        Tensor loss;
        const Parameter p(ones({2}));
        {
            Tape tape;
            loss = sum(p);
        }
        Tape tape;
        CHECK(contains(why_no_gradient(loss, p), "a tape that is gone"));
    }
    TEST_CASE("the parameter was not used, or not watched") {
        const Parameter p(ones({2})), other(ones({2}));
        {
            Tape tape;
            const Tensor w = tape.watch(ones({2}));
            CHECK(contains(why_no_gradient(sum(w * p), other), "No recorded operation used this parameter"));
        }
        Tape tape({.watch_parameters = false});
        const Tensor w = tape.watch(ones({2}));
        CHECK(contains(why_no_gradient(sum(w * p), p), "do not watch parameters"));
    }
    TEST_CASE("what depends on the source never reaches the loss") {
        Tape tape;
        const Tensor w = tape.watch(ones({2})), v = tape.watch(ones({2}));
        const Tensor lost = stop_gradient(exp(w));
        const std::string text = why_no_gradient(sum(v * lost), w);
        CAPTURE(text);
        CHECK(contains(text, "It was used by exp (2,) [inspect_test.cpp:"));
        CHECK(contains(text, "nothing of it reaches the loss"));
    }
    TEST_CASE("nothing used the source, or it came after the loss") {
        Tape tape;
        const Tensor w = tape.watch(ones({2})), v = tape.watch(ones({2}));
        const Tensor loss = sum(v);
        CHECK(contains(why_no_gradient(loss, w), "Nothing that was recorded before the loss used it"));
        CHECK(contains(why_no_gradient(loss, tape.watch(ones({2}))), "recorded after the loss"));
    }
    TEST_CASE("there is a gradient") {
        Tape tape;
        const Tensor w = tape.watch(ones({2}));
        CHECK(contains(why_no_gradient(sum(w * 2.0), w), "The loss does depend on it, through multiply (2,)"));
    }
}
