#!/usr/bin/env bash
# bench/build_cost.sh
#
# What using the library costs: time and peak memory to compile a ten-line program, and size of the stripped shared library.
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        exit 0
        ;;
esac
need_packages time

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ten_lines.cpp" <<'END'
#include <autodiff/autodiff.hpp>
#include <iostream>
using namespace xgrad;
int main() {
    Tape tape;
    Tensor x = tape.watch(tensor({1.0, 2.0, 3.0}));
    Tensor y = sum(square(tanh(x)));
    std::cout << tape.gradient(y, x) << '\n';
}
END

compiler=${CXX:-g++}
measure() {  # flags -> "seconds kilobytes", the median of five by time
    local i
    for i in 1 2 3 4 5; do
        /usr/bin/time -f '%e %M' -o "$work/cost" "$compiler" -std=c++20 "$@" -I "$root" -c "$work/ten_lines.cpp" -o "$work/ten_lines.o"
        cat "$work/cost"
    done | sort -n | sed -n 3p
}
for flags in -O0 -O2; do
    read -r seconds kilobytes < <(measure $flags)
    echo "a ten-line program, $compiler $flags: $seconds s, $((kilobytes / 1024)) MB"
done

tree=$root/build/shared
log=$root/build/shared.log
mkdir -p "$root/build"
if ! { cmake -S "$root" --preset release -B "$tree" -DBUILD_SHARED_LIBS=ON -DXGRAD_BUILD_TESTS=OFF -DXGRAD_BUILD_EXAMPLES=OFF \
    -DXGRAD_BUILD_BENCH=OFF && cmake --build "$tree" --parallel "$(nproc)"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    exit 4
fi
for name in autodiff nn; do
    strip -o "$work/lib$name.so" "$(readlink -f "$tree/$name/libxgrad_$name.so")"
    bytes=$(stat -c %s "$work/lib$name.so")
    echo "libxgrad_$name.so stripped: $((bytes / 1024)) KiB"
done
