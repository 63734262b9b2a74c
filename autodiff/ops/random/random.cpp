#include "random.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "detail/stream.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// Fills a tensor with make(words, elements, count), one chunk at a time; every element takes `words` words of the
/// stream.
template <class T, class F>
void fill(Tensor& out, Generator& generator, Int words, const F& make) {
    constexpr Int blocks_of_chunk = 64, words_of_chunk = 4 * blocks_of_chunk;
    const Int n = out.size();
    T* to = elements<T>(out);
    const Int blocks = (n * words + 3) / 4, per = words_of_chunk / words;
    const Generator::Draw drawn = generator.draw(static_cast<std::uint64_t>(blocks));
    parallel_for((n + per - 1) / per, n * 4, [&](Int begin, Int end) {
        std::uint32_t stream[words_of_chunk];
        for (Int chunk = begin; chunk < end; ++chunk) {
            const Int count = std::min(per, n - chunk * per);
            for (Int b = 0; b < (count * words + 3) / 4; ++b) {
                const Block block =
                    block_of(drawn.seed, drawn.first + static_cast<std::uint64_t>(chunk * blocks_of_chunk + b));
                std::copy_n(block.word, 4, stream + 4 * b);
            }
            make(stream, to + chunk * per, count);
        }
    });
}

__extension__ typedef unsigned __int128 Wide;

/// A number in [0, range), without bias (Lemire 2019); range 0 means 2^64. Draws from the blocks of one counter.
std::uint64_t bounded(std::uint64_t seed, std::uint64_t counter, std::uint64_t range) {
    for (std::uint32_t again = 0;; ++again) {
        const Block block = block_of(seed, counter, again);
        for (int i = 0; i < 2; ++i) {
            if (range == 0) return wide(block.word + 2 * i);
            const Wide product = static_cast<Wide>(wide(block.word + 2 * i)) * range;
            if (static_cast<std::uint64_t>(product) >= -range % range) return static_cast<std::uint64_t>(product >> 64);
        }
    }
}

void check_shape(const Shape& shape, const char* name, Location where) { count_elements(shape, name, where); }

Tensor result_of(const char* name, const Shape& shape, DType dtype, Location where) {
    return named(name, where, [&] { return empty(shape, dtype, where); });
}

Tensor empty_floats(const Shape& shape, DType dtype, const char* name, Location where) {
    check_shape(shape, name, where);
    check_floating(dtype, name, where);
    return result_of(name, shape, dtype, where);
}

}  // namespace

namespace {
thread_local DrawLog* innermost_log = nullptr;
}

DrawLog::DrawLog(std::vector<Generator::Draw>& draws, bool repeats)
    : draws_(draws), repeats_(repeats), enclosing_(std::exchange(innermost_log, this)) {}
DrawLog::~DrawLog() { innermost_log = enclosing_; }

bool drawing_again() {
    for (const DrawLog* log = innermost_log; log; log = log->enclosing_)
        if (log->repeats_) return true;
    return false;
}

Generator::Draw Generator::draw(std::uint64_t blocks) {
    DrawLog* source = innermost_log;  // the innermost log that repeats and is not exhausted, if any
    while (source && !(source->repeats_ && source->next_ < source->draws_.size())) source = source->enclosing_;
    Draw drawn{seed_, counter_};
    if (source) drawn = source->draws_[source->next_++];
    else counter_ += blocks;
    for (DrawLog* log = innermost_log; log != source; log = log->enclosing_)
        if (!log->repeats_) log->draws_.push_back(drawn);
    return drawn;
}

std::uint32_t Generator::operator()() {
    const Draw drawn = draw(1);
    return block_of(drawn.seed, drawn.first).word[0];
}

namespace {

/// The process-wide state from which the streams of all threads are derived.
struct Process {
    std::mutex mutex;  // guards seed and streams
    std::uint64_t seed = 0, streams = 0;  // how many threads have taken a stream of this seed
    std::atomic<std::uint64_t> reseeded{1};  // counts reseedings, so that threads notice them
};
Process& process() {
    static Process shared;
    return shared;
}

struct ThreadStream {
    Generator generator;
    std::uint64_t reseeded = 0;  // its value when the generator was derived
    bool seeded_here = false;  // by manual_seed in this thread: calls in other threads have no effect
};
ThreadStream& thread_stream() {
    thread_local ThreadStream stream;
    return stream;
}

}  // namespace

Generator& default_generator() {
    ThreadStream& own = thread_stream();
    Process& shared = process();
    if (!own.seeded_here && own.reseeded != shared.reseeded.load(std::memory_order_acquire)) {
        const std::lock_guard lock(shared.mutex);
        const std::uint64_t number = shared.streams++;
        own.generator = Generator(number == 0 ? shared.seed : mix(shared.seed, number));
        own.reseeded = shared.reseeded.load(std::memory_order_relaxed);
    }
    return own.generator;
}

void manual_seed(std::uint64_t seed) {
    Process& shared = process();
    {
        const std::lock_guard lock(shared.mutex);
        shared.seed = seed;
        shared.streams = 1;  // the first one belongs to this thread
        shared.reseeded.fetch_add(1, std::memory_order_release);
    }
    ThreadStream& own = thread_stream();
    own.generator = Generator(seed);
    own.seeded_here = true;
}

Tensor rand(const Shape& shape, Generator& generator, DType dtype, Location where) {
    Tensor out = empty_floats(shape, dtype, "rand", where);
    if (dtype == DType::f32)
        fill<float>(out, generator, 1, [](const std::uint32_t* words, float* to, Int n) {
            for (Int i = 0; i < n; ++i) to[i] = static_cast<float>(static_cast<std::int32_t>(words[i] >> 8)) * 0x1p-24f;
        });
    else
        fill<double>(out, generator, 2, [](const std::uint32_t* words, double* to, Int n) {
            for (Int i = 0; i < n; ++i) to[i] = unit53(wide(words + 2 * i));
        });
    return out;
}

Tensor randn(const Shape& shape, Generator& generator, DType dtype, Location where) {
    Tensor out = empty_floats(shape, dtype, "randn", where);
    if (dtype == DType::f32)
        fill<float>(out, generator, 1, [](const std::uint32_t* words, float* to, Int n) {
            for (Int i = 0; i < n; i += 2) {  // whole blocks are drawn, so an odd last element has its second word
                float two[2];
                box_muller((static_cast<double>(words[i]) + 1) * 0x1p-32, static_cast<double>(words[i + 1]) * 0x1p-32,
                           two);
                to[i] = two[0];
                if (i + 1 < n) to[i + 1] = two[1];
            }
        });
    else
        fill<double>(out, generator, 2, [](const std::uint32_t* words, double* to, Int n) {
            for (Int i = 0; i < n; i += 2) {
                double two[2];
                box_muller(1 - unit53(wide(words + 2 * i)), unit53(wide(words + 2 * i + 2)), two);
                to[i] = two[0];
                if (i + 1 < n) to[i + 1] = two[1];
            }
        });
    return out;
}

Tensor randint(Int low, Int high, const Shape& shape, Generator& generator, DType dtype, Location where) {
    check_shape(shape, "randint", where);
    check<ValueError>(low < high, where, [&] {
        return "randint: low must be below high, got " + std::to_string(low) + " and " + std::to_string(high);
    });
    const Int first_outside = dtype == DType::boolean ? 2
                              : dtype == DType::i32   ? Int{1} << 31
                                                      : std::numeric_limits<Int>::max();
    check<ValueError>(high <= first_outside && (dtype != DType::i32 || low >= -first_outside) &&
                          (dtype != DType::boolean || low >= 0),
                      where, [&] {
                          return "randint: the range must fit " + std::string(name_of(dtype)) + ", got " +
                                 std::to_string(low) + " to " + std::to_string(high);
                      });
    Tensor out = result_of("randint", shape, dtype, where);
    const Int n = out.size();
    const Generator::Draw drawn = generator.draw(static_cast<std::uint64_t>(n));
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    with_any(dtype, [&]<class T>(T) {
        T* to = elements<T>(out);
        parallel_for(n, n * 4, [&](Int begin, Int end) {
            for (Int i = begin; i < end; ++i)
                to[i] = static_cast<T>(
                    static_cast<Int>(static_cast<std::uint64_t>(low) +
                                     bounded(drawn.seed, drawn.first + static_cast<std::uint64_t>(i), range)));
        });
    });
    return out;
}

Tensor bernoulli(double p, const Shape& shape, Generator& generator, DType dtype, Location where) {
    check_shape(shape, "bernoulli", where);
    check<ValueError>(p >= 0 && p <= 1, where,
                      [&] { return "bernoulli: p must be in [0, 1], got " + PlainNumber(p).text(); });
    Tensor out = result_of("bernoulli", shape, dtype, where);
    // Of the 2^32 possible words, those below p * 2^32 give 1: none for p = 0, all for p = 1.
    const auto limit = static_cast<std::uint64_t>(std::ceil(p * 0x1p32));
    const auto last = static_cast<std::uint32_t>(limit - 1);
    with_any(dtype, [&]<class T>(T) {
        fill<T>(out, generator, 1, [limit, last](const std::uint32_t* words, T* to, Int n) {
            if (limit == 0) return std::fill_n(to, n, T(0)), void();
            for (Int i = 0; i < n; ++i)
                to[i] = static_cast<T>(words[i] <= last);  // no branch: it could not be predicted
        });
    });
    return out;
}

Tensor permutation(Int n, Generator& generator, Location where) {
    check<ValueError>(n >= 0, where, [&] { return "permutation: n must not be negative, got " + std::to_string(n); });
    check_shape({n}, "permutation", where);
    Tensor out = result_of("permutation", {n}, DType::i64, where);
    Int* to = elements<Int>(out);
    const Generator::Draw drawn = generator.draw(static_cast<std::uint64_t>(n));
    for (Int i = 0; i < n; ++i) {  // the inside-out Fisher-Yates shuffle
        const auto j = static_cast<Int>(
            bounded(drawn.seed, drawn.first + static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) + 1));
        if (j != i) to[i] = to[j];
        to[j] = i;
    }
    return out;
}

}  // namespace xgrad
