# WAY installed: installs LIBRARY, a build tree, then builds and runs an outside project that find_package()s it.
# WAY fetched: builds and runs an outside project that has the sources as a subdirectory, with -ffast-math for all; with CONFIGURE_ONLY no more
# than that.

cmake_minimum_required(VERSION 3.25)

string(COMPARE EQUAL "${KIND}" shared shared)
set(build "${TREE}/${WAY}_${KIND}")
# Not optimised, except the kernels, which always are.
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${HERE}/project" -B "${build}" "-DHOW=${WAY}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG= "-DBUILD_SHARED_LIBS=${shared}")

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(WAY STREQUAL "installed")
    # A tree that is moved after installation must still work, and files of earlier runs must not interfere.
    file(REMOVE_RECURSE "${TREE}/prefix_${KIND}" "${TREE}/moved_${KIND}" "${build}")
    run("${CMAKE_COMMAND}" --install "${LIBRARY}" --prefix "${TREE}/prefix_${KIND}")
    file(RENAME "${TREE}/prefix_${KIND}" "${TREE}/moved_${KIND}")
    run(${configure} "-DCMAKE_PREFIX_PATH=${TREE}/moved_${KIND}")
else()
    run(${configure} "-DFETCHCONTENT_SOURCE_DIR_XGRAD=${SOURCE}" -DXGRAD_ISAS=baseline -DXGRAD_INSTALL=ON -DCMAKE_CXX_FLAGS=-ffast-math)
endif()
if(NOT CONFIGURE_ONLY)
    run("${CMAKE_COMMAND}" --build "${build}")
    run("${build}/consumer")
endif()
