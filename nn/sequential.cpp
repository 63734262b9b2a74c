#include "sequential.hpp"

namespace xgrad::nn {

Sequential::Layer::~Layer() = default;

Sequential::Sequential(const Sequential& other) {
    layers_.reserve(other.layers_.size());
    for (const auto& layer : other.layers_) layers_.push_back(layer->copy());
}

Sequential& Sequential::operator=(const Sequential& other) {
    Sequential copy(other);
    layers_.swap(copy.layers_);
    return *this;
}

Tensor Sequential::operator()(const Tensor& x, Location where) const {
    if (layers_.empty()) return x;
    Tensor y = layers_[0]->call(x, where);
    for (std::size_t i = 1; i < layers_.size(); ++i) y = layers_[i]->call(y, where);
    return y;
}

Sequential::Layer& Sequential::at(std::size_t i, Location where) const {
    check<IndexError>(i < layers_.size(), where, [&] {
        return "Sequential: layer " + std::to_string(i) + " out of range, got " + std::to_string(layers_.size()) + " layers";
    });
    return *layers_[i];
}

void Sequential::xgrad_visit(const Path& path, Visitor& visitor) {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->visit(Path(path, static_cast<int>(i)), visitor);
}

}  // namespace xgrad::nn
