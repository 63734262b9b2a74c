# The set-up that examples/run.sh, tests/run.sh and bench/run.sh share: sourced, not run.
#
#   need_packages [name...]         installs what is missing, the build's own packages included
#   build <preset> <target>...      configures when needed and builds; quiet unless it fails
#
# Exit codes: 2 wrong use, 3 set-up failed, 4 build failed; otherwise the program's own.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(
    g++ cmake ninja-build
    libopenblas-openmp-dev libxtensor-dev xtl-dev libxsimd-dev librandom123-dev
    nlohmann-json3-dev zlib1g-dev libzip-dev libpng-dev libfmt-dev libcli11-dev doctest-dev libbenchmark-dev gnuplot-nox
)

# With ccache, a clone in another folder is served with what was compiled before.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

say() { printf '%s\n' "$*" >&2; }

usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: the packages named in cmake/setup.sh must already be there in some form"
        return 0
    fi
    local package missing=()
    for package in "${build_packages[@]}" "$@"; do
        [[ " ${missing[*]-} " == *" $package "* ]] || installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    local run=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "missing packages, and neither root nor sudo to install them. As root, run:"
            say "    apt-get update && apt-get install ${missing[*]}"
            exit 3
        fi
        run=(sudo)
    fi
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    run+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    # The package lists may be absent or stale; they are only fetched when the first attempt says so.
    if ! "${run[@]}" install --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null &&
        ! { "${run[@]}" update && "${run[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null
    then
        tail -n 20 "$log" >&2
        rm -f "$log"
        say "could not install ${missing[*]}; install them by hand and try again"
        exit 3
    fi
    rm -f "$log"
}

# Says nothing about a build that has nothing to do; shows how far it is on a terminal, one line otherwise.
watch_build() {
    local job=$1 log=$2 message=$3 ticks=0
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.1
        ticks=$((ticks + 1))
        if [ "$ticks" -lt 15 ]; then
            continue
        elif [ -t 2 ]; then
            printf '\r\033[K%s %s' "$message" "$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1)" >&2
        elif [ "$ticks" -eq 15 ]; then
            say "$message (the first time takes some minutes)"
        fi
    done
    if [ -t 2 ] && [ "$ticks" -ge 15 ]; then printf '\r\033[K' >&2; fi
}

build() {
    local preset=$1
    shift
    local tree=$root/build/$preset log=$root/build/$preset.log
    mkdir -p "$tree"
    # Two scripts started at once must not write into one build tree.
    exec 9>"$root/build/$preset.lock"
    flock 9
    if [ ! -f "$tree/build.ninja" ]; then
        say "configuring build/$preset"
        if ! (cd "$root" && cmake --preset "$preset" ${XGRAD_CMAKE_OPTIONS:-}) >"$log" 2>&1 9>&-; then
            tail -n 30 "$log" >&2
            say "configuring failed; the whole log is build/$preset.log"
            exit 4
        fi
    fi
    cmake --build "$tree" --parallel "$(nproc)" --target "$@" >"$log" 2>&1 9>&- </dev/null &
    local job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    watch_build "$job" "$log" "building $* in build/$preset"
    local status=0
    wait "$job" || status=$?
    trap - INT TERM
    if [ "$status" -ne 0 ]; then
        grep -E -A 12 'FAILED|[Ee]rror' "$log" | head -n 60 >&2
        say "the build failed; the whole log is build/$preset.log"
        exit 4
    fi
    exec 9>&-
}
