#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "state.hpp"

// A state that is still in a file: for use inside the library.

namespace xgrad::nn::detail {

/// What is known of a tensor before its numbers are read.
struct Stored {
    std::string name;
    Shape shape;
    DType dtype;  ///< as it will be read
};

class XGRAD_API StoredState {
public:
    virtual ~StoredState();
    virtual const std::vector<Stored>& list() const = 0;
    virtual Tensor read(std::size_t i) const = 0;

    State read_all() const;
};

/// load_state_dict from anywhere; only what the model takes is read. `what` begins the messages.
XGRAD_API LoadReport load(ModelRef model, const StoredState& stored, const LoadOptions& options, const std::string& what, Location where);

}  // namespace xgrad::nn::detail
