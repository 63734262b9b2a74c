#!/usr/bin/env bash
# examples/run.sh [name] [options...]
# examples/run.sh all [--brief] [--out DIR]
#
# Sets everything up, builds the example and runs it. Without a name, or with an option first: fashion_mnist, which
# trains a classifier on 60 000 real images. Options go to the example; examples/run.sh NAME --help lists them at once.
# Exit codes: 0 all targets reached, 1 one was missed, 2 wrong use or an error, 3 set-up failed, 4 build failed.
#
# all runs every example and puts all figures beside their targets: DIR/results.json and a page, DIR/index.html
# (DIR is out unless given). --brief makes short runs, as the tests do.
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

# "1_basics/xor", in reading order.
examples() {
    local entry
    (cd "$root/examples" && for entry in [0-9]_*/*.cpp [0-9]_*/*/; do
        if [ -e "$entry" ]; then echo "${entry%/}"; fi
    done) | sed 's/\.cpp$//' | sort -u
}

# Every .help file begins with what the example does.
list() {
    local entry theme=
    while IFS= read -r entry; do
        [ "$theme" = "${entry%%/*}" ] || printf '\n  %s\n' "$(sed 's/^[0-9]_//' <<<"${entry%%/*}")"
        theme=${entry%%/*}
        printf '    %-22s %s\n' "${entry#*/}" "$(head -n 1 "$root/examples/$entry.help")"
    done < <(examples)
}

place_of() { examples | grep -x -- "[0-9]_[a-z]*/$1"; }

# Lines of an example's source: "// needs: …", the Debian packages that its data come from; "// also: --model gru", another run of it
# that belongs to all, whose folder and result are called NAME-gru.
lines_of() {
    local source=$root/examples/$2.cpp
    [ -e "$source" ] || source=$root/examples/$2/main.cpp
    sed -n "s|^// $1: ||p" "$source"
}
needs() { lines_of needs "$1"; }

# Data that a program of Debian's prints are put into out/ once.
prepare() {
    if [[ " $* " == *" bible-kjv-text "* ]] && [ ! -s "$root/out/kjv.txt" ]; then
        mkdir -p "$root/out"
        bible -f gen1:1-rev22:21 >"$root/out/kjv.part"
        mv "$root/out/kjv.part" "$root/out/kjv.txt"
    fi
}

run_all() {
    local out=out brief=() entry name status places=() packages=() missed=0
    while [ $# -gt 0 ]; do
        case $1 in
            --brief) brief=(--brief) ;;
            --out) out=${2:?--out needs a folder} && shift ;;
            *) say "all has no option '$1'" && exit 2 ;;
        esac
        shift
    done
    mapfile -t places < <(examples)
    for entry in "${places[@]}"; do read -ra more <<<"$(needs "$entry")" && packages+=(${more[@]+"${more[@]}"}); done
    need_packages "${packages[@]}"
    build release examples
    prepare "${packages[@]}"
    mkdir -p "$out"
    local results=() options
    for entry in "${places[@]}"; do
        while IFS= read -r options; do
            read -ra words <<<"$options"
            results+=("$entry${words[*]:+-${words[-1]}}")
            name=${results[-1]#*/}
            printf '== %s\n' "$name"
            rm -f "$out/$name/result.json"
            status=0
            "$root/build/release/examples/${entry#*/}" ${words[@]+"${words[@]}"} ${brief[@]+"${brief[@]}"} --out "$out/$name" </dev/null || status=$?
            [ "$status" -eq 0 ] || missed=1
            if [ ! -e "$out/$name/result.json" ]; then
                "$root/build/release/examples/gallery" "$out" --failed "$name" "examples/run.sh ${entry#*/} $options" \
                    "ended with code $status and no result"
            fi
        done < <(echo && lines_of also "$entry")
    done
    "$root/build/release/examples/gallery" "$out" "${results[@]}"
    exit "$missed"
}

name=fashion_mnist
case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        printf '\nExamples:\n'
        list
        exit 0
        ;;
    '' | -*) ;;
    *)
        name=$1
        shift
        ;;
esac
if [ "$name" = all ]; then
    case " $* " in *" --help "* | *" -h "*) usage "${BASH_SOURCE[0]}" && exit 0 ;; esac
    run_all "$@"
fi
if ! place=$(place_of "$name"); then
    say "no example '$name'; there are:"
    list >&2
    exit 2
fi

# At once, before anything is installed or built: tests compare the text with the program's own.
case " $* " in
    *" --help "* | *" -h "*)
        cat "$root/examples/$place.help"
        exit 0
        ;;
esac

read -ra packages <<<"$(needs "$place")" || true
# Who brings his own data needs no package.
case " $* " in *" --data"* | *" --text"*) packages=() ;; esac
need_packages ${packages[@]+"${packages[@]}"}
build release "$name"
prepare ${packages[@]+"${packages[@]}"}
exec "$root/build/release/examples/$name" "$@"
