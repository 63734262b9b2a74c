// Models that move between PyTorch and xgrad: tests/interop/interop.py is the other side. Without PyTorch the files in
// tests/data, which it wrote, are read.

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <cstdlib>

#include "folder.hpp"
#include "places.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;

namespace {

std::string folder_in(const char* variable, const std::string& otherwise) {
    const char* value = std::getenv(variable);
    return value ? value : otherwise;
}

struct Cnn {
    nn::Conv2d conv1{2, 4, 3, {.padding = 1}}, conv2{4, 6, 3, {.stride = 2, .bias = false}};
    nn::BatchNorm2d bn1{4}, bn2{6};
    nn::Linear fc{6 * 3 * 3, 5};
    Tensor operator()(const Tensor& x) const {
        const Tensor y = relu(bn2(conv2(relu(bn1(conv1(x))))));
        return fc(flatten(y, 1));
    }
    XGRAD_FIELDS(conv1, bn1, conv2, bn2, fc)
};

/// Calls visit(name, model, run, shape of the input) for each model; the test's models by the names of the script's.
template <class F>
void for_each_model(const F& visit) {
    const auto call = [](const auto& model, const Tensor& x) { return std::vector<Tensor>{model(x)}; };
    visit("mlp", nn::Sequential(nn::Linear(4, 8), nn::Tanh(), nn::Linear(8, 3)), call, Shape{5, 4});
    const auto call_lstm = [](const nn::LSTM& lstm, const Tensor& x) {
        const auto [output, h, c] = lstm(x);
        return std::vector<Tensor>{output, h, c};
    };
    visit("lstm", nn::LSTM(3, 4, {.num_layers = 2, .bidirectional = true}), call_lstm, Shape{5, 2, 3});
    const nn::TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .batch_first = true});
    visit("encoder", nn::TransformerEncoder(layer, 2, nn::LayerNorm(8)), call, Shape{2, 6, 8});
    visit("cnn", Cnn(), call, Shape{2, 2, 8, 8});
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("interop: what PyTorch saved loads, and gives the same outputs") {
    const std::string folder = folder_in("XGRAD_INTEROP_READ", source_dir() + "/tests/data");
    for_each_model([&](const std::string& name, auto model, const auto& run, const Shape& shape) {
        nn::eval(model);
        for (const DType dtype : {DType::f32, DType::f64}) {
            const std::string file = folder + "/" + name + "_" + name_of(dtype);
            CAPTURE(file);
            nn::to(model, dtype);
            CHECK(nn::load_safetensors(file + ".safetensors", model).ok());
            const nn::State example = nn::read_safetensors(file + ".example.safetensors");
            const Tensor* x = nn::find(example, "input");
            REQUIRE(x != nullptr);
            CHECK(x->shape() == shape);
            const std::vector<Tensor> outputs = run(model, *x);
            CHECK(outputs.size() + 1 == example.size());
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                const Tensor* theirs = nn::find(example, "output" + std::to_string(i));
                REQUIRE(theirs != nullptr);
                CHECK(outputs[i].dtype() == dtype);
                CHECK(close(outputs[i], *theirs, dtype == DType::f32 ? 1e-6 : 1e-12));
            }
        }
    });
}

TEST_CASE("interop: arrays of all kinds that NumPy saved") {
    const nn::State state = nn::read_npz(folder_in("XGRAD_INTEROP_READ", source_dir() + "/tests/data") + "/arrays.npz");
    CHECK(state.size() == 20);
    const Tensor grid = reshape(arange(-5, 7, 1, DType::f64), {3, 4});
    const auto same = [&](const std::string& name, DType dtype, const Tensor& expected) {
        CAPTURE(name);
        const Tensor* t = nn::find(state, name);
        REQUIRE(t != nullptr);
        CHECK(t->dtype() == dtype);
        CHECK(close(*t, expected, 0));
    };
    for (const char* order : {"<", ">"})
        for (const auto& kind : {std::pair{"f2", DType::f32},
                                 {"f4", DType::f32},
                                 {"f8", DType::f64},
                                 {"i2", DType::i32},
                                 {"i4", DType::i32},
                                 {"i8", DType::i64}})
            same(std::string(order) + kind.first, kind.second, grid);
    same("fortran", DType::f32, grid);
    same("fortran 3", DType::i64, reshape(grid, {3, 2, 2}));
    same("i1", DType::i32, grid);
    same("u1", DType::i32, grid + 5);
    same("bool", DType::boolean, grid > 0);
    same("scalar", DType::f64, scalar(0.1));
    same("none", DType::f64, zeros({0, 3}));
    same("vector", DType::i64, tensor({-5, -4, -3, -2}));
}

TEST_CASE("interop: what is saved here for PyTorch is complete") {
    const tests::Folder temporary;
    const std::string folder = folder_in("XGRAD_INTEROP_WRITE", temporary.path);
    Generator generator(5);
    for_each_model([&](const std::string& name, auto model, const auto& run, const Shape& shape) {
        for (const DType dtype : {DType::f32, DType::f64}) {
            const std::string file = folder + "/" + name + "_" + name_of(dtype);
            nn::to(model, dtype);
            nn::train(model);
            run(model, randn(shape, generator, dtype) * 2 + 0.5);  // moves running statistics
            nn::eval(model);
            const Tensor x = randn(shape, generator, dtype);
            nn::State example = {{"input", x}};
            for (const Tensor& y : run(model, x))
                example.emplace_back("output" + std::to_string(example.size() - 1), y);
            nn::save_safetensors(file + ".safetensors", model, {{"written by", "xgrad"}});
            nn::save_safetensors(file + ".example.safetensors", example);
            nn::save_npz(file + ".npz", model, {.compressed = dtype == DType::f64});

            auto back = model;
            for (Parameter& p : nn::parameters(back)) nn::init::zeros(p);
            nn::load_safetensors(file + ".safetensors", back);
            CHECK(close(run(back, x)[0], run(model, x)[0], 0));
        }
    });
}

TEST_SUITE_END();
