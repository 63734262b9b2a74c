#!/usr/bin/env bash
# tests/run.sh [--preset NAME] [ctest options...]
# tests/run.sh fuzz [--seeds N] [--first S]
#
# Sets everything up, builds and runs all tests; the last lines say with which instruction sets, and count: "N passed, N failed".
# Presets: release (default), debug, asan-ubsan, tsan. For a part of the tests: tests/run.sh -R matmul
# fuzz runs N random programs (default 2000) with xgrad and with libtorch (libtorch-dev) and compares all values and gradients; ctest runs
# 300 of them where libtorch is installed.
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

preset=release
case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --preset)
        preset=${2:?--preset needs a name}
        shift 2
        ;;
esac

if [ "${1-}" = fuzz ]; then
    shift
    need_packages libtorch-dev
    # A tree configured before libtorch came does not know it.
    if [ -f "$root/build/release/build.ninja" ] && ! grep -q oracle "$root/build/release/build.ninja"; then
        (cd "$root" && cmake --preset release >/dev/null)
    fi
    build release oracle
    [[ " $* " == *" --seeds "* ]] || set -- --seeds 2000 "$@"
    exec "$root/build/release/tests/oracle/oracle" "$@"
fi

need_packages patch
build "$preset" tests
cd "$root"
status=0
export OMP_WAIT_POLICY=passive  # tests run side by side: threads that spin would slow their neighbours down
[ "$preset" != tsan ] || export OMP_NUM_THREADS=1  # the OpenMP runtime is not instrumented: its barriers look like races
ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error "$@" </dev/null 2>&1 | tee "build/$preset.ctest" || status=$?
# "98% tests passed, 3 tests failed out of 150"
read -r failed total < <(sed -n 's/.*passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 \2/p' "build/$preset.ctest") || {
    failed=1
    total=1
}
[ "$failed" -eq 0 ] || [ "$status" -ne 0 ] || status=1
[ "$status" -eq 0 ] || [ "$failed" -ne 0 ] || failed=1
# The processor's best one in every test, the others where everything ran again.
if [ -x "build/$preset/tests/xgrad_tests" ]; then
    again=$(sed -n 's/.*everything again with XGRAD_ISA=\([a-z0-9]*\) .*Passed.*/\1/p' "build/$preset.ctest" | paste -sd ' ')
    echo "instruction sets: $("build/$preset/tests/xgrad_tests" --isa)${again:+, and everything again with $again}"
fi
echo "$((total - failed < 0 ? 0 : total - failed)) passed, $failed failed"
exit "$status"
