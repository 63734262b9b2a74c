#pragma once

#include <cblas.h>

#include <algorithm>
#include <cstddef>
#include <vector>

// LAPACK and related BLAS routines for each element type, with arguments by value instead of by address. This is the
// only file that names their symbols. LAPACK is column-major and sees a row-major matrix as its transpose; callers
// choose their routines so that nothing has to be transposed. Not for users.

namespace xgrad::detail {

// The types of the Fortran routines, for any element type; the lengths of character arguments come last.
template <class T>
using Getrf = void(const int* m, const int* n, T* a, const int* lda, int* pivots, int* info);
template <class T>
using Getri = void(const int* n, T* a, const int* lda, const int* pivots, T* work, const int* size, int* info);
template <class T>
using Gecon = void(const char* norm, const int* n, const T* a, const int* lda, const T* norm_of_a, T* rcond, T* work,
                   int* integers, int* info, std::size_t);
template <class T>
using Potrf = void(const char* triangle, const int* n, T* a, const int* lda, int* info, std::size_t);
template <class T>
using Gelqf = void(const int* m, const int* n, T* a, const int* lda, T* tau, T* work, const int* size, int* info);
template <class T>
using Orglq = void(const int* m, const int* n, const int* k, T* a, const int* lda, const T* tau, T* work,
                   const int* size, int* info);
template <class T>
using Syevd = void(const char* job, const char* triangle, const int* n, T* a, const int* lda, T* w, T* work,
                   const int* size, int* integers, const int* integers_size, int* info, std::size_t, std::size_t);
template <class T>
using Gesdd = void(const char* job, const int* m, const int* n, T* a, const int* lda, T* s, T* u, const int* ldu, T* vt,
                   const int* ldvt, T* work, const int* size, int* integers, int* info, std::size_t);

extern "C" {
Getrf<float> sgetrf_;
Getrf<double> dgetrf_;
Getri<float> sgetri_;
Getri<double> dgetri_;
Gecon<float> sgecon_;
Gecon<double> dgecon_;
Potrf<float> spotrf_;
Potrf<double> dpotrf_;
Gelqf<float> sgelqf_;
Gelqf<double> dgelqf_;
Orglq<float> sorglq_;
Orglq<double> dorglq_;
Syevd<float> ssyevd_;
Syevd<double> dsyevd_;
Gesdd<float> sgesdd_;
Gesdd<double> dgesdd_;
}

template <class T>
struct Lapack;

template <>
struct Lapack<float> {
    static constexpr auto getrf = sgetrf_;
    static constexpr auto getri = sgetri_;
    static constexpr auto gecon = sgecon_;
    static constexpr auto potrf = spotrf_;
    static constexpr auto gelqf = sgelqf_;
    static constexpr auto orglq = sorglq_;
    static constexpr auto syevd = ssyevd_;
    static constexpr auto gesdd = sgesdd_;
    static constexpr auto trsm = cblas_strsm;
    static constexpr auto trmm = cblas_strmm;
    static constexpr auto gemm = cblas_sgemm;
};

template <>
struct Lapack<double> {
    static constexpr auto getrf = dgetrf_;
    static constexpr auto getri = dgetri_;
    static constexpr auto gecon = dgecon_;
    static constexpr auto potrf = dpotrf_;
    static constexpr auto gelqf = dgelqf_;
    static constexpr auto orglq = dorglq_;
    static constexpr auto syevd = dsyevd_;
    static constexpr auto gesdd = dgesdd_;
    static constexpr auto trsm = cblas_dtrsm;
    static constexpr auto trmm = cblas_dtrmm;
    static constexpr auto gemm = cblas_dgemm;
};

/// Calls f(work, size) twice: to query the size of the workspace, then with the workspace.
template <class T, class F>
void with_work_space(const F& f) {
    T wanted = 0;
    f(&wanted, -1);
    std::vector<T> work(std::max<std::size_t>(1, static_cast<std::size_t>(wanted)));
    f(work.data(), static_cast<int>(work.size()));
}

/// a = P·L·U in place, column-major. Returns the number of the first zero pivot, counted from 1, or 0.
template <class T>
int lu_in_place(int n, T* a, int* pivots) {
    int info = 0;
    Lapack<T>::getrf(&n, &n, a, &n, pivots, &info);
    return info;
}

/// The inverse, computed from lu_in_place's factors.
template <class T>
void inverse_in_place(int n, T* lu, const int* pivots) {
    int info = 0;
    with_work_space<T>([&](T* work, int size) { Lapack<T>::getri(&n, lu, &n, pivots, work, &size, &info); });
}

/// An estimate of 1 / (|a| |a⁻¹|) in the column-sum norm, from the factors.
template <class T>
T reciprocal_condition(int n, const T* lu, T norm) {
    std::vector<T> work(static_cast<std::size_t>(4 * n));
    std::vector<int> integers(static_cast<std::size_t>(n));
    T rcond = 0;
    int info = 0;
    Lapack<T>::gecon("1", &n, lu, &n, &norm, &rcond, work.data(), integers.data(), &info, 1);
    return rcond;
}

/// a = l·lᵀ: the row-major lower triangle becomes l. Returns the order of the first leading minor that is not positive,
/// or 0.
template <class T>
int cholesky_in_place(int n, T* a) {
    int info = 0;
    Lapack<T>::potrf("U", &n, a, &n, &info, 1);
    return info;
}

/// a (m,n), row-major, = q·r: the upper triangle becomes r; the rest and tau describe q. In column-major terms this is
/// an LQ decomposition.
template <class T>
void qr_in_place(int m, int n, T* a, T* tau) {
    int info = 0;
    with_work_space<T>([&](T* work, int size) { Lapack<T>::gelqf(&n, &m, a, &n, tau, work, &size, &info); });
}
/// The first k columns of q (m,k), row-major, replacing what qr_in_place left in the first k elements of each row.
template <class T>
void orthogonal_in_place(int m, int k, T* a, const T* tau) {
    int info = 0;
    with_work_space<T>([&](T* work, int size) { Lapack<T>::orglq(&k, &m, &k, a, &k, tau, work, &size, &info); });
}

/// The eigenvalues, ascending, of the symmetric matrix in the row-major lower triangle; the eigenvectors become the
/// rows of a.
template <class T>
int symmetric_eigen_in_place(int n, T* a, T* w) {
    int info = 0, integers_wanted = 0, minus_one = -1;
    T wanted = 0;
    Lapack<T>::syevd("V", "U", &n, a, &n, w, &wanted, &minus_one, &integers_wanted, &minus_one, &info, 1, 1);
    std::vector<T> work(std::max<std::size_t>(1, static_cast<std::size_t>(wanted)));
    std::vector<int> integers(std::max<std::size_t>(1, static_cast<std::size_t>(integers_wanted)));
    const int size = static_cast<int>(work.size()), integers_size = static_cast<int>(integers.size());
    Lapack<T>::syevd("V", "U", &n, a, &n, w, work.data(), &size, integers.data(), &integers_size, &info, 1, 1);
    return info;
}

/// a (m,n), row-major and destroyed, = u (m,k) · s · vh (k,n), row-major; u and vh are null if only the singular values
/// are needed.
template <class T>
int singular_values(int m, int n, T* a, T* u, T* s, T* vh) {
    const int k = std::min(m, n);
    std::vector<int> integers(static_cast<std::size_t>(8 * k));
    int info = 0;
    with_work_space<T>([&](T* work, int size) {
        Lapack<T>::gesdd(u ? "S" : "N", &n, &m, a, &n, s, vh, &n, u, &k, work, &size, integers.data(), &info, 1);
    });
    return info;
}

}  // namespace xgrad::detail
