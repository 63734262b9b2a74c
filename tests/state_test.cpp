#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <memory>

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
    for (const auto& pair : std::vector<std::pair<const char*, const char*>>{{"", ""},
                                                                             {"*", ""},
                                                                             {"*", "fc1.weight"},
                                                                             {"*.bias", "layers.0.bias"},
                                                                             {"layers.?.bias", "layers.0.bias"},
                                                                             {"l*.0.*s", "layers.0.bias"},
                                                                             {"*a*a*", "banana"},
                                                                             {"**", "x"}})
        CHECK_MESSAGE(nn::matches(pair.first, pair.second), pair.first << " " << pair.second);
    for (const auto& pair : std::vector<std::pair<const char*, const char*>>{{"", "x"},
                                                                             {"?", ""},
                                                                             {"*.bias", "bias"},
                                                                             {"layers.?.bias", "layers.10.bias"},
                                                                             {"fc1", "fc1.weight"},
                                                                             {"*x*", "banana"}})
        CHECK_FALSE_MESSAGE(nn::matches(pair.first, pair.second), pair.first << " " << pair.second);
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
        "missing in the state:\n    fc1.bias\nnot in the model:\n    fc1.offset\nof another shape:\n    fc2.weight: "
        "(3, 8) in the model, "
        "(3, 9) in "
        "the state";
    const auto message = error_of<ValueError>([&] { nn::load_state_dict(net, state); });
    CHECK(message == "load_state_dict: model and state do not fit\n" + everything + tests::nearby());
    CHECK(close(net.fc1.weight, before, 0));
    const nn::LoadReport report = nn::load_state_dict(net, state, {.strict = false});
    CHECK(report.message() == everything);
    CHECK(close(net.fc1.weight, zeros({8, 4}), 0));
    state = nn::state_dict(net);
    state[0].second = zeros({8, 4}, DType::i64);
    CHECK(error_of<DTypeError>([&] { nn::load_state_dict(net, state); }) ==
          "load_state_dict: fc1.weight is f32 in the model and i64 in the state" + tests::nearby());
}

TEST_CASE("load_state_dict: a part of a state by its prefix, and under other names") {
    Net source, net;
    nn::State state;
    for (auto& [name, t] : nn::state_dict(source)) state.emplace_back("backbone." + name, t);
    state.emplace_back("head.weight", ones({7}));
    CHECK(nn::load_state_dict(net, state, {.prefix = "backbone."}).ok());
    CHECK(close(net.fc2.weight, source.fc2.weight, 0));
    CHECK(error_of<ValueError>([&] {
              nn::load_state_dict(net, state, {.prefix = "spine."});
          }).find("missing in the state:\n    fc1.weight") != std::string::npos);

    Net other;
    const nn::LoadReport report =
        nn::load_state_dict(other, state, {.strict = false, .rename = {{"backbone.fc", "fc"}, {"backbone.", "x."}}});
    CHECK(report.message() ==
          "missing in the state:\n    scale\nnot in the model:\n    backbone.scale\n    head.weight");
    CHECK(close(other.fc1.bias, source.fc1.bias, 0));
    CHECK(error_of<ValueError>(
              [&] { nn::load_state_dict(net, state, {.prefix = "backbone.", .rename = {{"fc1.", "fc2."}}}); }) ==
          "load_state_dict: two names mean fc2.weight: backbone.fc1.weight and backbone.fc2.weight" + tests::nearby());
}

TEST_CASE("load_state_dict: of a tensor with several names one is enough") {
    struct Tied {
        std::shared_ptr<nn::Linear> encoder = std::make_shared<nn::Linear>(3, 2), decoder = encoder;
        XGRAD_FIELDS(encoder, decoder)
    } tied;
    nn::State state = nn::state_dict(tied);
    REQUIRE(state.size() == 4);
    state.resize(2);
    state[0].second = ones({2, 3});
    CHECK(nn::load_state_dict(tied, state).ok());
    CHECK(close(tied.decoder->weight, ones({2, 3}), 0));
    state.resize(1);
    CHECK(nn::load_state_dict(tied, state, {.strict = false}).missing ==
          std::vector<std::string>{"encoder.bias", "decoder.bias"});
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
    CHECK(error_of<ValueError>([&] { nn::freeze(net, "fc9*"); }) ==
          "freeze: no parameter's name matches \"fc9*\"" + here());
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
