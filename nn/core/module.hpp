#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "field_kinds.hpp"

// What makes a struct a model: one line that names its fields.
//
//     struct Net {
//         nn::Linear fc1{784, 256}, fc2{256, 10};
//         Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
//         XGRAD_FIELDS(fc1, fc2)
//     };
//
// A field is a Parameter, another model, a Tensor (a buffer: part of the state, but not learned), or a std::vector,
// array, optional, tuple or smart pointer of these, or a map from names to them. Fields that cannot hold a parameter
// (numbers, enums, strings, functions) may be named and are ignored. A copy of a model shares what a shared_ptr
// points to (and nothing else). A member of type `bool` called `training` is set by train() and eval().
//
// A field that is not named is neither trained nor saved nor converted. If it holds parameters or layers, omitting it
// is a compile-time error when the struct is an aggregate; for a struct with constructors or private fields,
// nn::summary(net, x) marks the parameters that it uses but does not name. A model that inherits from another names the
// fields of both: XGRAD_FIELDS(fc1, fc2, head), where fc1 and fc2 belong to the base.
//
// One parameter used in two places (tied weights) is one field that both use, not two fields of equal value, since
// assignment copies the value. It is trained once, by the sum of both places' gradients, and a copy of the model has
// its own. `nn::alias` gives it a second name in the state, as in PyTorch's files:
//
//     struct Model {
//         nn::Embedding embed{vocabulary, width};
//         Tensor operator()(const Tensor& words) const { return linear(embed(words), embed.weight); }
//         XGRAD_FIELDS(embed, nn::alias("head.weight", embed.weight))
//     };

/// Names the fields of a model. The resulting names are those of PyTorch's state_dict: "fc1.weight", "layers.0.bias".
#define XGRAD_FIELDS(...)                                                                                      \
    void xgrad_visit(const ::xgrad::nn::Path& xgrad_path, ::xgrad::nn::Visitor& xgrad_visitor) {               \
        ::xgrad::nn::detail::visit_fields(*this, std::forward_as_tuple(__VA_ARGS__), #__VA_ARGS__, xgrad_path, \
                                          xgrad_visitor);                                                      \
    }

namespace xgrad::nn {

/// The current position of a traversal in a model. It costs nothing until its text is requested.
class XGRAD_API Path {
public:
    Path() = default;  ///< the model itself
    Path(const Path& parent, int element) : parent_(&parent), index_(element) {}
    Path(const Path& parent, const char* names, int field) : parent_(&parent), names_(names), index_(field) {}
    /// An element with its own name, which must outlive the path.
    Path(const Path& parent, std::string_view key)
        : parent_(&parent), names_(key.data()), index_(-1 - static_cast<int>(key.size())) {}

    /// "fc1.weight"; "" for the model itself.
    std::string str() const;
    /// str() == text, without making a string.
    bool is(std::string_view text) const;

private:
    std::string_view segment(char (&buffer)[12]) const;

    const Path* parent_ = nullptr;
    const char* names_ = nullptr;  // the argument list of XGRAD_FIELDS, a key, or null for an element of a container
    int index_ = 0;  // -1 - its length for a key
};

/// A stream of random numbers that a layer draws from: one generator per call. A copy continues the same stream
/// independently. Threads may share one; which thread receives which numbers then depends on their order.
class XGRAD_API RandomStream {
public:
    RandomStream();  ///< seeded from default_generator()
    explicit RandomStream(std::uint64_t seed) : seed_(seed) {}
    RandomStream(const RandomStream& other) noexcept : seed_(other.seed()), calls_(other.calls()) {}
    RandomStream& operator=(const RandomStream& other) noexcept;

    /// The seed of the next call's generator. While a checkpoint recomputes, no call is counted.
    std::uint64_t next();
    std::uint64_t seed() const { return leader_ ? leader_->seed() : seed_; }
    std::uint64_t calls() const { return leader_ ? leader_->calls() : calls_.load(std::memory_order_relaxed); }
    void set(std::uint64_t seed, std::uint64_t calls);
    /// Numbers come from `leader`, and are counted there, until the stream follows null; it then continues from the
    /// leader's position.
    void follow(RandomStream* leader);

private:
    std::uint64_t seed_;
    std::atomic<std::uint64_t> calls_{0};
    RandomStream* leader_ = nullptr;
};

/// Callbacks for a traversal of a model, in the order of its fields.
class XGRAD_API Visitor {
public:
    virtual ~Visitor();
    virtual void parameter(const Path&, Parameter&) {}
    virtual void buffer(const Path&, Tensor&) {}
    virtual void training(bool&) {}  ///< the flag of a model that behaves differently in training and evaluation
    /// A layer's own stream of random numbers: not part of its state, but part of a training run that is to be resumed.
    virtual void random(const Path&, RandomStream&) {}
};

namespace detail {

/// A parameter under another name, as made by nn::alias.
struct Alias {
    const char* name;
    Parameter& parameter;
};

template <class T>
void visit(T& field, const Path& path, Visitor& visitor) {
    if constexpr (std::is_same_v<T, Parameter>) {
        if (field.defined()) visitor.parameter(path, field);
    } else if constexpr (std::is_same_v<T, Tensor>) {
        if (field.defined()) visitor.buffer(path, field);
    } else if constexpr (std::is_same_v<T, RandomStream>) {
        visitor.random(path, field);
    } else if constexpr (Module<T>) {
        static_assert(names_own_fields<T>(),
                      "xgrad: this model inherits XGRAD_FIELDS and adds fields, which are then neither trained nor "
                      "saved. Give it an "
                      "XGRAD_FIELDS(...) that names the base's fields and its own");
        if constexpr (requires { requires std::is_same_v<decltype(field.training), bool>; })
            visitor.training(field.training);
        field.xgrad_visit(path, visitor);
    } else if constexpr (cannot_hold_parameters<std::remove_const_t<T>>()) {
    } else if constexpr (Keyed<T>) {
        for (auto& element : field) visit(element.second, Path(path, std::string_view(element.first)), visitor);
    } else if constexpr (Range<T>) {
        int i = 0;
        for (auto& element : field) visit(element, Path(path, i++), visitor);
    } else if constexpr (TupleLike<T>) {
        std::apply([&, i = 0](auto&... element) mutable { (visit(element, Path(path, i++), visitor), ...); }, field);
    } else if constexpr (PointerLike<T>) {
        if (field) visit(*field, path, visitor);
    } else if constexpr (std::is_pointer_v<T>) {
        static_assert(
            !std::is_pointer_v<T>,
            "xgrad: a raw pointer cannot be a field, for nobody knows whether a copy of the model shares what it "
            "points to. Take "
            "std::shared_ptr to share it, std::unique_ptr to own it, or leave it out if the model only looks at it");
    } else if constexpr (has_private_fields<T>()) {
        static_assert(
            Module<T>,
            "xgrad: XGRAD_FIELDS is private in this model. Put it behind `public:`, or make the model a struct");
    } else {
        static_assert(Module<T>,
                      "xgrad: not a model. A field must be a Parameter, a Tensor, a struct with XGRAD_FIELDS(...), or "
                      "a non-const std::vector, "
                      "array, optional, tuple or smart pointer of these");
    }
}

template <class Self, class... Fields>
void visit_fields(const Self&, std::tuple<Fields...> fields, [[maybe_unused]] const char* names,
                  [[maybe_unused]] const Path& path, [[maybe_unused]] Visitor& visitor) {
    static_assert(names_all_holders<Self, std::remove_cvref_t<Fields>...>(),
                  "xgrad: XGRAD_FIELDS does not name every field of this model that holds parameters or layers (those "
                  "of its base included); "
                  "what it leaves out is neither trained nor saved");
    [[maybe_unused]] const auto one = [&](auto& field, int i) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Alias>)
            visit(field.parameter, Path(path, std::string_view(field.name)), visitor);
        else visit(field, Path(path, names, i), visitor);
    };
    std::apply([&, i = 0](auto&... field) mutable { (one(field, i++), ...); }, fields);
}

}  // namespace detail

/// For XGRAD_FIELDS: a parameter under a second name in the state, "head.weight".
inline detail::Alias alias(const char* name, Parameter& parameter) { return {name, parameter}; }

/// A model by reference: any struct with XGRAD_FIELDS, a container or `std::tie(a, b)` of them, or one Parameter. The
/// compiled functions of nn take it; user code need not name it.
class ModelRef {
public:
    template <class M>
        requires(!std::is_same_v<std::remove_cvref_t<M>, ModelRef>)
    ModelRef(M&& model)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(model)))),
          visit_([](void* object, Visitor& visitor) {
              detail::visit(*static_cast<std::remove_cvref_t<M>*>(object), Path(), visitor);
          }) {
        static_assert(!std::is_const_v<std::remove_reference_t<M>>,
                      "xgrad: this function changes the model, which is const");
    }
    void visit(Visitor& visitor) const { visit_(object_, visitor); }

private:
    void* object_;
    void (*visit_)(void*, Visitor&);
};

/// The parameters of a model, in the order of its fields; elements are references into the model.
template <class P>
class ParameterList {
public:
    explicit ParameterList(const std::vector<Parameter*>& found) : found_(found.begin(), found.end()) {}

    std::size_t size() const { return found_.size(); }
    bool empty() const { return found_.empty(); }
    P& operator[](std::size_t i) const { return *found_[i]; }
    /// The values as sources for `tape.gradient(y, sources)`.
    operator std::vector<Tensor>() const { return {begin(), end()}; }

    class iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = P;
        using difference_type = std::ptrdiff_t;
        using pointer = P*;
        using reference = P&;
        iterator() = default;
        explicit iterator(P* const* at) : at_(at) {}
        P& operator*() const { return **at_; }
        P* operator->() const { return *at_; }
        iterator& operator++() { return ++at_, *this; }
        iterator operator++(int) { return iterator(at_++); }
        friend bool operator==(iterator, iterator) = default;

    private:
        P* const* at_ = nullptr;
    };
    // The list owns what its iterators point into, so iterators of a temporary list would dangle; `for (… :
    // nn::parameters(net))` keeps the list alive.
    iterator begin() const& { return iterator(found_.data()); }
    iterator end() const& { return iterator(found_.data() + found_.size()); }
    iterator begin() const&& = delete;
    iterator end() const&& = delete;

private:
    std::vector<P*> found_;
};

namespace detail {

using NamedParameters = std::vector<std::pair<std::string, Parameter&>>;

XGRAD_API std::vector<Parameter*> parameters(ModelRef model);
XGRAD_API NamedParameters named_parameters(ModelRef model);

/// Read-only: lets a const model be traversed by the same code as any other.
template <class M>
ModelRef readable(M& model) {
    return const_cast<std::remove_const_t<M>&>(model);
}

}  // namespace detail

/// The parameters of a model in the order of its fields: `for (Parameter& p : nn::parameters(net))`, const for a const
/// model. A parameter that is reached twice (through a shared_ptr) is listed once. Empty parameters, such as the bias
/// of a Linear without bias, are left out.
template <class M>
auto parameters(M&& model) {
    using P = std::conditional_t<std::is_const_v<std::remove_reference_t<M>>, const Parameter, Parameter>;
    return ParameterList<P>(detail::parameters(detail::readable(model)));
}

/// The same with PyTorch's names: `for (auto& [name, p] : nn::named_parameters(net))`, "fc1.weight" and so on.
template <class M>
auto named_parameters(M&& model) {
    using P = std::conditional_t<std::is_const_v<std::remove_reference_t<M>>, const Parameter, Parameter>;
    auto found = detail::named_parameters(detail::readable(model));
    return std::vector<std::pair<std::string, P&>>(std::make_move_iterator(found.begin()),
                                                   std::make_move_iterator(found.end()));
}

/// Sets every `training` flag in the model: dropout drops, batch normalisation uses batch statistics. Models start in
/// this mode.
XGRAD_API void train(ModelRef model, bool training = true);
/// The opposite of train: evaluation mode.
XGRAD_API void eval(ModelRef model);
/// Converts all floating parameters and buffers to `dtype`, as PyTorch's module.to(dtype). DTypeError unless it is f32
/// or f64.
XGRAD_API void to(ModelRef model, DType dtype, Location where = Location::current());

}  // namespace xgrad::nn
