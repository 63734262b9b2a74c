# WAY installed: builds and installs the library, then an outside project that find_package()s it.
# WAY fetched: an outside project that has the sources as a subdirectory.

cmake_minimum_required(VERSION 3.25)

string(COMPARE EQUAL "${KIND}" shared shared)
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DBUILD_SHARED_LIBS=${shared}")

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(options "-DHOW=${WAY}")
if(WAY STREQUAL "installed")
    run(${configure} -S "${SOURCE}" -B "${TREE}/library"
        -DXGRAD_BUILD_TESTS=OFF -DXGRAD_BUILD_EXAMPLES=OFF -DXGRAD_BUILD_BENCH=OFF)
    run("${CMAKE_COMMAND}" --build "${TREE}/library")
    # A tree that is moved after installation must still work, and files of earlier runs must not help.
    file(REMOVE_RECURSE "${TREE}/prefix" "${TREE}/moved")
    run("${CMAKE_COMMAND}" --install "${TREE}/library" --prefix "${TREE}/prefix")
    file(RENAME "${TREE}/prefix" "${TREE}/moved")
    list(APPEND options "-DCMAKE_PREFIX_PATH=${TREE}/moved")
else()
    list(APPEND options "-DFETCHCONTENT_SOURCE_DIR_XGRAD=${SOURCE}")
endif()

run(${configure} -S "${HERE}/project" -B "${TREE}/${WAY}" ${options})
run("${CMAKE_COMMAND}" --build "${TREE}/${WAY}")
run("${TREE}/${WAY}/consumer")
