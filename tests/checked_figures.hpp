#pragma once

#include <set>

#include "figures.hpp"

namespace tests {

/// One family of figures, and which of its cases were checked.
struct Checked {
    explicit Checked(const std::string& family) : figures(family) {}
    template <class M>
    void operator()(const std::string& name, const M& layer, const xgrad::Tensor& input) {
        figures.check_layer(name, layer, input);
        names.insert(name);
    }
    template <class M, class F>
    void operator()(const std::string& name, const M& layer, const std::vector<xgrad::Tensor>& inputs, const F& call) {
        figures.check_layer(name, layer, inputs, call);
        names.insert(name);
    }
    /// CHECKs that no case was left out.
    void all() const {
        for (const std::string& name : figures.cases())
            CHECK_MESSAGE(names.count(name), name << " has figures and no test");
    }
    Figures figures;
    std::set<std::string> names;
};

}  // namespace tests
