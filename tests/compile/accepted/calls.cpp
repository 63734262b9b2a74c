// Forms that users write, each of which means what it says.
using namespace xgrad;
using namespace xgrad::nn;

// Layers' options are those of nn; functions' options have names of their own.
ConvOptions convolution{.stride = 2, .bias = false};
ConvTransposeOptions transposed{.output_padding = 1};
EmbeddingOptions embedding_options{.padding_idx = 0};
EmbeddingBagOptions bag_options{.mode = BagMode::sum};
BatchNormOptions norm_options{.affine = false};

void functions(const Tensor& x, const Tensor& w, std::int64_t i, std::size_t n, const std::vector<int>& list) {
    enum { batch, time };
    sum(x), sum(x, 1), sum(x, {0, 1}), sum(x, {}, true), sum(x, {0}, true), sum(x, i), sum(x, n), sum(x, list),
        sum(x, time), sum(x, {batch, 1});
    max(x, -1, true), var(x, 0, 1), var(x, 0, 0, true), stddev(x, {0, 1}, 1.0, true), stddev(x), squeeze(x, 0),
        expand_dims(x, {0, 1});
    conv2d(x, w), conv2d(x, w, {}, {.stride = 2}), conv2d(x, w, {}, {.stride = {1, 2}, .padding = 1});
    conv_transpose2d(x, w, {}, {.output_padding = 1}), max_pool2d(x, 2), max_pool2d(x, {2, 3}, {.stride = 1}),
        avg_pool2d(x, 2, {.stride = 2});
    lp_pool1d(x, 2, 3, {.stride = 1}), adaptive_avg_pool2d(x, {1, 1}), adaptive_avg_pool2d(x, 1);
    layer_norm(x, {4}, {}, {}, {.eps = 1e-3}), linear(x, w, {});
    interpolate(x, {.scale_factor = 2}), interpolate(x, {.scale_factor = {2, 1.5}}), interpolate(x, {.size = 4});
    interpolate(x, {.size = {4, 4}, .mode = Interpolation::bilinear}),
        interpolate(x, {.size = std::vector<std::int64_t>{4, 4}});
}

void layers(const Tensor& x) {
    Linear a(2, 3, {}), b(2, 3, {.bias = false}), c(2, 3, false), d(2, 3);
    Conv2d e(1, 4, 3), f(1, 4, {3, 5}, {.stride = 2}), g(1, 4, 3, {.padding = "same"}), h(3, 64, 7, 2, 3),
        i(1, 4, 3, {.padding = {1, 2}});
    MaxPool2d j(2), k(2, 2), l(3, 2, 1), m(2, {.stride = 1}), n({2, 3});
    AvgPool1d o(2, 1), p(2, {.count_include_pad = false});
    Upsample q({.scale_factor = 2}), r({.scale_factor = {2, 1.5}, .mode = Interpolation::bilinear}), s({.size = 8});
    LayerNorm t(64), u({64}), v({8, 64}), w({64}, {.eps = 1e-3});
    ZeroPad2d y(1), z({1, 2, 3, 4});
    ConvTranspose2d one(4, 1, 3, 2, 1, 1);
    LPPool2d two(2, 3, 2);
}
