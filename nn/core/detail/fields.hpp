#pragma once

#include "nn/core/module.hpp"

// XGRAD_FIELDS for a layer that is compiled once: its header declares
//
//     void xgrad_visit(const Path& path, Visitor& visitor);
//
// and its source names the fields, so that files that include the header need not compile the traversal (some 15 ms per
// layer).

#define XGRAD_FIELDS_OF(Layer, ...)                                                                            \
    void Layer::xgrad_visit(const ::xgrad::nn::Path& xgrad_path, ::xgrad::nn::Visitor& xgrad_visitor) {        \
        ::xgrad::nn::detail::visit_fields(*this, std::forward_as_tuple(__VA_ARGS__), #__VA_ARGS__, xgrad_path, \
                                          xgrad_visitor);                                                      \
    }
