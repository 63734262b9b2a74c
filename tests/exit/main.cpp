#include <autodiff/autodiff.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

// Gradients when the thread's record, its cache of blocks or the whole of main is gone. They are right, or a TapeError;
// what fails ends the process with 1, and what crashes with a signal.

using namespace xgrad;

namespace {

int seen = 0;

void require(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::_Exit(1);
}

/// A second derivative, a product that uses the kernels' scratch memory, and a parameter.
void take_gradients(const char* when) {
    ++seen;
    const Tensor second =
        grad([](const Tensor& x) { return grad([](const Tensor& y) { return y * y * y; }, x); }, scalar(2.0));
    require(second.item() == 12, when);
    const Tensor a = ones({64, 64}, DType::f64);
    require(grad([&](const Tensor& x) { return sum(matmul(x, a)); }, a).data<double>()[0] == 64, when);
    const Parameter p(scalar(3.0));
    Tape tape;
    require(tape.gradient(p * p)[p].item() == 6, when);
}

struct AtTheEnd {
    const char* when;
    ~AtTheEnd() { take_gradients(when); }
};

/// A tape that outlives its thread's record.
struct Late {
    std::unique_ptr<Tape> tape;
    Tensor x, y;
    void open() {
        tape = std::make_unique<Tape>();
        x = tape->watch(scalar(3.0));
        y = x * x;
    }
    ~Late() {
        if (!tape) return;
        try {
            tape->gradient(y, x);
            require(false, "a tape of a record that is gone must be an error");
        } catch (const TapeError& error) {
            require(std::string(error.what()).find("one whose thread has ended") != std::string::npos, error.what());
        }
        require(!tracked(y), "tensors of a tape that is gone are constants");
        tape.reset();
        take_gradients("after a late tape was closed");
        require(seen >= 6, "all moments were seen");
        std::puts("static objects are gone too");
    }
};

AtTheEnd early{"in a static destructor"};
Late late;  // destroyed before `early`

}  // namespace

int main() {
    std::atexit([] { take_gradients("in atexit"); });
    thread_local AtTheEnd before{"in a thread-local destructor, the object being older than the record"};
    static_cast<void>(before);
    take_gradients("in main");
    thread_local AtTheEnd after{"in a thread-local destructor, the object being younger than the record"};
    static_cast<void>(after);
    std::thread([] {
        thread_local AtTheEnd own{"in a thread's own last moments"};
        static_cast<void>(own);
        take_gradients("in a thread");
    }).join();
    late.open();
    return 0;
}
