#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <nn/nn.hpp>
