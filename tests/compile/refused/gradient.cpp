// What stands for a gradient that is absent has two names.
using namespace xgrad;

void refused(Tape& tape, const Tensor& y, const Tensor& x) {
#if CASE == 1  // no matching|could not convert|no viable
    tape.gradient(y, x, {.unconnected = ones});
#elif CASE == 2  // no matching|could not convert|no viable
    tape.gradient(y, x, {.unconnected = zeros});
#elif CASE == 3  // cannot convert|no viable|could not convert
    GradientOptions options{.unconnected = true};
#elif CASE == 4  // cannot convert|no viable|could not convert
    GradientOptions options{.cotangent = 1.0};
#endif
}
