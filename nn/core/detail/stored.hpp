#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nn/core/state.hpp"

// A state that is still in a file: for use inside the library.

namespace xgrad::nn::detail {

/// What is known of a tensor before its numbers are read.
struct Stored {
    std::string name;
    Shape shape;
    DType dtype;               ///< as it will be read
    std::string problem = {};  ///< why it cannot be read, as the error says it; "" when nothing is known against it
    bool numbers = true;  ///< false: it is something else, of no interest to whoever does not ask for it by name
};

class XGRAD_API StoredState {
public:
    virtual ~StoredState();
    virtual const std::vector<Stored>& list() const = 0;
    virtual Tensor read(std::size_t i) const = 0;

    /// All that are of numbers. FormatError when one of these cannot be read.
    State read_all() const;
    /// The one of that name. FormatError when it cannot be read, ValueError when there is none.
    Tensor read_one(std::string_view name, const std::string& what, Location where) const;
};

/// load_state_dict from anywhere; only what the model takes is read, and only that can be wrong. `what` begins the
/// messages.
XGRAD_API LoadReport load(ModelRef model, const StoredState& stored, const LoadOptions& options,
                          const std::string& what, Location where);

}  // namespace xgrad::nn::detail
