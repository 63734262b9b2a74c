// oracle [--seeds N] [--first S]: runs N random programs with xgrad and with libtorch and compares all values and
// gradients. A program that differs is made as short as it can be while it still does, and printed as C++.

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>

#include "program.hpp"

namespace {

using namespace oracle;

double largest(const Array& a) {
    double most = 0;
    for (const double v : a.values) most = std::max(most, std::abs(v));
    return most;
}

/// What is wrong with `got`, or nothing. Elements may differ by `tolerance`, absolutely.
std::string difference(const Array& got, const Array& expected, double tolerance) {
    std::ostringstream text;
    text.precision(17);
    if (got.shape != expected.shape || got.single != expected.single) return "another shape or type";
    for (std::size_t i = 0; i < got.values.size(); ++i) {
        const double g = got.values[i], e = expected.values[i];
        if (std::abs(g - e) <= tolerance || g == e || (std::isnan(g) && std::isnan(e))) continue;
        text << "element " << i << " is " << g << " instead of " << e;
        return text.str();
    }
    return {};
}

/// How xgrad differs from libtorch, or nothing. A program in which anything is f32 is as exact as that.
std::string compare(const Program& program) {
    const Outcome ours = run_with_xgrad(program), theirs = run_with_torch(program);
    if (!ours.error.empty()) return "xgrad threw " + ours.error;
    if (!theirs.error.empty()) return "libtorch threw " + theirs.error;
    bool single = false;
    double steepest = 1;
    for (const Array& value : theirs.values) single = single || value.single;
    for (const Array& gradient : theirs.gradients) steepest = std::max(steepest, largest(gradient));
    const double precision = single ? 1e-4 : 1e-11;
    for (std::size_t k = 0; k < theirs.values.size(); ++k) {
        const std::string text =
            difference(ours.values[k], theirs.values[k], precision * std::max(1.0, largest(theirs.values[k])));
        if (!text.empty()) return "v" + std::to_string(k) + ": " + text;
    }
    for (std::size_t k = 0; k < theirs.gradients.size(); ++k) {
        // Terms of a gradient may be as large as the others are and cancel.
        const std::string text = difference(ours.gradients[k], theirs.gradients[k],
                                            precision * std::max(largest(theirs.gradients[k]), 1e-2 * steepest));
        if (!text.empty()) return "the gradient of v" + std::to_string(k) + ": " + text;
    }
    return {};
}

// --- making it shorter ----------------------------------------------------------------------------------------------

/// Numbers of values after one step is gone; its own is only asked for when it became the last leaf.
void renumber(Program& program, std::size_t first, std::size_t gone, bool leaf_added) {
    for (Step& step : program.steps)
        for (std::size_t& input : step.inputs) {
            if (input == gone) input = first;
            else if (leaf_added ? input >= first && input < gone : input > gone) leaf_added ? ++input : --input;
        }
}

Program with_leaf_for(const Program& program, std::size_t step, const Array& value) {
    Program shorter = program;
    const std::size_t first = program.leaves.size();
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(step));
    renumber(shorter, first, first + step, true);
    shorter.leaves.push_back(value);
    return shorter;
}

Program without_step(const Program& program, std::size_t step) {
    Program shorter = program;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(step));
    renumber(shorter, program.leaves.size(), program.leaves.size() + step, false);
    return shorter;
}

Program without_unused_leaves(Program program) {
    for (std::size_t leaf = program.leaves.size(); leaf-- > 0;) {
        if (program.used()[leaf]) continue;
        program.leaves.erase(program.leaves.begin() + static_cast<std::ptrdiff_t>(leaf));
        for (Step& step : program.steps)
            for (std::size_t& input : step.inputs) input -= input > leaf;
    }
    return program;
}

Program shrink(Program program) {
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t step = program.steps.size(); step-- > 0;) {
            const std::size_t number = program.leaves.size() + step;
            Program candidate;
            if (!program.used()[number]) {
                candidate = without_step(program, step);
            } else {
                const Outcome outcome = run_with_xgrad(program);
                if (!outcome.error.empty()) continue;
                candidate = with_leaf_for(program, step, outcome.values[number]);
            }
            candidate = without_unused_leaves(candidate);
            if (candidate.steps.empty() || compare(candidate).empty()) continue;
            program = candidate;
            changed = true;
        }
    }
    return program;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seeds = 300, first = 1;
    for (int i = 1; i < argc; ++i) {
        const bool last = i + 1 == argc;
        if (!last && std::strcmp(argv[i], "--seeds") == 0) seeds = std::strtoull(argv[++i], nullptr, 10);
        else if (!last && std::strcmp(argv[i], "--first") == 0) first = std::strtoull(argv[++i], nullptr, 10);
        else {
            std::cerr << "usage: oracle [--seeds N] [--first S]\n";
            return 2;
        }
    }
    std::size_t operations = 0, failed = 0;
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        const Program program = draw(seed);
        operations += program.steps.size();
        const std::string text = compare(program);
        if (text.empty()) continue;
        ++failed;
        const Program shorter = shrink(program);
        std::cout << "seed " << seed << ": " << text << "\nmade shorter, " << compare(shorter) << ":\n\n"
                  << to_cpp(shorter) << std::endl;
    }
    std::cout << seeds << " programs, " << operations << " operations, " << failed
              << (failed == 1 ? " mismatch" : " mismatches") << std::endl;
    return failed ? 1 : 0;
}
