#define DOCTEST_CONFIG_IMPLEMENT
#include <autodiff/kernels/kernels.hpp>
#include <cstdio>
#include <cstring>
#include <doctest/doctest.h>

// doctest's program, which also tells which instruction set its kernels use: xgrad_tests --isa
int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--isa") == 0) return std::puts(xgrad::kernels::active().isa) < 0;
    return doctest::Context(argc, argv).run();
}
