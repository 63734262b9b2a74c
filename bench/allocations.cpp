// Heap allocations and peak memory of one training step, once warm. Every malloc of the process is counted, whatever
// its origin.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/format.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {
std::atomic<long> allocations{0};
}

// glibc's own names of the functions that are replaced here.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
}

namespace {

using namespace xgrad;

template <class Step>
void report(const char* name, Step step) {
    for (int i = 0; i < 10; ++i) step();
    constexpr int steps = 100;
    reset_peak_memory();
    const auto before = memory_stats();
    const long heap_before = allocations;
    for (int i = 0; i < steps; ++i) step();
    const long heap = allocations - heap_before;
    const auto after = memory_stats();
    fmt::print("{:<34} {:>10.2f} {:>10.2f} {:>10.2f} {:>12}\n", name, static_cast<double>(heap) / steps,
               static_cast<double>(after.system_blocks - before.system_blocks) / steps,
               static_cast<double>(after.blocks - before.blocks) / steps, after.peak_bytes - before.bytes_in_use);
}

struct Xor {
    nn::Linear fc1{2, 4}, fc2{4, 1};
    Tensor operator()(const Tensor& x) const { return tanh(fc2(tanh(fc1(x)))); }
    XGRAD_FIELDS(fc1, fc2)
};

struct Mlp {
    nn::Linear fc1{784, 256}, fc2{256, 10};
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

}  // namespace

int main() {
    Generator generator(0);
    fmt::print(
        "per step, once warm: mallocs of the process; blocks the allocator asked of the system and handed out; peak "
        "bytes above the "
        "start\n");
    fmt::print("{:<34} {:>10} {:>10} {:>10} {:>12}\n", "step", "mallocs", "system", "blocks", "peak bytes");

    const Tensor w0 = rand({16}, generator), x0 = rand({16}, generator);
    report("chain of 1000 tanh(y * w + b), n 16", [&] {
        Tape tape;
        const Tensor w = tape.watch(w0);
        Tensor y = x0;
        for (int i = 0; i < 1000; ++i) y = tanh(y * w + w);
        tape.gradient(sum(y), w);
    });

    Xor xor_net;
    nn::SGD sgd({.lr = 0.1});
    const Tensor xs = rand({4, 2}, generator), ys = rand({4, 1}, generator);
    report("2-4-1 network, batch 4, SGD", [&] {
        Tape tape;
        sgd.step(xor_net, tape.gradient(nn::mse_loss(xor_net(xs), ys)));
    });

    Mlp mlp;
    nn::Adam adam({.lr = 1e-3});
    const Tensor images = rand({64, 784}, generator), labels = randint(0, 10, {64}, generator);
    report("784-256-10 network, batch 64, Adam", [&] {
        Tape tape;
        adam.step(mlp, tape.gradient(nn::cross_entropy(mlp(images), labels)));
    });
}
