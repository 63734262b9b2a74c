#include "module.hpp"

#include <algorithm>
#include <charconv>

#include "random.hpp"

namespace xgrad::nn {

Visitor::~Visitor() = default;

RandomStream::RandomStream() : seed_(detail::draw_seed()) {}

RandomStream& RandomStream::operator=(const RandomStream& other) noexcept {
    set(other.seed_, other.calls());
    return *this;
}

void RandomStream::set(std::uint64_t seed, std::uint64_t calls) {
    seed_ = seed;
    calls_.store(calls, std::memory_order_relaxed);
    leader_ = nullptr;
}

void RandomStream::follow(RandomStream* leader) {
    set(seed(), calls());
    leader_ = leader;
}

std::uint64_t RandomStream::next() {
    // A checkpoint that recomputes draws the same numbers as the first time, whatever the seed.
    if (drawing_again()) return detail::mix(seed_, 0);
    return leader_ ? leader_->next() : detail::mix(seed_, calls_.fetch_add(1, std::memory_order_relaxed));
}

namespace {

/// The end of the first argument of a list; arguments may contain lists in brackets.
std::size_t end_of_argument(std::string_view list) {
    int depth = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i] == '(' || list[i] == '[' || list[i] == '{') ++depth;
        if (list[i] == ')' || list[i] == ']' || list[i] == '}') --depth;
        if (list[i] == ',' && depth == 0) return i;
    }
    return list.size();
}

}  // namespace

std::string_view Path::segment(char (&buffer)[12]) const {
    if (!names_)
        return {buffer, static_cast<std::size_t>(std::to_chars(buffer, buffer + sizeof buffer, index_).ptr - buffer)};
    if (index_ < 0) return {names_, static_cast<std::size_t>(-1 - index_)};
    std::string_view rest = names_;
    for (int skip = index_; skip > 0; --skip) rest.remove_prefix(end_of_argument(rest) + 1);
    rest = rest.substr(0, end_of_argument(rest));
    const auto first = rest.find_first_not_of(' '), last = rest.find_last_not_of(' ');
    return rest.substr(first, last - first + 1);
}

std::string Path::str() const {
    if (!parent_) return {};
    std::string text = parent_->str();
    char buffer[12];
    if (!text.empty()) text += '.';
    return text += segment(buffer);
}

bool Path::is(std::string_view text) const {
    if (!parent_) return text.empty();
    char buffer[12];
    const auto last = segment(buffer);
    if (!text.ends_with(last)) return false;
    text.remove_suffix(last.size());
    if (parent_->parent_ == nullptr) return text.empty();
    if (!text.ends_with('.')) return false;
    text.remove_suffix(1);
    return parent_->is(text);
}

namespace {

template <class F>
struct ParameterVisitor final : Visitor {
    explicit ParameterVisitor(F visit) : visit_(std::move(visit)) {}
    void parameter(const Path& path, Parameter& p) override { visit_(path, p); }
    F visit_;
};

struct ModeSwitch final : Visitor {
    explicit ModeSwitch(bool training) : mode(training) {}
    void training(bool& flag) override { flag = mode; }
    bool mode;
};

struct Converter final : Visitor {
    explicit Converter(DType wanted) : dtype(wanted) {}
    void parameter(const Path&, Parameter& p) override {
        if (is_floating(p.dtype())) p = p.value().to(dtype);
    }
    void buffer(const Path&, Tensor& t) override {
        if (is_floating(t.dtype())) t = t.to(dtype);
    }
    DType dtype;
};

}  // namespace

namespace detail {

std::vector<Parameter*> parameters(ModelRef model) {
    std::vector<Parameter*> found;
    ParameterVisitor visitor([&](const Path&, Parameter& p) {
        if (std::find(found.begin(), found.end(), &p) == found.end()) found.push_back(&p);
    });
    model.visit(visitor);
    return found;
}

NamedParameters named_parameters(ModelRef model) {
    NamedParameters found;
    ParameterVisitor visitor([&](const Path& path, Parameter& p) {
        if (std::none_of(found.begin(), found.end(), [&](auto& other) { return &other.second == &p; }))
            found.emplace_back(path.str(), p);
    });
    model.visit(visitor);
    return found;
}

}  // namespace detail

void train(ModelRef model, bool training) {
    ModeSwitch visitor(training);
    model.visit(visitor);
}

void eval(ModelRef model) { train(model, false); }

void to(ModelRef model, DType dtype, Location where) {
    check<DTypeError>(is_floating(dtype), where,
                      [&] { return std::string("nn::to: parameters are f32 or f64, got ") + name_of(dtype); });
    Converter visitor(dtype);
    model.visit(visitor);
}

}  // namespace xgrad::nn
