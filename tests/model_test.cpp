#include <doctest/doctest.h>
#include <map>
#include <nn/nn.hpp>

#include "folder.hpp"
#include "support.hpp"

// What a model is: its fields, their names, and what happens when a step has nothing to do with them.

using namespace xgrad;
using tests::error_of;
using tests::here;
using tests::values;

TEST_SUITE_BEGIN("nn");

namespace {

struct Net {
    nn::Linear fc1{4, 8}, fc2{8, 3};
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

const Tensor input = ones({2, 4});

const std::string other_copy =
    "The model that computed the loss has another copy of the parameters (it was taken or captured by value, or put "
    "into a Sequential, "
    "which copies), or is another model";

/// Steps of every optimizer with these gradients; the first must be an error with this text, the others like it.
template <class Gradient>
void check_refused(Net& net, const Gradient& gradients, const std::string& reason) {
    nn::Adadelta adadelta;
    nn::Adagrad adagrad;
    nn::Adam adam;
    nn::AdamW adamw;
    nn::Adamax adamax;
    nn::LBFGS lbfgs;
    nn::Lion lion;
    nn::Muon muon;
    nn::NAdam nadam;
    nn::RAdam radam;
    nn::RMSprop rmsprop;
    nn::Rprop rprop;
    nn::SGD sgd;
    const auto before = nn::state_dict(net);
    for (nn::Optimizer* optimizer : std::initializer_list<nn::Optimizer*>{
             &adadelta, &adagrad, &adam, &adamw, &adamax, &lbfgs, &lion, &muon, &nadam, &radam, &rmsprop, &rprop, &sgd})
        CHECK(error_of<ValueError>([&] { optimizer->step(net, gradients); }) ==
              optimizer->name() + (": " + reason) + here());
    const auto after = nn::state_dict(net);
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(values(before[i].second) == values(after[i].second));
}

}  // namespace

TEST_CASE("model: a step that has nothing to do is an error that says why, for every optimizer") {
    Net net, other;
    const auto by_value = [copy = net](const Tensor& x) { return copy(x); };
    {
        Tape tape;
        check_refused(net, tape.gradient(sum(by_value(input))),
                      "no parameter of the model has a gradient: the gradients are those of 4 others. " + other_copy);
    }
    {
        Tape tape;
        const nn::Sequential s(net, [](const Tensor& x) { return relu(x); });
        check_refused(net, tape.gradient(sum(s(input))),
                      "no parameter of the model has a gradient: the gradients are those of 4 others. " + other_copy);
    }
    {
        Tape tape;
        const Tensor x = tape.watch(input);
        check_refused(net, tape.gradient(sum(x)),
                      "no parameter of the model has a gradient: the gradients are those of 1 others. " + other_copy);
    }
    check_refused(net, std::vector<Tensor>(4),
                  "no parameter of the model has a gradient: all of them are empty. " + other_copy);
    check_refused(net, Gradients(),
                  "no parameter of the model has a gradient: the loss depends on nothing that the tape watched. It "
                  "must be computed from the "
                  "model's parameters while the tape is open");
    nn::freeze(net, "*");
    check_refused(net, std::vector<Tensor>(4), "all 4 parameters of the model are frozen");
    check_refused(net, Gradients(), "all 4 parameters of the model are frozen");

    nn::Sequential empty(nn::ReLU{});
    CHECK(error_of<ValueError>([&] { nn::SGD().step(empty, std::vector<Tensor>()); }) ==
          "SGD: the model has no parameters" + here());
    nn::LBFGS lbfgs;
    CHECK(error_of<ValueError>([&] { lbfgs.step(other, [&] { return sum(by_value(input)); }); }) ==
          "LBFGS: no parameter of the model has a gradient: the gradients are those of 4 others. " + other_copy +
              here());
    // One parameter is enough.
    nn::freeze(net, "fc2.bias", false);
    Tape tape;
    nn::SGD({.lr = 1}).step(net, tape.gradient(sum(net(input))));
}

namespace {

struct Base {
    nn::Linear fc1{2, 3};
    XGRAD_FIELDS(fc1)
};
struct Derived : Base {
    nn::Linear head{3, 1};
    XGRAD_FIELDS(fc1, head)
};
/// It has a constructor, so that its fields cannot be counted.
struct Made {
    explicit Made(int n) : fc1(4, n), forgotten(n, 2) {}
    nn::Linear fc1, forgotten;
    Tensor operator()(const Tensor& x) const { return forgotten(fc1(x)); }
    XGRAD_FIELDS(fc1)
};

}  // namespace

// Where fields can be counted, see compile/refused/models.cpp.
TEST_CASE("model: a derived model has the base's fields, and parameters that are no fields are marked in the summary") {
    Derived derived;
    std::vector<std::string> names;
    for (auto& [name, p] : nn::named_parameters(derived)) names.push_back(name);
    CHECK(names == std::vector<std::string>{"fc1.weight", "fc1.bias", "head.weight", "head.bias"});

    const nn::Summary summary = nn::summary(Made(5), input);
    REQUIRE(summary.rows.size() == 2);
    CHECK(summary.rows[1].layer == nn::Summary::unnamed);
    CHECK(summary.rows[1].output == Shape{2, 2});
    CHECK(summary.trainable == 25);
    CHECK(nn::to_string(summary).find("(not in XGRAD_FIELDS)  linear") != std::string::npos);
    CHECK(nn::to_string(nn::summary(Net(), input)).find("XGRAD_FIELDS") == std::string::npos);
}

namespace {

/// A language model whose last layer is its first one's table.
struct Tied {
    nn::Embedding embed{7, 4};
    Tensor operator()(const Tensor& words) const { return linear(tanh(embed(words)), embed.weight); }
    XGRAD_FIELDS(embed, nn::alias("head.weight", embed.weight))
};

}  // namespace

TEST_CASE("model: one parameter in two places is trained once, saved under both names, and a copy has its own") {
    nn::manual_seed(3);
    Tied net;
    const Tensor words = tensor({1, 2, 3}).to(DType::i64);
    CHECK(nn::parameters(net).size() == 1);
    const auto f = [&](const Tensor& w) { return sum(linear(tanh(embedding(words, w)), w)); };
    const Tensor before = net.embed.weight.value();
    {
        Tape tape;
        const Gradients gradients = tape.gradient(sum(net(words)));
        nn::SGD({.lr = 1}).step(net, gradients);
    }
    CHECK(tests::close(before - net.embed.weight.value(), grad(f, before), 1e-6));  // of both places together

    Tied copy = net;
    {
        Tape tape;
        nn::SGD({.lr = 1}).step(copy, tape.gradient(sum(copy(words))));
    }
    CHECK(tests::close(net.embed.weight.value() - copy.embed.weight.value(), grad(f, net.embed.weight.value()), 1e-6));

    const nn::State state = nn::state_dict(net);
    REQUIRE(state.size() == 2);
    CHECK(state[0].first == "embed.weight");
    CHECK(state[1].first == "head.weight");
    tests::Folder folder;
    const std::string path = (folder.path / "tied.safetensors").string();
    nn::save_safetensors(path, net);
    CHECK(nn::read_safetensors(path).size() == 2);
    nn::load_safetensors(path, copy);
    CHECK(values(copy.embed.weight) == values(net.embed.weight));
    for (const std::size_t only : {0, 1}) {  // one of the names is enough
        Tied fresh;
        nn::load_state_dict(fresh, {state[only]});
        CHECK(values(fresh.embed.weight) == values(net.embed.weight));
    }
}

TEST_CASE("model: the beginning of a list of parameters cannot be taken of a temporary one") {
    const auto can = []<class T>(T&& list) {
        return requires { std::forward<T>(list).begin(); } || requires { std::forward<T>(list).end(); };
    };
    Net net;
    auto list = nn::parameters(net);
    CHECK(can(list));
    CHECK_FALSE(can(std::move(list)));
    CHECK_FALSE(can(std::move(std::as_const(list))));
    std::size_t count = 0;
    for (Parameter& p : nn::parameters(net)) count += p.defined();
    CHECK(count == 4);
    CHECK(std::vector<Tensor>(nn::parameters(net)).size() == 4);
}

namespace {

struct Heads {
    nn::ModuleDict<nn::Linear> heads{{"name", nn::Linear(4, 2)}, {"age", nn::Linear(4, 1)}};
    std::map<std::string, nn::Linear> sorted{{"b", nn::Linear(1, 1)}, {"a", nn::Linear(1, 1)}};
    XGRAD_FIELDS(heads, sorted)
};

}  // namespace

TEST_CASE("model: layers by name, as torch.nn.ModuleDict") {
    Heads net;
    std::vector<std::string> names;
    for (auto& [name, p] : nn::named_parameters(net)) names.push_back(name);
    CHECK(names == std::vector<std::string>{"heads.name.weight", "heads.name.bias", "heads.age.weight",
                                            "heads.age.bias", "sorted.a.weight", "sorted.a.bias", "sorted.b.weight",
                                            "sorted.b.bias"});
    CHECK(net.heads["age"](input).shape() == Shape{2, 1});
    CHECK(net.heads.keys() == std::vector<std::string>{"name", "age"});
    net.heads.insert("name", nn::Linear(4, 7));
    CHECK(net.heads.size() == 2);
    CHECK(net.heads.at("name")(input).shape() == Shape{2, 7});
    CHECK(net.heads.contains("age"));
    CHECK_FALSE(net.heads.contains("sex"));
    CHECK(error_of<IndexError>([&] { net.heads.at("sex"); }) == "ModuleDict: the keys are name, age, got sex" + here());
    CHECK(error_of<ValueError>([&] { net.heads.insert("a.b", nn::Linear(1, 1)); }) ==
          "ModuleDict: a key must be without dots and not empty, got \"a.b\"" + here());
    CHECK(error_of<ValueError>([&] { net.heads.insert("", nn::Linear(1, 1)); }) ==
          "ModuleDict: a key must be without dots and not empty, got \"\"" + here());
    Heads copy = net;
    nn::SGD sgd({.lr = 1});
    Tape tape;
    sgd.step(copy, tape.gradient(sum(copy.heads["age"](input))));
    CHECK(values(copy.heads["age"].bias)[0] == doctest::Approx(values(net.heads["age"].bias)[0] - 2));
    nn::load_state_dict(copy, nn::state_dict(net));
    CHECK(values(copy.heads["age"].bias) == values(net.heads["age"].bias));
}

TEST_CASE("model: random streams of layers are saved and continued in a loop of one's own") {
    struct Noisy {
        nn::Dropout a{0.5}, b{0.5};
        Tensor operator()(const Tensor& x) const { return b(a(x)); }
        XGRAD_FIELDS(a, b)
    };
    const Tensor x = ones({40});
    Noisy net, other;
    net(x);
    const nn::State state = nn::random_state(net);
    REQUIRE(state.size() == 2);
    CHECK(state[1].first.starts_with("b"));
    tests::Folder folder;
    const std::string path = (folder.path / "random.safetensors").string();
    nn::save_safetensors(path, state);
    const auto expected = values(net(x));
    CHECK(values(other(x)) != expected);
    nn::load_random_state(other, nn::read_safetensors(path));
    CHECK(values(other(x)) == expected);
    const auto unchanged = values(nn::random_state(other)[0].second);
    const std::string first = state[0].first;
    CHECK(error_of<ValueError>([&] { nn::load_random_state(other, {state[1]}); }) ==
          "load_random_state: the state must have two i64 numbers for each random stream, got nothing for " + first +
              here());
    CHECK(error_of<ValueError>([&] { nn::load_random_state(other, {state[0], state[1], {"c", state[0].second}}); }) ==
          "load_random_state: the model has no random stream c" + here());
    CHECK(values(nn::random_state(other)[0].second) == unchanged);
}

TEST_CASE("model: an error inside a Sequential says the layer, and one of an activation the caller's line") {
    const nn::Sequential net(nn::Linear(4, 3), nn::ReLU(), nn::Sequential(nn::Linear(3, 3), nn::Linear(2, 1)));
    CHECK(error_of<ShapeError>([&] { net(input); }) ==
          "Sequential: layer 2.1: linear: weight must be (out, 3) for an input of shape (2, 3), got (1, 2)" + here());
    const Tensor integers = tensor({1, 2}).to(DType::i64);
    const auto line_of = [&](const auto& layer) {
        const std::string line = here(__LINE__ + 2);
        try {
            layer(integers);
            return false;
        } catch (const Error& e) {
            return std::string(e.what()).ends_with(line);
        }
    };
    CHECK(line_of(nn::ReLU()));
    CHECK(line_of(nn::GELU()));
    CHECK(line_of(nn::Sigmoid()));
    CHECK(line_of(nn::Tanh()));
    CHECK(line_of(nn::Softmax()));
    CHECK(line_of(nn::Flatten{5}));
    CHECK(line_of(nn::GLU()));
}

TEST_SUITE_END();
