using namespace xgrad;

void accepted(Tape& tape, const Tensor& y, const Tensor& x, const Parameter& p, const Tensor& u) {
    const std::vector<Tensor> ys{y, y}, xs{x, p};
    static_assert(std::is_same_v<decltype(tape.gradient(y)), Gradients>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, {.cotangent = u})), Gradients>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, {.unconnected = Unconnected::zeros})), Gradients>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, p)), Tensor>);
    static_assert(
        std::is_same_v<decltype(tape.gradient(y, x, {.cotangent = u, .unconnected = Unconnected::zeros})), Tensor>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, {x, p})), std::vector<Tensor>>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, {x, p}, {.cotangent = u})), std::vector<Tensor>>);
    static_assert(std::is_same_v<decltype(tape.gradient(y, xs)), std::vector<Tensor>>);
    static_assert(std::is_same_v<decltype(tape.gradient({y, u})), Gradients>);
    static_assert(std::is_same_v<decltype(tape.gradient({y, u}, GradientOptions{.cotangents = {u, u}})), Gradients>);
    static_assert(std::is_same_v<decltype(tape.gradient({y, u}, x)), Tensor>);
    static_assert(std::is_same_v<decltype(tape.gradient({y, u}, x, {.cotangents = {u, u}})), Tensor>);
    static_assert(std::is_same_v<decltype(tape.gradient({y, u}, {x, p}, {.cotangents = {u, u}})), std::vector<Tensor>>);
    static_assert(std::is_same_v<decltype(tape.gradient(ys, xs)), std::vector<Tensor>>);
    const NoRecording off;
    with_gradient_hook(x, [](const Tensor& g) { return g * 2; });
    with_gradient_hook(x, [](const Tensor&) {});
}
