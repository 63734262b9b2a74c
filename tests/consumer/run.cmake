# WAY installed: installs the library, then builds an outside project that find_package()s it. The tree that the test belongs to is
# installed where it has the KIND of library wanted; otherwise one is built, with the baseline kernels only.
# WAY fetched: an outside project that has the sources as a subdirectory.

cmake_minimum_required(VERSION 3.25)

string(COMPARE EQUAL "${KIND}" shared shared)
if((MAIN_SHARED AND shared) OR (NOT MAIN_SHARED AND NOT shared))
    set(library "${MAIN}")
else()
    set(library "${TREE}/library")
endif()
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DBUILD_SHARED_LIBS=${shared}"
    "-DCMAKE_CXX_FLAGS_RELEASE=${RELEASE}")

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(options "-DHOW=${WAY}")
if(WAY STREQUAL "installed")
    if(NOT library STREQUAL MAIN)
        run(${configure} -S "${SOURCE}" -B "${library}" -DXGRAD_ISAS=baseline
            -DXGRAD_BUILD_TESTS=OFF -DXGRAD_BUILD_EXAMPLES=OFF -DXGRAD_BUILD_BENCH=OFF)
        run("${CMAKE_COMMAND}" --build "${library}")
    endif()
    # A tree that is moved after installation must still work, and files of earlier runs must not help.
    file(REMOVE_RECURSE "${TREE}/prefix" "${TREE}/moved")
    run("${CMAKE_COMMAND}" --install "${library}" --prefix "${TREE}/prefix")
    file(RENAME "${TREE}/prefix" "${TREE}/moved")
    list(APPEND options "-DCMAKE_PREFIX_PATH=${TREE}/moved")
else()
    list(APPEND options "-DFETCHCONTENT_SOURCE_DIR_XGRAD=${SOURCE}" -DXGRAD_ISAS=baseline)
endif()

run(${configure} -S "${HERE}/project" -B "${TREE}/${WAY}" ${options})
run("${CMAKE_COMMAND}" --build "${TREE}/${WAY}")
run("${TREE}/${WAY}/consumer")
