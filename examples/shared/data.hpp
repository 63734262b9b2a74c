#pragma once

#include <array>
#include <autodiff/autodiff.hpp>
#include <string>
#include <vector>

// The data that examples share, from Debian's packages; run.sh installs them.

/// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28 × 28 grey pictures of clothes in ten classes.
struct Pictures {
    xgrad::Tensor images;  // (N, 28, 28) f32 from 0 to 1
    xgrad::Tensor labels;  // (N) i64
};
/// part: "train" (60 000) or "t10k" (10 000). At most `count` of them. Debian: dataset-fashion-mnist.
Pictures fashion_mnist(const std::string& part, std::int64_t count = 60000,
                       const std::string& folder = "/usr/share/datasets/fashion-mnist");
extern const std::array<const char*, 10> fashion_classes;

/// A table of numbers and what is to be told from it.
struct Table {
    xgrad::Tensor x;  // (rows, features) f64
    xgrad::Tensor y;  // (rows): classes i64, or numbers f64
    std::vector<std::string> features;
};
/// scikit-learn's tables (Debian: python3-sklearn): "iris", "wine", "breast_cancer", "digits" with classes, "diabetes"
/// with numbers.
Table sklearn_table(const std::string& name);

/// The rows in a random order, apart: the first `share` of them and the rest.
struct Split {
    Table train, test;
};
Split split(const Table& table, double share, xgrad::Generator& generator);
/// Both with the mean and the deviation of the first: every feature of it has mean 0 and deviation 1 (a constant one
/// stays 0).
void standardize(Table& train, Table& test);

/// Rows to learn from, to choose by, and to judge by at the end.
struct Rows {
    Table train, valid, test;
};
/// scikit-learn's handwritten digits, 8 × 8 pixels from 0 to 1 as f32, apart at random: nine, three and four
/// sixteenths.
Rows digits(xgrad::Generator& generator);

/// A text, without the numbers that stand before the verses of the King James Bible, which run.sh puts into out/kjv.txt
/// (Debian: bible-kjv-text).
std::string verses(const std::string& file);
/// The same, verse by verse, with the names of their books: "Ge", "1Ki", …, "Rev".
struct Verse {
    std::string book, text;
};
std::vector<Verse> verses_of_books(const std::string& file);

/// f of all rows of x, so many at a time that memory stays small. Nothing is recorded.
template <class F>
xgrad::Tensor in_blocks(const F& f, const xgrad::Tensor& x, std::int64_t block = 500) {
    const xgrad::NoRecording nothing;
    std::vector<xgrad::Tensor> parts;
    for (std::int64_t at = 0; at < x.shape(0); at += block) parts.push_back(f(slice(x, 0, at, at + block)));
    return concat(parts);
}
