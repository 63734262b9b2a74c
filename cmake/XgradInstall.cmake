# cmake --install and the package that find_package(xgrad) reads.

include(CMakePackageConfigHelpers)

set(XGRAD_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/xgrad")

# The headers outside detail/ and kernels/ are installed: tests/house_test.cpp checks that users' entry headers reach
# all of them and nothing else.
foreach(name autodiff nn)
    if(TARGET xgrad_${name})
        install(TARGETS xgrad_${name} EXPORT xgradTargets)
        install(DIRECTORY "${PROJECT_SOURCE_DIR}/${name}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/xgrad"
            FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inc" PATTERN detail EXCLUDE PATTERN kernels EXCLUDE)
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
