# The settings common to all targets of this project. Nothing here affects the targets of a project that includes this
# one.

include(CheckCXXCompilerFlag)

find_program(XGRAD_CCACHE ccache)
mark_as_advanced(XGRAD_CCACHE)

# NaN, inf, -0 and the order of operations are promised, whatever the flags of a project that includes this one: each
# part of -ffast-math (-Ofast) is revoked by name, since -fno-fast-math leaves those that were requested by name.
set(xgrad_ieee -fno-fast-math -fno-unsafe-math-optimizations -fno-finite-math-only -fno-associative-math -fno-reciprocal-math -fsigned-zeros)

# xgrad_target(<target>): language level, arithmetic, warnings, visibility, compiler cache.
function(xgrad_target target)
    target_compile_features(${target} PRIVATE cxx_std_20)
    string(FIND "${CMAKE_CXX_FLAGS}" -fsanitize at)
    string(COMPARE NOTEQUAL ${at} -1 sanitized)
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        UNITY_BUILD OFF
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    target_compile_options(${target} PRIVATE ${xgrad_ieee}
        -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused -Wextra-semi
        # False alarms of GCC 12 on std::string, https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
        $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
        # and under the sanitizers on third-party headers.
        $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${sanitized}>>:-Wno-maybe-uninitialized>
        -fno-semantic-interposition
        $<$<BOOL:${XGRAD_WERROR}>:-Werror>)
    if(XGRAD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
        set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "${XGRAD_CCACHE}")
    endif()
endfunction()

# xgrad_library(<name> <sources>...): target xgrad_<name>, alias xgrad::<name>, static or shared depending on
# BUILD_SHARED_LIBS.
function(xgrad_library name)
    set(target xgrad_${name})
    add_library(${target} ${ARGN})
    add_library(xgrad::${name} ALIAS ${target})
    xgrad_target(${target})
    if(CMAKE_CXX_FLAGS_RELEASE MATCHES "-O3")  # a fifth larger than -O2, and no faster: the loops that count are kernels
        target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2>)
    endif()
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_include_directories(${target} PUBLIC
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/xgrad>")
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY")
        target_compile_definitions(${target} PRIVATE XGRAD_BUILDING)
    else()
        target_compile_definitions(${target} PUBLIC XGRAD_STATIC)
    endif()
    # The installed library must find the OpenMP build of OpenBLAS, which is outside the loader's default folders.
    set_target_properties(${target} PROPERTIES
        EXPORT_NAME ${name}
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
        INSTALL_RPATH "$ORIGIN"
        INSTALL_RPATH_USE_LINK_PATH ON)
    if(NOT DEFINED CMAKE_POSITION_INDEPENDENT_CODE)
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
endfunction()
