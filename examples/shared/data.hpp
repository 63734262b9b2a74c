#pragma once

#include <array>
#include <autodiff/autodiff.hpp>
#include <string>
#include <vector>

// The data sets that the examples share, from Debian packages; run.sh installs them.

/// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28 × 28 grey-scale images of clothes in ten classes.
struct Pictures {
    xgrad::Tensor images;  // (N, 28, 28) f32 from 0 to 1
    xgrad::Tensor labels;  // (N) i64
};
/// part: "train" (60 000 images) or "t10k" (10 000). At most `count` images. Debian: dataset-fashion-mnist.
Pictures fashion_mnist(const std::string& part, std::int64_t count = 60000,
                       const std::string& folder = "/usr/share/datasets/fashion-mnist");
extern const std::array<const char*, 10> fashion_classes;

/// A table of features and the targets to predict from it.
struct Table {
    xgrad::Tensor x;  // (rows, features) f64
    xgrad::Tensor y;  // (rows): classes i64, or numbers f64
    std::vector<std::string> features;
};
/// scikit-learn's data sets (Debian: python3-sklearn): "iris", "wine", "breast_cancer", "digits" with classes,
/// "diabetes" with numbers.
Table sklearn_table(const std::string& name);

/// The rows split at random: the first `share` of them and the rest.
struct Split {
    Table train, test;
};
Split split(const Table& table, double share, xgrad::Generator& generator);
/// Standardises both tables with the mean and standard deviation of `train`: every feature of `train` has mean 0 and
/// deviation 1 (a constant one becomes 0).
void standardize(Table& train, Table& test);

/// Training, validation and test rows.
struct Rows {
    Table train, valid, test;
};
/// scikit-learn's handwritten digits, 8 × 8 pixels from 0 to 1 as f32, split at random: nine, three and four
/// sixteenths.
Rows digits(xgrad::Generator& generator);

/// A text, without the numbers before the verses of the King James Bible, which run.sh puts into out/kjv.txt (Debian:
/// bible-kjv-text).
std::string verses(const std::string& file);
/// The same, verse by verse, with the names of their books: "Ge", "1Ki", …, "Rev".
struct Verse {
    std::string book, text;
};
std::vector<Verse> verses_of_books(const std::string& file);

/// f of all rows of x, computed in blocks so that memory use stays small. Nothing is recorded.
template <class F>
xgrad::Tensor in_blocks(const F& f, const xgrad::Tensor& x, std::int64_t block = 500) {
    const xgrad::NoRecording nothing;
    std::vector<xgrad::Tensor> parts;
    for (std::int64_t at = 0; at < x.shape(0); at += block) parts.push_back(f(slice(x, 0, at, at + block)));
    return concat(parts);
}
