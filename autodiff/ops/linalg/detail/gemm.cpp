#include "gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <initializer_list>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"

// Matrix products run in our own kernels up to the sizes at which CBLAS is faster.

extern "C" __attribute__((weak)) char* openblas_get_corename();  // absent if CBLAS is another library

namespace xgrad::detail {
namespace {

/// Up to this many multiplications, plain loops finish before a kernel would have started.
constexpr std::int64_t tiny_product = 64;

template <class T>
void tiny_gemm(const Gemm& s, const T* a, const T* b, T* c, const T* bias) {
    const std::int64_t row_a = s.transpose_a ? 1 : s.k, step_a = s.transpose_a ? s.m : 1;
    const std::int64_t column_b = s.transpose_b ? s.k : 1, step_b = s.transpose_b ? 1 : s.n;
    for (std::int64_t i = 0; i < s.m; ++i) {
        for (std::int64_t j = 0; j < s.n; ++j) {
            T dot = 0;
            for (std::int64_t l = 0; l < s.k; ++l) dot += a[i * row_a + l * step_a] * b[j * column_b + l * step_b];
            if (s.accumulate) dot += c[i * s.n + j];
            c[i * s.n + j] = bias ? dot + bias[j] : dot;
        }
    }
}

/// Unsigned, so that an overflow wraps around.
template <class T>
void integer_gemm(const Gemm& s, const T* a, const T* b, T* c) {
    using U = std::make_unsigned_t<T>;
    tiny_gemm(s, reinterpret_cast<const U*>(a), reinterpret_cast<const U*>(b), reinterpret_cast<U*>(c),
              static_cast<const U*>(nullptr));
}

void blas_gemm(const Gemm& s, const float* a, const float* b, double beta, float* c) {
    cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans,
                static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1, a,
                static_cast<int>(s.transpose_a ? s.m : s.k), b, static_cast<int>(s.transpose_b ? s.k : s.n),
                static_cast<float>(beta), c, static_cast<int>(s.n));
}
void blas_gemm(const Gemm& s, const double* a, const double* b, double beta, double* c) {
    cblas_dgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans,
                static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1, a,
                static_cast<int>(s.transpose_a ? s.m : s.k), b, static_cast<int>(s.transpose_b ? s.k : s.n), beta, c,
                static_cast<int>(s.n));
}

constinit thread_local void* kept_memory = nullptr;
constinit thread_local std::size_t kept_size = 0;
constinit thread_local bool thread_ends = false;

void replace_kept(void* memory, std::size_t size) {
    ::operator delete(std::exchange(kept_memory, memory), std::align_val_t{64});
    kept_size = size;
}

/// The kernels' buffer for packed operands. Each thread keeps its own, except during thread exit, when each call
/// allocates a buffer for itself.
class Scratch {
public:
    explicit Scratch(std::int64_t size) {
        const auto bytes = static_cast<std::size_t>(size);
        if (kept_size < bytes) [[unlikely]]
            make(bytes);
    }
    ~Scratch() { ::operator delete(for_this_call_, std::align_val_t{64}); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    void* memory() const { return for_this_call_ ? for_this_call_ : kept_memory; }

private:
    void make(std::size_t bytes) {
        struct Owner {
            ~Owner() {
                replace_kept(nullptr, 0);
                thread_ends = true;
            }
        };
        void* const memory = ::operator new(bytes, std::align_val_t{64});
        if (thread_ends) {
            for_this_call_ = memory;
            return;
        }
        thread_local Owner owner;
        static_cast<void>(owner);
        replace_kept(memory, bytes);
    }

    void* for_this_call_ = nullptr;
};

/// Columns [begin, end) of the product, or rows of it.
template <class T>
kernels::GemmProblem<T> piece_of(const Gemm& s, const T* a, const T* b, T* c, const T* bias, bool columns,
                                 std::int64_t begin, std::int64_t end) {
    const std::int64_t lda = s.transpose_a ? s.m : s.k, ldb = s.transpose_b ? s.k : s.n;
    kernels::GemmProblem<T> piece{s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, lda, b, ldb, c,
                                  s.n,           s.accumulate,  bias};
    if (columns) {
        piece.n = end - begin;
        piece.b += begin * (s.transpose_b ? ldb : 1);
        piece.c += begin;
        if (bias) piece.bias += begin;
    } else {
        piece.m = end - begin;
        piece.a += begin * (s.transpose_a ? 1 : lda);
        piece.c += begin * s.n;
    }
    return piece;
}

/// Calls run(piece) in parallel for pieces of the product by rows or columns; each piece is a multiple of `grain`.
template <class T, class Run>
void in_pieces(const Gemm& s, std::int64_t grain, const T* a, const T* b, T* c, const T* bias, const Run& run) {
    const bool columns = s.n > s.m;
    const std::int64_t size = columns ? s.n : s.m, units = (size + grain - 1) / grain,
                       threads = threads_for(work_of_product(s.work()), units);
    in_threads(threads, units, [&](std::int64_t first, std::int64_t last) {
        run(piece_of(s, a, b, c, bias, columns, first * grain, std::min(size, last * grain)));
    });
}

/// Sets c to the value that a product is to be added to.
template <class T>
void begin_with(const Gemm& s, T* c, const T* bias) {
    if (!bias) return;
    for (std::int64_t i = 0; i < s.m; ++i)
        for (std::int64_t j = 0; j < s.n; ++j) c[i * s.n + j] = bias[j] + (s.accumulate ? c[i * s.n + j] : T(0));
}

/// a (m,k) times the transpose of b (n,k), where one of them has few rows.
template <class T>
void run_thin(const kernels::GemmKernels& kernels, const Gemm& s, const T* a, const T* b, T* c, const T* bias) {
    begin_with(s, c, bias);
    const bool by_columns = s.n >= s.m,
               add = bias || s.accumulate;  // streams the rows of b, which are c's columns, past those of a
    const kernels::ThinProblem<T> whole = by_columns
                                              ? kernels::ThinProblem<T>{s.n, s.m, s.k, b, s.k, a, s.k, c, 1, s.n, add}
                                              : kernels::ThinProblem<T>{s.m, s.n, s.k, a, s.k, b, s.k, c, s.n, 1, add};
    constexpr std::int64_t grain = 16;
    const std::int64_t units = (whole.m + grain - 1) / grain, threads = threads_for(work_of_product(s.work()), units);
    in_threads(threads, units, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t begin = first * grain;
        kernels::ThinProblem<T> piece = whole;
        piece.m = std::min(whole.m, last * grain) - begin;
        piece.rows += begin * whole.row_stride;
        piece.c += begin * whole.c_row;
        kernels.run(piece);
    });
}

template <class T>
void run(const Gemm& s, const T* a, const T* b, T* c, const T* bias) {
    if (s.work() <= tiny_product) return tiny_gemm(s, a, b, c, bias);
    const kernels::GemmKernels& kernels = kernels::active().gemm;
    if (!s.transpose_a && (s.transpose_b || s.n == 1) && std::min(s.m, s.n) <= kernels.few(s.k))
        return run_thin(kernels, s, a, b, c, bias);
    if (s.n == 1) {  // a matrix stored along m and a vector: multiply the vector as a row by the matrix
        begin_with(s, c, bias);
        return run<T>({false, false, 1, s.m, s.k, bias || s.accumulate}, b, a, c, nullptr);
    }
    // CBLAS needs a separate pass over c for the bias; packing b costs little in comparison if c is larger than b.
    const bool favoured = s.transpose_a || (bias && s.k <= s.m);
    if (s.work() > (favoured ? kernels.largest_transposed : kernels.largest) && !better_blas_core()) {
        begin_with(s, c, bias);
        return blas_gemm(s, a, b, bias || s.accumulate ? 1 : 0, c);
    }
    in_pieces(s, 16, a, b, c, bias, [&](const kernels::GemmProblem<T>& piece) {
        kernels.run(piece, Scratch(kernels.scratch_bytes).memory());
    });
}

/// With the processor's bf16 instructions, or in f32 with rounded operands.
void run_bf16(const Gemm& s, const float* a, const float* b, float* c, const float* bias) {
    constexpr std::int64_t enough = 4096;  // to make up for the setup cost
    if (kernels::bf16() && s.work() >= enough && s.m * s.n > 1)
        return in_pieces(s, 32, a, b, c, bias, [](const kernels::GemmProblem<float>& piece) { product_bf16({piece}); });
    const Tensor rounded_a = rounded_to_bf16(a, s.m * s.k), rounded_b = rounded_to_bf16(b, s.k * s.n);
    run(s, static_cast<const float*>(TensorAccess::data(rounded_a)),
        static_cast<const float*>(TensorAccess::data(rounded_b)), c, bias);
}

}  // namespace

const char* better_blas_core() {
    static const char* const better = []() -> const char* {
        if (!openblas_get_corename) return nullptr;
        const std::string_view isa = kernels::active().isa, core = openblas_get_corename();
        const auto among = [&](std::initializer_list<std::string_view> cores) {
            return std::find(cores.begin(), cores.end(), core) != cores.end();
        };
        // AMD's Zen 4 processes an AVX-512 vector in two steps, so AVX2 kernels reach its peak too.
        if (among({"SkylakeX", "Cooperlake", "SapphireRapids", "Zen"})) return nullptr;
        if (isa == "avx512") return "SkylakeX";
        return isa == "avx2" && !among({"Haswell", "Excavator"}) ? "Haswell" : nullptr;
    }();
    return better;
}

void gemm(const Gemm& size, const std::int32_t* a, const std::int32_t* b, std::int32_t* c) {
    integer_gemm(size, a, b, c);
}
void gemm(const Gemm& size, const std::int64_t* a, const std::int64_t* b, std::int64_t* c) {
    integer_gemm(size, a, b, c);
}
void gemm(const Gemm& size, const float* a, const float* b, float* c, const float* bias) {
    if (size.precision == Precision::bf16) run_bf16(size, a, b, c, bias);
    else run(size, a, b, c, bias);
}
void gemm(const Gemm& size, const double* a, const double* b, double* c, const double* bias) {
    run(size, a, b, c, bias);
}

void product_bf16(const kernels::Bf16Problem& problem) {
    const kernels::Bf16Kernels& kernels = *kernels::bf16();
    kernels.product(problem, Scratch(kernels.scratch_bytes).memory());
}

Tensor rounded_to_bf16(const float* from, std::int64_t count) {
    Tensor to = empty({count}, DType::f32);
    kernels::active().gemm.round_to_bf16(from, static_cast<float*>(TensorAccess::data(to)), count);
    return to;
}

template <class T>
PackedMatrix<T>::PackedMatrix(const T* b, bool transposed, std::int64_t n, std::int64_t k) : n_(n), k_(k) {
    const kernels::PackedTable<T>& packed = kernels::active().gemm.packed<T>();
    memory_ = empty({k, (n + packed.panel - 1) / packed.panel * packed.panel}, dtype_of<T>());
    packed.pack(b, transposed ? k : n, transposed, n, k, static_cast<T*>(TensorAccess::data(memory_)));
}

template <class T>
void PackedMatrix<T>::product(std::int64_t m, const T* a, T* c, bool accumulate, const T* bias) const {
    const kernels::PackedTable<T>& packed = kernels::active().gemm.packed<T>();
    const T* b = static_cast<const T*>(TensorAccess::data(memory_));
    const std::int64_t panels = (n_ + packed.panel - 1) / packed.panel;
    parallel_for(panels, work_of_product(m * n_ * k_), [&](std::int64_t first, std::int64_t last) {
        packed.run(
            {m, n_, k_, a, nullptr, b, c, first * packed.panel, std::min(last * packed.panel, n_), accumulate, bias});
    });
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace xgrad::detail
