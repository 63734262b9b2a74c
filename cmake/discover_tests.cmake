# Asks PROGRAM for its test cases and writes them into TESTS for ctest. Names stay whole strings, never list elements.

cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${PROGRAM}" --list-test-cases --no-intro=true
    OUTPUT_VARIABLE rest COMMAND_ERROR_IS_FATAL ANY)
set(script "")
while(TRUE)
    string(FIND "${rest}" "\n" end)
    if(end EQUAL -1)
        break()
    endif()
    string(SUBSTRING "${rest}" 0 ${end} name)
    math(EXPR end "${end} + 1")
    string(SUBSTRING "${rest}" ${end} -1 rest)
    if(name STREQUAL "" OR name MATCHES "^(=====|\\[doctest\\])")
        continue()
    endif()
    string(REPLACE "," "\\," filter "${name}")  # a comma separates filters
    string(APPEND script
        "add_test([==[${name}]==] [==[${PROGRAM}]==] [==[--test-case=${filter}]==])\n"
        # A filter that matches nothing would pass unnoticed.
        "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT 600 FAIL_REGULAR_EXPRESSION [==[test cases:[ ]+0 \\|]==])\n")
endwhile()
file(WRITE "${TESTS}" "${script}")
