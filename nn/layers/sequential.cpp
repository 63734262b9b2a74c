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

namespace {

/// Call it inside a catch block: rethrows the exception with the layer's number; a nested layer is "layer 1.0".
[[noreturn]] void throw_from_layer(std::size_t i) {
    static constexpr std::string_view start = "Sequential: layer ";
    const auto message = [&](const Error& e) {
        const std::string_view text = e.what();
        const bool inner = text.starts_with(start);
        return std::string(start) + std::to_string(i) + (inner ? "." : ": ") +
               std::string(text.substr(inner ? start.size() : 0));
    };
    try {
        throw;
    } catch (const ShapeError& e) {
        throw ShapeError(message(e));
    } catch (const DTypeError& e) {
        throw DTypeError(message(e));
    } catch (const IndexError& e) {
        throw IndexError(message(e));
    } catch (const ValueError& e) {
        throw ValueError(message(e));
    }
}

}  // namespace

Tensor Sequential::operator()(const Tensor& x, Location where) const {
    Tensor y = x;
    std::size_t i = 0;
    try {
        for (; i < layers_.size(); ++i) y = layers_[i]->call(y, where);
    } catch (const Error&) {
        throw_from_layer(i);
    }
    return y;
}

Sequential::Layer& Sequential::at(std::size_t i, Location where) const {
    check<IndexError>(i < layers_.size(), where, [&] {
        return "Sequential: layer " + std::to_string(i) + " out of range, got " + std::to_string(layers_.size()) +
               " layers";
    });
    return *layers_[i];
}

void Sequential::xgrad_visit(const Path& path, Visitor& visitor) {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->visit(Path(path, static_cast<int>(i)), visitor);
}

}  // namespace xgrad::nn
