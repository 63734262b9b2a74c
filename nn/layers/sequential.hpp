#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/module.hpp"

namespace xgrad::nn {

/// Any number of layers of one type, which the model calls itself; parameters are named "0.weight", "1.weight" and so
/// on after the field's name. Layers of several types go into a std::tuple, or into Sequential.
template <class L>
using ModuleList = std::vector<L>;

/// Layers of one type by name, in insertion order, as in torch.nn.ModuleDict: parameters are named "encoder.weight" for
/// the key "encoder". ValueError for a key that is empty or contains a dot.
///
///     nn::ModuleDict<nn::Linear> heads{{"age", nn::Linear(64, 1)}, {"name", nn::Linear(64, 100)}};
///     heads["age"](x);
///     for (auto& [name, head] : heads) head(x);
template <class L>
class ModuleDict {
public:
    ModuleDict() = default;
    ModuleDict(std::initializer_list<std::pair<std::string, L>> layers, Location where = Location::current()) {
        for (const auto& [key, layer] : layers) insert(key, layer, where);
    }

    /// Appends a layer, or replaces the layer of that name. References to layers are valid until the next one is added.
    L& insert(std::string key, L layer, Location where = Location::current()) {
        check<ValueError>(!key.empty() && key.find('.') == key.npos, where,
                          [&] { return "ModuleDict: a key must be without dots and not empty, got \"" + key + "\""; });
        if (L* known = find(key)) return *known = std::move(layer);
        return layers_.emplace_back(std::move(key), std::move(layer)).second;
    }
    /// The layer of that name. IndexError, listing all names, when there is none.
    L& at(std::string_view key, Location where = Location::current()) { return *checked(find(key), key, where); }
    const L& at(std::string_view key, Location where = Location::current()) const {
        return *checked(const_cast<ModuleDict*>(this)->find(key), key, where);
    }
    L& operator[](std::string_view key) { return at(key, {}); }
    const L& operator[](std::string_view key) const { return at(key, {}); }

    bool contains(std::string_view key) const { return const_cast<ModuleDict*>(this)->find(key) != nullptr; }
    std::vector<std::string> keys() const {
        std::vector<std::string> keys;
        for (const auto& [key, layer] : layers_) keys.push_back(key);
        return keys;
    }
    std::size_t size() const { return layers_.size(); }
    bool empty() const { return layers_.empty(); }
    auto begin() { return layers_.begin(); }
    auto end() { return layers_.end(); }
    auto begin() const { return layers_.begin(); }
    auto end() const { return layers_.end(); }

private:
    L* find(std::string_view key) {
        for (auto& [name, layer] : layers_)
            if (name == key) return &layer;
        return nullptr;
    }
    L* checked(L* found, std::string_view key, Location where) const {
        check<IndexError>(found != nullptr, where, [&] {
            std::string all;
            for (const auto& [name, layer] : layers_) all += (all.empty() ? "" : ", ") + name;
            return "ModuleDict: the keys are " + (all.empty() ? "none" : all) + ", got " + std::string(key);
        });
        return found;
    }

    std::vector<std::pair<std::string, L>> layers_;
};

/// Layers one after another: `nn::Sequential net(nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 10))`. A layer is
/// anything that maps a Tensor to a Tensor: a layer of nn, your own model, a function, a lambda. Parameters are named
/// "0.weight", "2.bias" and so on. A copy has its own parameters, and so do the layers in it: `nn::Sequential(encoder,
/// head)` copies both, and training it leaves `encoder` unchanged; move the layers in, or access them with `layer`. An
/// error message contains the number of the layer that raised it.
class XGRAD_API Sequential {
    template <class L>
    static constexpr bool is_layer = std::is_invocable_r_v<Tensor, std::decay_t<L>&, const Tensor&>;

public:
    Sequential() = default;
    template <class First, class... Rest>
        requires(is_layer<First> && (is_layer<Rest> && ...) &&
                 !(sizeof...(Rest) == 0 && std::is_same_v<std::decay_t<First>, Sequential>))
    explicit Sequential(First&& first, Rest&&... rest) {
        layers_.reserve(1 + sizeof...(Rest));
        append(std::forward<First>(first));
        (append(std::forward<Rest>(rest)), ...);
    }
    Sequential(const Sequential& other);
    Sequential(Sequential&&) noexcept = default;
    Sequential& operator=(const Sequential& other);
    Sequential& operator=(Sequential&&) noexcept = default;
    ~Sequential() = default;

    /// Appends a layer.
    template <class L>
        requires is_layer<L>
    Sequential& append(L&& layer) {
        layers_.push_back(std::make_unique<Holder<std::decay_t<L>>>(std::forward<L>(layer)));
        return *this;
    }

    /// The last layer's output; x itself when there is none.
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;
    std::size_t size() const { return layers_.size(); }

    /// Layer i, with its type given by the caller: `net.layer<nn::Linear>(0).weight`. IndexError out of range,
    /// ValueError for another type.
    template <class L>
    L& layer(std::size_t i, Location where = Location::current()) {
        auto* holder = dynamic_cast<Holder<L>*>(&at(i, where));
        check<ValueError>(holder != nullptr, where,
                          [&] { return "Sequential: layer " + std::to_string(i) + " is of another type"; });
        return holder->layer;
    }

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    struct XGRAD_API Layer {
        virtual ~Layer();
        virtual Tensor call(const Tensor& x, Location where) = 0;
        virtual void visit(const Path& path, Visitor& visitor) = 0;
        virtual std::unique_ptr<Layer> copy() const = 0;
    };
    template <class L>
    struct Holder final : Layer {
        template <class From>
        explicit Holder(From&& from) : layer(std::forward<From>(from)) {}
        Tensor call(const Tensor& x, [[maybe_unused]] Location where) override {
            if constexpr (std::is_invocable_r_v<Tensor, L&, const Tensor&, Location>) return layer(x, where);
            else return layer(x);
        }
        void visit(const Path& path, Visitor& visitor) override { detail::visit(layer, path, visitor); }
        std::unique_ptr<Layer> copy() const override { return std::make_unique<Holder>(layer); }
        L layer;
    };
    Layer& at(std::size_t i, Location where) const;

    std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace xgrad::nn
