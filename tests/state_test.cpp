#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

struct Net {
    nn::Linear fc1{4, 8}, fc2{8, 3};
    Tensor scale = ones({3});
    nn::Dropout dropout{0.5};
    Tensor operator()(const Tensor& x) const { return dropout(fc2(relu(fc1(x)))) * scale; }
    XGRAD_FIELDS(fc1, fc2, scale, dropout)
};

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("matches: stars and question marks") {
    for (const auto& [pattern, text] : std::vector<std::pair<const char*, const char*>>{{"", ""},
                                                                                        {"*", ""},
                                                                                        {"*", "fc1.weight"},
                                                                                        {"*.bias", "layers.0.bias"},
                                                                                        {"layers.?.bias", "layers.0.bias"},
                                                                                        {"l*.0.*s", "layers.0.bias"},
                                                                                        {"*a*a*", "banana"},
                                                                                        {"**", "x"}})
        CHECK_MESSAGE(nn::matches(pattern, text), pattern << " " << text);
    for (const auto& [pattern, text] : std::vector<std::pair<const char*, const char*>>{
             {"", "x"}, {"?", ""}, {"*.bias", "bias"}, {"layers.?.bias", "layers.10.bias"}, {"fc1", "fc1.weight"}, {"*x*", "banana"}})
        CHECK_FALSE_MESSAGE(nn::matches(pattern, text), pattern << " " << text);
}

TEST_CASE("state_dict: parameters and buffers by name, and back into another model") {
    Net a, b;
    a.scale = tensor({1.0f, 2.0f, 3.0f});
    const nn::State state = nn::state_dict(std::as_const(a));
    REQUIRE(state.size() == 5);
    CHECK(state[0].first == "fc1.weight");
    CHECK(state[4].first == "scale");
    CHECK(nn::find(state, "fc2.bias")->shape() == Shape{3});
    CHECK(nn::find(state, "fc3.bias") == nullptr);
    CHECK(nn::load_state_dict(b, state).ok());
    nn::eval(a);
    nn::eval(b);
    const Tensor x = ones({2, 4});
    CHECK(close(a(x), b(x), 0));
    nn::to(b, DType::f64);
    nn::load_state_dict(b, state);
    CHECK(b.fc1.weight.dtype() == DType::f64);
}

TEST_CASE("load_state_dict: tells everything that does not fit, and changes nothing then") {
    Net net;
    const Tensor before = net.fc1.weight.value();
    nn::State state = nn::state_dict(net);
    state[0].second = zeros({8, 4});
    state[1].first = "fc1.offset";
    state[2].second = zeros({3, 9});
    const std::string everything =
        "missing in the state:\n    fc1.bias\nnot in the model:\n    fc1.offset\nof another shape:\n    fc2.weight: (3, 8) in the model, "
        "(3, 9) in "
        "the state";
    const auto message = error_of<ValueError>([&] { nn::load_state_dict(net, state); });
    CHECK(message == "load_state_dict: model and state do not fit\n" + everything + here(__LINE__ - 1));
    CHECK(close(net.fc1.weight, before, 0));
    const nn::LoadReport report = nn::load_state_dict(net, state, {.strict = false});
    CHECK(report.message() == everything);
    CHECK(close(net.fc1.weight, zeros({8, 4}), 0));
    state = nn::state_dict(net);
    state[0].second = zeros({8, 4}, DType::i64);
    CHECK(error_of<DTypeError>([&] { nn::load_state_dict(net, state); }) ==
          "load_state_dict: fc1.weight is f32 in the model and i64 in the state" + here(__LINE__ - 1));
}

TEST_CASE("freeze: what matches gets no gradient until it is unfrozen") {
    Net net;
    nn::eval(net);
    CHECK(nn::freeze(net, "fc1.*") == 2);
    {
        Tape tape;
        const Gradients g = tape.gradient(sum(net(ones({2, 4}))));
        CHECK(g.find(net.fc1.weight) == nullptr);
        CHECK(g.find(net.fc2.weight) != nullptr);
    }
    CHECK(nn::freeze(net, "*.weight", false) == 2);
    Tape tape;
    CHECK(tape.gradient(sum(net(ones({2, 4})))).find(net.fc1.weight) != nullptr);
    CHECK(error_of<ValueError>([&] { nn::freeze(net, "fc9*"); }) == "freeze: no parameter's name matches \"fc9*\"" + here());
}

TEST_CASE("a copy of a random stream continues it by itself") {
    nn::RandomStream stream(7);
    stream.next();
    nn::RandomStream copy = stream;
    CHECK(copy.next() == stream.next());
    CHECK(copy.calls() == 2);
    copy = nn::RandomStream(8);
    CHECK(copy.seed() == 8);
    CHECK(copy.calls() == 0);
}

TEST_SUITE_END();
