// Options where axes, shapes, kernels or numbers are wanted.
using namespace xgrad;

void refused(const Tensor& x, const Tensor& w) {
#if CASE == 1  // designated initializers cannot be used|invalid initialization|no matching function
    max(x, {.keepdims = true});
#elif CASE == 2  // designated initializers cannot be used|invalid initialization|no matching function
    mean(x, {.keepdims = true});
#elif CASE == 3  // designated initializers cannot be used|invalid initialization|no matching function
    flip(x, {.x = 0});
#elif CASE == 4  // xgrad: an axis is an integer, not a bool; keepdims follows the axes
    sum(x, true);
#elif CASE == 5  // xgrad: the correction is a number
    var(x, 0, true);
#elif CASE == 6  // xgrad: the correction is a number
    xgrad::std(x, 0, true);
#elif CASE == 7  // xgrad: the correction is a number
    stddev(x, 0, true);
#elif CASE == 8  // designated initializers cannot be used|invalid initialization|no matching function|no matching
    max_pool2d(x, {.stride = 2});
#elif CASE == 9  // designated initializers cannot be used|invalid initialization|no matching function
    max_pool2d(x, {.stride = 2, .padding = 1});
#elif CASE == 10  // designated initializers cannot be used|invalid initialization|no matching function
    avg_pool1d(x, {.stride = 2});
#elif CASE == \
    11  // designated initializers cannot be used|invalid initialization|no matching function|could not convert
    conv2d(x, w, {.stride = 2});
#elif CASE == 12  // designated initializers cannot be used|invalid initialization|no matching function
    reshape(x, {.size = 4});
#elif CASE == 13  // designated initializers cannot be used|invalid conversion|no matching function
    zeros({.size = 4, .dtype = 1});
#elif CASE == 14  // designated initializers cannot be used|invalid initialization|no matching function
    adaptive_avg_pool2d(x, {.output = 4});
#elif CASE == 15  // designated initializers cannot be used|invalid initialization|no matching function
    expand_dims(x, {.axis = 0});
#elif CASE == 16  // invalid initialization|no matching function|no known conversion
    sum(x, 1.5);
#elif CASE == 17  // xgrad: a tensor has at most 8 axes
    sum(x, {0, 1, 2, 3, 4, 5, 6, 7, 8});
#elif CASE == 18  // xgrad: more numbers than there can be axes
    max_pool2d(x, {1, 2, 3, 4});
#endif
}
