#!/usr/bin/env bash
# tests/fuzz/run.sh [seconds]
#
# Gives the readers of nn random files, mutations of what our own writers and others write, for so many seconds in all (default 60): each of them a
# FormatError or data, never a crash, a leak, undefined behaviour, or more memory than a small file may cost. A file that fails is kept in
# build/fuzz. Needs clang 14.
source "$(dirname "${BASH_SOURCE[0]}")/../../cmake/setup.sh"

case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        exit 0
        ;;
esac
seconds=${1:-60}
need_packages clang-14 libclang-rt-14-dev
build release fuzz_readers

parsers=(safetensors npz npy idx csv bytes characters)
failed=0
export ASAN_OPTIONS=detect_container_overflow=0  # the engine below is not instrumented: its vectors look overrun
for parser in "${parsers[@]}"; do
    folder=$root/build/fuzz/$parser
    mkdir -p "$folder/corpus"
    cp "$root"/tests/data/foreign/* "$folder/corpus"
    if ! "$root/build/release/tests/fuzz/readers" --parser="$parser" --seeds="$folder/corpus" \
        -max_total_time=$((seconds / ${#parsers[@]} + 1)) -max_len=4096 -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 \
        -artifact_prefix="$folder/" -print_final_stats=1 "$folder/corpus" >"$folder/log" 2>&1; then
        failed=$((failed + 1))
        tail -n 40 "$folder/log"
    fi
    printf '%-12s %s files\n' "$parser" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")"
done
echo "$((${#parsers[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
