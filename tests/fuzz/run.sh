#!/usr/bin/env bash
# tests/fuzz/run.sh [seconds]
# tests/fuzz/run.sh arguments [seconds]
#
# Gives the readers of nn random files, mutations of what our own writers and others write, for so many seconds in all (default 60): each of them a
# FormatError or data, never a crash, a leak, undefined behaviour, or more memory than a small file may cost. With arguments, calls the public
# functions of the engine with odd arguments instead (for which all of it is built again): each call a result or an error that names the function
# and the caller's line. What fails is kept in build/fuzz. Needs clang 14.
source "$(dirname "${BASH_SOURCE[0]}")/../../cmake/setup.sh"

case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        exit 0
        ;;
esac
what=readers
if [ "${1-}" = arguments ]; then
    what=arguments
    shift
fi
seconds=${1:-60}
need_packages clang-14 libclang-rt-14-dev
build release "fuzz_$what"

parsers=(safetensors npz npy idx csv bytes characters pieces)
failed=0
# detect_container_overflow: what lies below is not instrumented, so that its vectors look overrun.
export ASAN_OPTIONS=detect_container_overflow=0:allocator_may_return_null=1:max_allocation_size_mb=512

# attack <name> <program> <seconds> <option...>
attack() {
    local name=$1 program=$root/build/release/tests/fuzz/$2 folder=$root/build/fuzz/$1
    mkdir -p "$folder/corpus"
    if ! "$program" -max_total_time="$3" -timeout=5 -rss_limit_mb=1024 -artifact_prefix="$folder/" -print_final_stats=1 "${@:4}" \
        "$folder/corpus" >"$folder/log" 2>&1; then
        failed=$((failed + 1))
        tail -n 40 "$folder/log"
    fi
    printf '%-12s %s inputs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")"
}

if [ "$what" = arguments ]; then
    attack arguments arguments_fuzzer "$seconds" -max_len=128 -malloc_limit_mb=0
    echo "$((1 - failed)) passed, $failed failed"
    exit "$failed"
fi
for parser in "${parsers[@]}"; do
    mkdir -p "$root/build/fuzz/$parser/corpus"
    cp "$root"/tests/data/foreign/* "$root/build/fuzz/$parser/corpus"
    attack "$parser" readers_fuzzer $((seconds / ${#parsers[@]} + 1)) --parser="$parser" --seeds="$root/build/fuzz/$parser/corpus" \
        -max_len=4096 -malloc_limit_mb=256
done
echo "$((${#parsers[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
