#!/usr/bin/env bash
# check.sh headers|accepted|refused <compiler> <project> <build folder> [<source>]
#
# headers: precompiles all.hpp. accepted: the source compiles. refused: it compiles with -DCASE=0, and for each line
# `#if CASE == n  // sentence` or `#elif …` it does not with -DCASE=n, and the errors contain one of the sentences, which "|" separates.
set -euo pipefail

kind=$1 compiler=$2 project=$3 tree=$4 source=${5-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
flags=(-std=c++20 -Wall -Wextra -Werror -Wno-unused -Wno-unused-parameter -DXGRAD_STATIC -I"$project")

if [ "$kind" = headers ]; then
    mkdir -p "$tree"
    cp "$here/all.hpp" "$tree/all.hpp"
    "$compiler" "${flags[@]}" -x c++-header "$tree/all.hpp" -o "$tree/all.hpp.gch"
    exit
fi
compile() { "$compiler" "${flags[@]}" -include "$tree/all.hpp" -fsyntax-only "-DCASE=$1" "$source" 2>&1; }

if ! output=$(compile 0); then
    printf '%s must compile:\n%s\n' "$source" "$output"
    exit 1
fi
[ "$kind" = refused ] || exit 0

failed=0 cases=0
while IFS= read -r line; do
    [[ $line =~ ^#(el)?if\ CASE\ ==\ ([0-9]+)\ +//\ (.+)$ ]] || continue
    number=${BASH_REMATCH[2]} sentence=${BASH_REMATCH[3]}
    cases=$((cases + 1))
    if output=$(compile "$number"); then
        printf '%s: case %s compiles\n' "$source" "$number"
        failed=1
    elif ! grep -qE "error: .*($sentence)" <<<"$output"; then
        printf '%s: case %s does not say "%s" but\n%s\n' "$source" "$number" "$sentence" "$output"
        failed=1
    fi
done <"$source"
[ "$cases" -gt 0 ] || { echo "$source: no cases"; exit 1; }
exit "$failed"
