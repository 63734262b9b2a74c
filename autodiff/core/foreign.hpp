#pragma once

#include <type_traits>
#include <utility>

#include "tensor.hpp"

// Tensors on elements that another object owns, such as another library's array: the basis of bridges.

namespace xgrad::detail {

/// A storage for foreign elements, followed by `keeper_bytes` bytes for a Keeper; its `base` is the storage itself.
XGRAD_API Storage* new_foreign_storage(const Shape& shape, DType dtype, std::size_t keeper_bytes, Location where);

/// A tensor on the row-major elements(owner). The owner keeps the elements alive and is destroyed with the last handle.
/// Nothing is copied, and the elements are never written to.
template <class Owner, class Elements>
Tensor keep_elements(Owner owner, const Elements& elements, const Shape& shape, DType dtype, Location where) {
    static_assert(std::is_nothrow_move_constructible_v<Owner>);
    struct Kept : Keeper {
        explicit Kept(Owner&& given)
            : Keeper{[](Keeper* keeper) noexcept { static_cast<Kept*>(keeper)->~Kept(); }}, own(std::move(given)) {}
        Owner own;
    };
    static_assert(alignof(Kept) <= alignof(Storage));
    Storage* storage = new_foreign_storage(shape, dtype, sizeof(Kept), where);
    storage->data = elements((::new (storage + 1) Kept(std::move(owner)))->own);
    return TensorAccess::from_storage(storage);
}

}  // namespace xgrad::detail
