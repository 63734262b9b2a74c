#pragma once

#include <type_traits>
#include <utility>

#include "tensor.hpp"

// Tensors on elements that something else owns, such as another library's array: what bridges are made of.

namespace xgrad::detail {

/// A storage for `size` elements of somebody else, with room for so many bytes behind it: `base` is the storage itself,
/// and a Keeper stands there.
XGRAD_API Storage* new_foreign_storage(const Shape& shape, DType dtype, std::size_t keeper_bytes, Location where);

/// A tensor on elements(owner), row-major, which the owner keeps alive and which is destroyed with the last handle.
/// Nothing is copied; the elements are never written to.
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
