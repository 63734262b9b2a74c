#include "data.hpp"

#include <fstream>
#include <iterator>
#include <nn/data/csv.hpp>
#include <nn/data/idx.hpp>
#include <regex>
#include <stdexcept>

using namespace xgrad;

const std::array<const char*, 10> fashion_classes = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                                     "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Boot"};

Pictures fashion_mnist(const std::string& part, std::int64_t count, const std::string& folder) {
    const std::string pixels_file = folder + "/" + part + "-images-idx3-ubyte.gz",
                      labels_file = folder + "/" + part + "-labels-idx1-ubyte.gz";
    const Tensor pixels = nn::read_idx(pixels_file), labels = nn::read_idx(labels_file).to(DType::i64);
    if (pixels.ndim() != 3 || pixels.shape(1) != 28 || pixels.shape(2) != 28)
        throw std::runtime_error(pixels_file + ": must hold images of 28x28 pixels, got shape " +
                                 to_string(pixels.shape()));
    if (labels.ndim() != 1 || labels.shape(0) != pixels.shape(0))
        throw std::runtime_error(labels_file + ": must hold one label for each of " + std::to_string(pixels.shape(0)) +
                                 " images, got shape " + to_string(labels.shape()));
    if (labels.size() > 0 && max(labels).item<std::int64_t>() > 9)
        throw std::runtime_error(labels_file + ": labels must be in [0, 10), got " +
                                 std::to_string(max(labels).item<std::int64_t>()));
    return {slice(pixels, 0, 0, count).to(DType::f32) / 255.0, slice(labels, 0, 0, count)};
}

Table sklearn_table(const std::string& name) {
    const std::string folder = "/usr/lib/python3/dist-packages/sklearn/datasets/data/";
    if (name == "diabetes") {
        const auto x = nn::read_csv(folder + "diabetes_data_raw.csv.gz", {.separator = ' ', .header = false});
        const auto y = nn::read_csv(folder + "diabetes_target.csv.gz", {.header = false});
        return {x.numbers(DType::f64),
                ravel(y.numbers(DType::f64)),
                {"age", "sex", "bmi", "blood pressure", "s1", "s2", "s3", "s4", "s5", "s6"}};
    }
    // The class is in the last column; the first line of the files other than `digits` contains the numbers of rows and
    // columns.
    const bool digits = name == "digits";
    const auto table = nn::read_csv(folder + name +
                                        (digits           ? ".csv.gz"
                                         : name == "wine" ? "_data.csv"
                                                          : ".csv"),
                                    {.header = false, .skip_lines = digits ? 0 : 1});
    const Tensor all = table.numbers(DType::f64);
    std::vector<std::string> features = table.names();
    features.pop_back();
    return {slice(all, 1, 0, -1), select(all, 1, -1).to(DType::i64), std::move(features)};
}

Split split(const Table& table, double share, Generator& generator) {
    const Tensor order = permutation(table.x.shape(0), generator);
    const auto first = static_cast<std::int64_t>(share * static_cast<double>(table.x.shape(0)));
    const auto part = [&](const Tensor& rows) {
        return Table{take(table.x, rows, 0), take(table.y, rows, 0), table.features};
    };
    return {part(slice(order, 0, 0, first)), part(slice(order, 0, first))};
}

void standardize(Table& train, Table& test) {
    const Tensor middle = mean(train.x, 0), deviation = xgrad::std(train.x, 0);
    const Tensor scale = where(deviation > 0.0, deviation, 1.0);
    train.x = (train.x - middle) / scale;
    test.x = (test.x - middle) / scale;
}

Rows digits(Generator& generator) {
    const auto [rest, test] = split(sklearn_table("digits"), 0.75, generator);
    const auto [train, valid] = split(rest, 0.75, generator);
    Rows rows{train, valid, test};
    for (Table* table : {&rows.train, &rows.valid, &rows.test}) table->x = (table->x / 16.0).to(DType::f32);
    return rows;
}

std::string verses(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file + ": cannot be read");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return std::regex_replace(text, std::regex("(^|\n)[1-3]?[A-Za-z]+[0-9]+:[0-9]+ "), "$1");
}

std::vector<Verse> verses_of_books(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file + ": cannot be read");
    static const std::regex form("([1-3]?[A-Za-z]+)[0-9]+:[0-9]+ (.*)");
    std::vector<Verse> verses;
    std::smatch parts;
    for (std::string line; std::getline(in, line);)
        if (std::regex_match(line, parts, form)) verses.push_back({parts[1], parts[2]});
    return verses;
}
