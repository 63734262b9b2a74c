#!/usr/bin/env bash
# examples/run.sh [name] [options...]
#
# Sets everything up, builds the example and runs it. Without a name, or with an option first: fashion_mnist, which
# trains a classifier on 60 000 real images. Options go to the example; examples/run.sh fashion_mnist --help lists them at once.
# Unless another text is given, text learns the King James Bible, which is put into out/.
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

examples() {
    local entry
    for entry in "$root"/examples/*.cpp "$root"/examples/*/; do
        if [ -e "$entry" ]; then basename "$entry" .cpp; fi
    done | sort -u
}

name=fashion_mnist
case ${1-} in
    -h | --help)
        usage "${BASH_SOURCE[0]}"
        printf '\nExamples:\n'
        examples | sed 's/^/    /'
        exit 0
        ;;
    '' | -*) ;;
    *)
        name=$1
        shift
        ;;
esac
if ! examples | grep -qx -- "$name"; then
    say "no example '$name'; there are:"
    examples | sed 's/^/    /' >&2
    exit 2
fi

# At once, before anything is installed or built: tests compare the text with the program's own.
case " $* " in
    *" --help "* | *" -h "*)
        cat "$root/examples/$name.help"
        exit 0
        ;;
esac

data=()
options=()
case $name in
    fashion_mnist) [[ " $* " == *" --data"* ]] || data=(dataset-fashion-mnist) ;;
    text)
        case " $* " in
            *" --text"*) ;;
            *)
                data=(bible-kjv bible-kjv-text)
                options=(--text out/kjv.txt)
                ;;
        esac
        ;;
esac
need_packages ${data[@]+"${data[@]}"}
build release "$name"
if [ ${#options[@]} -gt 0 ] && [ ! -s out/kjv.txt ]; then
    mkdir -p out
    bible -f gen1:1-rev22:21 >out/kjv.part
    mv out/kjv.part out/kjv.txt
fi
exec "$root/build/release/examples/$name" ${options[@]+"${options[@]}"} "$@"
