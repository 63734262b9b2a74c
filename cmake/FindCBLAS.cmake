# Finds OpenBLAS with its C interface and the LAPACK it contains, target CBLAS::CBLAS.
#
# The OpenMP build is preferred, by its full path: it shares its threads with our own OpenMP loops, whereas the pthread
# build competes with them. Set CBLAS_LIBRARY and CBLAS_INCLUDE_DIR for another BLAS that contains LAPACK.

find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES
    "${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp" openblas-openmp "${CMAKE_LIBRARY_ARCHITECTURE}" openblas)
find_library(CBLAS_LIBRARY openblas PATH_SUFFIXES
    "${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp" openblas-openmp)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CBLAS REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "on Debian: apt-get install libopenblas-openmp-dev")

if(CBLAS_FOUND AND NOT TARGET CBLAS::CBLAS)
    add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
    set_target_properties(CBLAS::CBLAS PROPERTIES
        IMPORTED_LOCATION "${CBLAS_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CBLAS_INCLUDE_DIR}")
endif()
