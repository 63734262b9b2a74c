#pragma once

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace tests {

/// The numbers of figures.py's `wave`: scale * sin(1 + i + 10 seed) + shift.
xgrad::Tensor wave(const xgrad::Shape& shape, double seed = 0, double scale = 1, double shift = 0,
                   xgrad::DType dtype = xgrad::DType::f64);

/// The parameters of a model as figures.py's `fill` sets them.
void fill(xgrad::nn::ModelRef model, double scale = 0.5);

/// Reference values computed by PyTorch: a file in tests/figures. One object per file; a test case CHECKs quantity by
/// quantity.
class Figures {
public:
    /// "losses" reads tests/figures/losses.txt.
    explicit Figures(const std::string& family);

    /// A stored quantity; FAILs if there is none.
    const xgrad::Tensor& at(const std::string& name, const std::string& quantity) const;
    /// CHECKs y against it: 1e-10 of the largest element (at least of 1) in f64, 1e-5 in f32.
    void check(const std::string& name, const std::string& quantity, const xgrad::Tensor& y, double slack = 1) const;

    /// CHECKs output, all gradients and buffers of call(model, inputs), in f64 and in f32, against figures.py's `layer`
    /// of that name. call returns a Tensor or a vector of them; without one, model(inputs[0]).
    template <class M, class F>
    void check_layer(const std::string& name, const M& model, const std::vector<xgrad::Tensor>& inputs, const F& call,
                     bool filled = false) const {
        for (const xgrad::DType dtype : {xgrad::DType::f64, xgrad::DType::f32}) {
            M copy = model;
            xgrad::nn::to(copy, xgrad::DType::f64);
            if (!filled) fill(copy);
            xgrad::nn::to(copy, dtype);
            check_run(name, copy, inputs, dtype, [&](const std::vector<xgrad::Tensor>& x) {
                if constexpr (std::is_convertible_v<decltype(call(copy, x)), xgrad::Tensor>)
                    return std::vector<xgrad::Tensor>{call(copy, x)};
                else return call(copy, x);
            });
        }
    }
    template <class M>
    void check_layer(const std::string& name, const M& model, const xgrad::Tensor& input) const {
        check_layer(name, model, {input}, [](auto& layer, const auto& x) { return layer(x[0]); });
    }

    /// The names of all cases, so that a test can verify that it covers all of them.
    std::vector<std::string> cases() const;

private:
    using Run = std::vector<xgrad::Tensor> (*)(void*, const std::vector<xgrad::Tensor>&);
    void check_run(const std::string& name, xgrad::nn::ModelRef model, const std::vector<xgrad::Tensor>& inputs,
                   xgrad::DType dtype, const void* call, Run run) const;
    template <class F>
    void check_run(const std::string& name, xgrad::nn::ModelRef model, const std::vector<xgrad::Tensor>& inputs,
                   xgrad::DType dtype, const F& call) const {
        check_run(name, model, inputs, dtype, &call,
                  [](void* f, const std::vector<xgrad::Tensor>& x) { return (*static_cast<const F*>(f))(x); });
    }

    std::string family_;
    std::map<std::string, std::map<std::string, xgrad::Tensor>> cases_;
};

}  // namespace tests
