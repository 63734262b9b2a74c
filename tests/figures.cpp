#include "figures.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "places.hpp"
#include "support.hpp"

using namespace xgrad;

namespace tests {

Tensor wave(const Shape& shape, double seed, double scale, double shift, DType dtype) {
    std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = scale * std::sin(static_cast<double>(i + 1) + 10 * seed) + shift;
    return tensor(numbers, shape).to(dtype);
}

void fill(nn::ModelRef model, double scale) {
    std::map<std::string, Parameter*> sorted;
    for (auto& [name, p] : nn::detail::named_parameters(model)) sorted.emplace(name, &p);
    double seed = 1;
    for (auto& [name, p] : sorted) *p = wave(p->shape(), seed++, scale, 0, p->dtype());
}

namespace {

std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields;
    std::size_t begin = 0;
    for (std::size_t bar; (bar = line.find(" | ", begin)) != std::string::npos; begin = bar + 3)
        fields.push_back(line.substr(begin, bar - begin));
    fields.push_back(line.substr(begin));
    return fields;
}

template <class T>
std::vector<T> numbers_in(const std::string& text) {
    std::vector<T> numbers;
    std::istringstream words(text);
    for (std::string word; words >> word;)
        if constexpr (std::is_same_v<T, double>) numbers.push_back(std::strtod(word.c_str(), nullptr));
        else numbers.push_back(std::stoll(word));
    return numbers;
}

}  // namespace

Figures::Figures(const std::string& family) : family_(family) {
    std::ifstream file(source_dir() + "/tests/figures/" + family + ".txt");
    for (std::string line; std::getline(file, line);) {
        const auto fields = fields_of(line + " ");  // a shape or numbers may be nothing
        REQUIRE_MESSAGE(fields.size() == 4, family << ": " << line.substr(0, 80));
        Shape shape;
        for (const auto n : numbers_in<std::int64_t>(fields[2])) shape.push_back(n);
        cases_[fields[0]][fields[1]] = tensor(numbers_in<double>(fields[3]), shape);
    }
    REQUIRE_MESSAGE(!cases_.empty(), "tests/figures/" << family << ".txt cannot be read");
}

std::vector<std::string> Figures::cases() const {
    std::vector<std::string> names;
    for (const auto& [name, quantities] : cases_) names.push_back(name);
    return names;
}

const Tensor& Figures::at(const std::string& name, const std::string& quantity) const {
    const auto found = cases_.find(name);
    REQUIRE_MESSAGE(found != cases_.end(), family_ << ": no case " << name);
    const auto figure = found->second.find(quantity);
    REQUIRE_MESSAGE(figure != found->second.end(), family_ << ": " << name << " has no " << quantity);
    return figure->second;
}

void Figures::check(const std::string& name, const std::string& quantity, const Tensor& y, double slack) const {
    const Tensor& expected = at(name, quantity);
    INFO(family_ << ": " << name << ", " << quantity << ", " << std::string(name_of(y.dtype())));
    REQUIRE(y.shape() == expected.shape());
    const auto ours = values(y), theirs = values(expected);
    double size = 1, worst = 0;
    for (const double v : theirs)
        if (std::isfinite(v)) size = std::max(size, std::abs(v));
    bool same_kind = true;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (std::isfinite(ours[i]) && std::isfinite(theirs[i]))
            worst = std::max(worst, std::abs(ours[i] - theirs[i]) / size);
        else same_kind = same_kind && (ours[i] == theirs[i] || (std::isnan(ours[i]) && std::isnan(theirs[i])));
    }
    CHECK(same_kind);
    CHECK(worst <= slack * (y.dtype() == DType::f32 ? 1e-5 : 1e-10));
}

void Figures::check_run(const std::string& name, nn::ModelRef model, const std::vector<Tensor>& inputs, DType dtype,
                        const void* call, Run run) const {
    Tape tape;
    std::vector<Tensor> x;
    for (const Tensor& input : inputs) x.push_back(is_floating(input.dtype()) ? tape.watch(input.to(dtype)) : input);
    std::vector<Tensor> outputs;
    for (Tensor& y : run(const_cast<void*>(call), x))
        if (y.defined() && is_floating(y.dtype())) outputs.push_back(std::move(y));
    Tensor loss = zeros({}, dtype);
    for (std::size_t k = 0; k < outputs.size(); ++k)
        loss = loss + sum(outputs[k] * wave(outputs[k].shape(), 100.0 + static_cast<double>(k), 1, 0, dtype));
    const Gradients gradients = tape.gradient(loss);

    std::set<std::string> seen;
    const auto check_one = [&](const std::string& quantity, const Tensor& y) {
        seen.insert(quantity);
        check(name, quantity, y);
    };
    for (std::size_t k = 0; k < outputs.size(); ++k) check_one("output " + std::to_string(k), outputs[k]);
    for (std::size_t i = 0; i < x.size(); ++i)
        if (is_floating(x[i].dtype()))
            if (const Tensor* gradient = gradients.find(x[i])) check_one("grad input " + std::to_string(i), *gradient);
    for (auto& [parameter, p] : nn::detail::named_parameters(model))
        if (const Tensor* gradient = gradients.find(p)) check_one("grad " + parameter, *gradient);
    struct Buffers final : nn::Visitor {
        void buffer(const nn::Path& path, Tensor& t) override { found.emplace_back(path.str(), t); }
        std::vector<std::pair<std::string, Tensor>> found;
    } buffers;
    model.visit(buffers);
    for (const auto& [buffer, t] : buffers.found) check_one("buffer " + buffer, t);
    for (const auto& entry : cases_.at(name)) {
        const std::string& quantity = entry.first;
        INFO(family_ << ": " << name << " lacks " << quantity << ", " << std::string(name_of(dtype)));
        CHECK(seen.count(quantity) == 1);
    }
}

}  // namespace tests
