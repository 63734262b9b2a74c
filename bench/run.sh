#!/usr/bin/env bash
# bench/run.sh [engine | functional | allocations | build_cost | products | compare] [options...]
#
# Sets everything up, builds and measures.
#     engine       (default) tape length, shared nodes, cost of one operation; options of Google Benchmark
#     functional   a mixture model's gradient against one by hand, a Hessian, a Jacobian, vmap, checkpoints
#     allocations  heap allocations and peak bytes of a training step
#     build_cost   time and memory to compile a ten-line program, size of the shared library
#     products     matrix products of 240 shapes beside OpenBLAS and oneDNN, as shares of the processor's peak; OMP_NUM_THREADS threads (1), options of
#                  Google Benchmark; also written to bench/results/products.json
#     compare      the table against libtorch, also written to bench/results, a file for each kind of processor; compare --help for its options
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

what=engine
case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        exit 0
        ;;
    '' | -*) ;;
    *)
        what=$1
        shift
        ;;
esac

case $what in
    engine | functional | allocations)
        need_packages
        build release "bench_$what"
        exec "$root/build/release/bench/$what" "$@"
        ;;
    products)
        need_packages libdnnl-dev
        if [ -f "$root/build/release/build.ninja" ] && ! grep -q bench_products "$root/build/release/build.ninja"; then
            (cd "$root" && cmake --preset release >/dev/null)
        fi
        build release bench_products
        cd "$root"
        OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} exec "$root/build/release/bench/products" "$@"
        ;;
    build_cost) exec "$root/bench/build_cost.sh" "$@" ;;
    compare)
        need_packages libtorch-dev
        # A tree configured before libtorch came does not know it.
        if [ -f "$root/build/release/build.ninja" ] && ! grep -q libtorch_side "$root/build/release/build.ninja"; then
            (cd "$root" && cmake --preset release >/dev/null)
        fi
        build release compare xgrad_side libtorch_side
        cd "$root"
        exec "$root/build/release/bench/compare" "$@"
        ;;
    *)
        say "no benchmark '$what'; see bench/run.sh --help"
        exit 2
        ;;
esac
