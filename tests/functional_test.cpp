#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>

#include "../bench/gmm.hpp"
#include "support.hpp"

// The problems of bench/functional.cpp: what is measured there is right.

using namespace xgrad;
using namespace tests;

TEST_SUITE("benchmark problems") {
    TEST_CASE("the gradient of the Gaussian mixture agrees with the one by hand") {
        for (const auto& [d, k] : {std::pair{1, 1}, {3, 2}, {5, 4}, {12, 3}}) {
            const gmm::Problem problem(40, d, k);
            const auto& [alpha, mu, q, l] = problem.parameters;
            const gmm::Objective objective(problem.x, problem.prior);
            const auto [value, gradients] = value_and_grad(objective, alpha, mu, q, l);
            const gmm::Gradient expected = gmm::by_hand(problem.x, problem.parameters, problem.prior);
            CHECK(close(value, scalar(expected.value)));
            CHECK(close(std::get<0>(gradients), tensor(expected.alpha, alpha.shape())));
            CHECK(close(std::get<1>(gradients), tensor(expected.mu, mu.shape())));
            CHECK(close(std::get<2>(gradients), tensor(expected.q, q.shape())));
            CHECK(close(std::get<3>(gradients), tensor(expected.l, l.shape())));
        }
    }

    TEST_CASE("the Gaussian mixture's gradient agrees with differences") {
        const gmm::Problem problem(6, 3, 2);
        const auto& [alpha, mu, q, l] = problem.parameters;
        const auto objective = [&](const Tensor& a, const Tensor& m, const Tensor& s, const Tensor& t) {
            return gmm::Objective(problem.x, problem.prior)(a, m, s, t);
        };
        const GradcheckReport report = gradcheck(objective, {alpha, mu, q, l}, {.order = 2});
        CHECK_MESSAGE(report.ok, report.message);
    }
}
