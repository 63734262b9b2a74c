# An inline function of a common header (std::vector, say) that is not inlined in an AVX-512 object is a weak symbol
# there; if the linker keeps that copy, the whole program needs AVX-512. Therefore, in the objects of special
# instruction sets, every weak symbol must contain the name of its instruction set.

cmake_minimum_required(VERSION 3.25)

file(GLOB objects "${TREE}/autodiff/CMakeFiles/xgrad_kernels_avx*.dir/kernels/*.o")
set(bad 0)
foreach(object IN LISTS objects)
    execute_process(COMMAND "${NM}" --defined-only "${object}" OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
    foreach(symbol IN LISTS weak)
        if(NOT symbol MATCHES "avx2|avx512|fma3|DW\\.ref")
            message("${object}: ${symbol}")
            math(EXPR bad "${bad} + 1")
        endif()
    endforeach()
endforeach()
if(bad)
    message(FATAL_ERROR "${bad} weak symbols may be taken for code that runs everywhere")
endif()
