#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nn/core/state.hpp"

// A state that is still in a file; internal to the library.

namespace xgrad::nn::detail {

/// What is known about a tensor before its elements are read.
struct Stored {
    std::string name;
    Shape shape;
    DType dtype;               ///< after reading
    std::string problem = {};  ///< why it cannot be read, as an error message; "" when no problem is known
    bool numbers = true;  ///< false: not numeric, and ignored unless requested by name
};

class XGRAD_API StoredState {
public:
    virtual ~StoredState();
    virtual const std::vector<Stored>& list() const = 0;
    virtual Tensor read(std::size_t i) const = 0;

    /// All numeric tensors. FormatError when one of them cannot be read.
    State read_all() const;
    /// The tensor of that name. FormatError when it cannot be read, ValueError when there is none.
    Tensor read_one(std::string_view name, const std::string& what, Location where) const;
};

/// load_state_dict from any source; only tensors that the model takes are read, and only these can cause errors. `what`
/// begins the messages.
XGRAD_API LoadReport load(ModelRef model, const StoredState& stored, const LoadOptions& options,
                          const std::string& what, Location where);

}  // namespace xgrad::nn::detail
