#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "module.hpp"

// A table of a model's layers: `std::cout << nn::summary(net, {1, 1, 28, 28})`.

namespace xgrad::nn {

/// A model as executed. A layer is a part with its own parameters; between layers there are operations of the engine.
struct Summary {
    struct Row {
        bool is_layer = false;  ///< has its own parameters
        std::string layer;  ///< its name in the state; "" for parameters of the model itself; `unnamed` for parameters
                            ///< that are not fields
        std::string operation;  ///< the last one that uses its parameters; "" for a layer that was not used
        Shape output;  ///< of that operation
        std::int64_t trainable = 0,
                     frozen = 0;  ///< elements of its parameters; a tied parameter counts where it first appears
        std::int64_t bytes = 0;  ///< of its parameters and buffers
    };
    /// The name given to parameters that the model uses without naming them as fields: they are neither trained nor
    /// saved, nor counted here.
    static constexpr const char* unnamed = "(not in XGRAD_FIELDS)";
    std::vector<Row> rows;  ///< in the order of use; unused layers come last
    std::int64_t trainable = 0, frozen = 0, bytes = 0;  ///< of the whole model
};
XGRAD_API std::string to_string(const Summary& summary);
XGRAD_API std::ostream& operator<<(std::ostream& out, const Summary& summary);

namespace detail {

/// Runs a model on its own tape in eval mode, and leaves it as it was.
class XGRAD_API Observation {
public:
    explicit Observation(ModelRef model);
    ~Observation();
    Observation(const Observation&) = delete;
    Observation& operator=(const Observation&) = delete;

    /// The input as a tensor watched by the tape.
    Tensor watch(const Tensor& input);
    Tensor zeros_for(const Shape& shape) const;
    Summary summary() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace detail

/// A table of the layers of a model, as they are used for the given inputs, with output shapes, numbers of parameters
/// and bytes. The model runs once, in eval mode, and is restored afterwards; frozen parameters are unfrozen meanwhile,
/// so no other thread may use the model at that time. Operations without parameters, such as relu and flatten, have a
/// row as well, unless they come before the first f32 or f64 tensor.
template <class M, std::convertible_to<Tensor>... X>
    requires(sizeof...(X) > 0 && std::is_invocable_v<const M&, const X&...>)
Summary summary(const M& model, const X&... inputs) {
    detail::Observation run(detail::readable(model));
    model(run.watch(inputs)...);
    return run.summary();
}
/// The same for an input of zeros of that shape, with the dtype of the first parameter.
template <class M>
Summary summary(const M& model, const Shape& input_shape) {
    detail::Observation run(detail::readable(model));
    model(run.watch(run.zeros_for(input_shape)));
    return run.summary();
}

}  // namespace xgrad::nn
