# Applies every patch here to a copy of the libraries, compares places, files and lines with CONTRIBUTING.md's table, and builds and runs
# check.cpp with it. A patch that no longer applies is made anew: make the addition in a working tree, then git diff -U1.

cmake_minimum_required(VERSION 3.25)

find_program(PATCH patch REQUIRED)

set(here "${SOURCE}/tests/additions")
set(copy "${TREE}/source")
file(REMOVE_RECURSE "${copy}")
file(COPY "${SOURCE}/CMakeLists.txt" "${SOURCE}/autodiff" "${SOURCE}/nn" "${SOURCE}/cmake" DESTINATION "${copy}")

file(READ "${SOURCE}/CONTRIBUTING.md" contributing)
foreach(name element_wise operation kernel_family layer activation optimizer)
    set(patch "${here}/${name}.patch")
    execute_process(COMMAND "${PATCH}" --strip=1 --no-backup-if-mismatch "--input=${patch}" WORKING_DIRECTORY "${copy}" RESULT_VARIABLE failed
        OUTPUT_VARIABLE said)
    if(failed)
        message(FATAL_ERROR "${patch} does not apply:\n${said}")
    endif()
    file(READ "${patch}" text)
    string(REGEX MATCHALL "\n@@ " places "\n${text}")
    string(REGEX MATCHALL "\n[+][+][+] " files "\n${text}")
    string(REGEX MATCHALL "\n[+][^+\n]" lines "\n${text}")
    list(LENGTH places places)
    list(LENGTH files files)
    list(LENGTH lines lines)
    string(REGEX MATCH "\\| [^|]*\\| ([0-9]+) \\| ([0-9]+) \\| ([0-9]+) \\| .tests/additions/${name}.patch. \\|" row "${contributing}")
    if(NOT "${places} ${files} ${lines}" STREQUAL "${CMAKE_MATCH_1} ${CMAKE_MATCH_2} ${CMAKE_MATCH_3}")
        message(FATAL_ERROR "${name} takes ${places} places in ${files} files, ${lines} lines; CONTRIBUTING.md says '${row}'")
    endif()
    message("${name}: ${places} places, ${files} files, ${lines} lines")
endforeach()

file(WRITE "${TREE}/project/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)\nproject(additions LANGUAGES CXX)\n"
    "add_subdirectory(\"${copy}\" xgrad)\n"
    "add_executable(check \"${here}/check.cpp\")\n"
    "target_link_libraries(check PRIVATE xgrad::nn)\n")
function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
# Not optimised, but for the kernels, which always are.
run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${TREE}/project" -B "${TREE}/build" "-DCMAKE_CXX_COMPILER=${COMPILER}" -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_CXX_FLAGS_DEBUG= -DXGRAD_ISAS=baseline)
run("${CMAKE_COMMAND}" --build "${TREE}/build")
run("${TREE}/build/check")
