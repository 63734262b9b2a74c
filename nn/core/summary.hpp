#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "module.hpp"

// What a model is made of: `std::cout << nn::summary(net, {1, 1, 28, 28})`.

namespace xgrad::nn {

/// A model as a run shows it. A layer is what has parameters of its own; what stands between layers are operations of
/// the engine.
struct Summary {
    struct Row {
        bool is_layer = false;  ///< it has parameters of its own
        std::string
            layer;  ///< its name in the state; "" for what stands in the model itself; `unnamed` for what is no field
        std::string operation;  ///< the last one that uses its parameters; "" for a layer that was not used
        Shape output;  ///< of that operation
        std::int64_t trainable = 0,
                     frozen = 0;  ///< elements of its parameters; those of a tied one count where it comes first
        std::int64_t bytes = 0;  ///< of its parameters and buffers
    };
    /// The layer of parameters that the model uses without naming them as fields: they are neither trained nor saved,
    /// nor counted here.
    static constexpr const char* unnamed = "(not in XGRAD_FIELDS)";
    std::vector<Row> rows;  ///< in the order of their use, layers that were not used last
    std::int64_t trainable = 0, frozen = 0, bytes = 0;  ///< of the whole model
};
XGRAD_API std::string to_string(const Summary& summary);
XGRAD_API std::ostream& operator<<(std::ostream& out, const Summary& summary);

namespace detail {

/// Runs a model on a tape of its own in eval mode, and leaves it as it was.
class XGRAD_API Observation {
public:
    explicit Observation(ModelRef model);
    ~Observation();
    Observation(const Observation&) = delete;
    Observation& operator=(const Observation&) = delete;

    /// The input as the tape sees it.
    Tensor watch(const Tensor& input);
    Tensor zeros_for(const Shape& shape) const;
    Summary summary() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace detail

/// A table of the layers of a model, as they are used for the given inputs, with output shapes, numbers of parameters
/// and bytes. The model runs once, in eval mode, and is afterwards as it was; frozen parameters are unfrozen meanwhile,
/// so no other thread may use it then. What has an operation of its own but no parameters, as relu and flatten, has a
/// row as well, unless it stands before anything that is f32 or f64.
template <class M, std::convertible_to<Tensor>... X>
    requires(sizeof...(X) > 0 && std::is_invocable_v<const M&, const X&...>)
Summary summary(const M& model, const X&... inputs) {
    detail::Observation run(detail::readable(model));
    model(run.watch(inputs)...);
    return run.summary();
}
/// The same for an input of zeros of that shape, in the element type of the first parameter.
template <class M>
Summary summary(const M& model, const Shape& input_shape) {
    detail::Observation run(detail::readable(model));
    model(run.watch(run.zeros_for(input_shape)));
    return run.summary();
}

}  // namespace xgrad::nn
