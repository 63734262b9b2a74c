# xgrad_discover_tests(<program>): one ctest test for every TEST_CASE of a doctest program.
#
# doctest's own doctest_discover_tests makes lists of the names, which CMake then splits and joins at semicolons and brackets.

function(xgrad_discover_tests program)
    set(tests "${CMAKE_CURRENT_BINARY_DIR}/${program}_discovered.cmake")
    add_custom_command(TARGET ${program} POST_BUILD
        COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${program}>" "-DTESTS=${tests}"
            -P "${PROJECT_SOURCE_DIR}/cmake/discover_tests.cmake"
        BYPRODUCTS "${tests}"
        VERBATIM)
    set(include "${CMAKE_CURRENT_BINARY_DIR}/${program}_include.cmake")
    file(WRITE "${include}"
        "if(EXISTS \"${tests}\")\n  include(\"${tests}\")\nelse()\n  add_test(\"${program} is not built\" not_built)\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()
