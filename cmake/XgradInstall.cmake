# cmake --install and the package that find_package(xgrad) reads.

include(CMakePackageConfigHelpers)

set(XGRAD_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/xgrad")

# xgrad_reached(<variable> <header>...): the headers, and whatever they include of ours, paths from the project's folder.
function(xgrad_reached variable)
    set(reached)
    set(headers ${ARGN})
    while(headers)
        list(POP_FRONT headers header)
        if(header IN_LIST reached)
            continue()
        endif()
        list(APPEND reached "${header}")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${header}")
        cmake_path(GET header PARENT_PATH folder)
        file(STRINGS "${PROJECT_SOURCE_DIR}/${header}" lines REGEX "^#include ")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#include [<\"]([^>\"]+).*" "\\1" name "${line}")
            foreach(path "${folder}/${name}" "${name}")
                cmake_path(NORMAL_PATH path)
                if(EXISTS "${PROJECT_SOURCE_DIR}/${path}")
                    list(APPEND headers "${path}")
                endif()
            endforeach()
        endforeach()
    endwhile()
    set(${variable} ${reached} PARENT_SCOPE)
endfunction()

# What users include, and so what is installed: these and what they reach. Everything else is the library's inside.
set(autodiff_entries autodiff/autodiff.hpp autodiff/map.hpp autodiff/xtensor.hpp)
set(nn_entries nn/nn.hpp)
foreach(name autodiff nn)
    if(TARGET xgrad_${name})
        install(TARGETS xgrad_${name} EXPORT xgradTargets)
        xgrad_reached(headers ${${name}_entries})
        foreach(header IN LISTS headers)
            cmake_path(GET header PARENT_PATH folder)
            install(FILES "${PROJECT_SOURCE_DIR}/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/xgrad/${folder}")
        endforeach()
    endif()
endforeach()

if(TARGET xgrad_autodiff)
    install(EXPORT xgradTargets NAMESPACE xgrad:: DESTINATION "${XGRAD_PACKAGE_DIR}")
    get_target_property(type xgrad_autodiff TYPE)
    string(COMPARE EQUAL "${type}" "STATIC_LIBRARY" XGRAD_IS_STATIC)
    configure_package_config_file(
        "${PROJECT_SOURCE_DIR}/cmake/xgradConfig.cmake.in" "${PROJECT_BINARY_DIR}/xgradConfig.cmake"
        INSTALL_DESTINATION "${XGRAD_PACKAGE_DIR}")
    write_basic_package_version_file("${PROJECT_BINARY_DIR}/xgradConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
    install(FILES
        "${PROJECT_BINARY_DIR}/xgradConfig.cmake"
        "${PROJECT_BINARY_DIR}/xgradConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/FindCBLAS.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/FindLibzip.cmake"
        DESTINATION "${XGRAD_PACKAGE_DIR}")
endif()
