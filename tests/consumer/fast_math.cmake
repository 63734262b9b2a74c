# With each option of fast arithmetic: <autodiff/map.hpp> is rejected with a clear message; followed by our own options,
# it is not.

cmake_minimum_required(VERSION 3.25)

set(source "${TREE}/fast_math.cpp")
file(WRITE "${source}" "#include <autodiff/map.hpp>\n")
set(options -ffast-math -Ofast -ffinite-math-only)
execute_process(COMMAND "${COMPILER}" --version OUTPUT_VARIABLE version)
if(NOT version MATCHES "clang")  # which does not report when only these are on
    list(APPEND options -funsafe-math-optimizations -freciprocal-math -fno-signed-zeros "-fassociative-math -fno-signed-zeros -fno-trapping-math")
endif()
foreach(option IN LISTS options)
    separate_arguments(flags UNIX_COMMAND "${option}")
    set(compile "${COMPILER}" -std=c++20 -E -o "${source}.i" -DXGRAD_STATIC "-I${SOURCE}" ${flags})
    execute_process(COMMAND ${compile} "${source}" ERROR_VARIABLE said RESULT_VARIABLE failed)
    if(NOT failed OR NOT said MATCHES "xgrad: <autodiff/map.hpp> would compute wrong values under -ffast-math or -Ofast")
        message(FATAL_ERROR "${option}: must be refused with a sentence, got ${failed}: ${said}")
    endif()
    execute_process(COMMAND ${compile} ${IEEE} "${source}" RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "${option} is not taken back by ${IEEE}")
    endif()
endforeach()
