// Options where a kernel, a shape or a size is wanted.
using namespace xgrad;

void refused() {
#if CASE == 1  // no matching|designated initializers cannot be used|could not convert
    nn::Conv2d conv(1, 4, {.stride = 2});
#elif CASE == 2  // no matching|designated initializers cannot be used|could not convert
    nn::Conv1d conv(1, 4, {.stride = 2, .padding = 1});
#elif CASE == 3  // no matching|designated initializers cannot be used|would use explicit constructor
    nn::MaxPool2d pool({.stride = 2});
#elif CASE == 4  // no matching|designated initializers cannot be used|could not convert
    nn::ConvTranspose2d conv(1, 4, {.stride = 2});
#elif CASE == 5  // no matching|designated initializers cannot be used|could not convert
    nn::AdaptiveAvgPool2d pool({.output_size = 2});
#elif CASE == 6  // no matching|designated initializers cannot be used|would use explicit constructor
    nn::LayerNorm norm({.eps = 1});
#elif CASE == 7  // no matching|designated initializers cannot be used|could not convert
    nn::ZeroPad2d pad({.left = 1, .right = 2});
#elif CASE == 8  // no matching|designated initializers cannot be used|could not convert
    nn::Conv2d conv(1, 4, 3, {.padding = {.left = 1}});
#endif
}
