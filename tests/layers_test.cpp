#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::wave;

TEST_SUITE_BEGIN("nn");

TEST_CASE("layers: output, gradients and buffers are PyTorch's") {
    const tests::Figures figures("layers");
    figures.check_layer("Linear", nn::Linear(4, 3), wave({2, 5, 4}));
    figures.check_layer("Linear without bias", nn::Linear(4, 3, false), wave({2, 4}));
}

TEST_SUITE_END();
