#include "log.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace xgrad::nn {

Log::Meter::~Meter() = default;
Log::Log() = default;
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

void Log::operator()(std::string_view name, double value, Location where) {
    check_free(name, where);
    add(name, value, static_cast<double>(samples_), where);
}

void Log::check_free(std::string_view name, Location where) {
    for (const std::string_view taken : {"loss", "lr", "seconds", "epoch"})
        check<ValueError>(name != taken, where, [&] {
            return "Log: " + std::string(name) + " is a name that Trainer uses itself; take another";
        });
    check<ValueError>(!name.starts_with("valid_"), where, [&] {
        return "Log: names must not start with valid_, which Trainer puts in front of those of the validation, got " +
               std::string(name);
    });
}

void Log::add(std::string_view name, double value, double weight, Location where) {
    Meter* meter = find(name, &MeterOf<Mean>::kind);
    if (!meter) meter = &insert(name, std::make_unique<MeterOf<Mean>>(Mean()), where);
    static_cast<MeterOf<Mean>&>(*meter).metric.update(value, weight);
}

Log::Meter* Log::find(std::string_view name, const void* kind) {
    const auto found =
        std::find_if(meters_.begin(), meters_.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == meters_.end()) return nullptr;
    check<ValueError>(found->second->kind_ == kind, {}, [&] {
        return "Log: a name must stand for one kind of metric, got two for " + std::string(name);
    });
    return found->second.get();
}

Log::Meter& Log::insert(std::string_view name, std::unique_ptr<Meter> meter, Location where) {
    check<ValueError>(
        !name.empty() &&
            std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == ',' || c == '"'; }),
        where, [&] {
            return "Log: a name must be a text without commas, quotes and line ends, got \"" + std::string(name) + "\"";
        });
    if (const Tensor* state = nn::find(loaded_, name)) meter->set_state(*state);
    return *meters_.emplace_back(name, std::move(meter)).second;
}

std::vector<std::pair<std::string, double>> Log::values() const {
    std::vector<std::pair<std::string, double>> values;
    for (const auto& [name, meter] : meters_) values.emplace_back(name, meter->value());
    return values;
}

std::vector<std::string> Log::names() const {
    std::vector<std::string> names;
    for (const auto& [name, meter] : meters_) names.push_back(name);
    return names;
}

State Log::state_dict() const {
    State state;
    for (const auto& [name, meter] : meters_) state.emplace_back(name, meter->state());
    return state;
}

// --- history ---------------------------------------------------------------------------------------------------------

bool History::has(std::string_view column) const {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
}

std::size_t History::index(std::string_view column, Location where) const {
    check<ValueError>(has(column), where, [&] {
        std::string all;
        for (const std::string& name : columns) all += (all.empty() ? "" : ", ") + name;
        return "History: there are the columns " + all + ", got " + std::string(column);
    });
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
}

std::vector<double> History::column(std::string_view column, Location where) const {
    const std::size_t i = index(column, where);
    std::vector<double> numbers;
    for (const auto& row : rows) numbers.push_back(row[i]);
    return numbers;
}

double History::last(std::string_view column, Location where) const { return rows.back()[index(column, where)]; }

void History::add_row(const std::vector<std::pair<std::string, double>>& row) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    auto& numbers = rows.emplace_back(columns.size(), nan);
    for (const auto& [name, value] : row) {
        if (!has(name)) {
            columns.push_back(name);
            for (auto& r : rows) r.push_back(nan);
        }
        numbers[index(name, {})] = value;
    }
}

std::string History::csv() const {
    std::string text = "epoch";
    for (const std::string& name : columns) text += "," + name;
    text += '\n';
    for (std::size_t i = 0; i < rows.size(); ++i) {
        text += std::to_string(i + 1);
        for (const double value : rows[i]) {
            char buffer[32];
            text += ',';
            if (!std::isnan(value)) text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
        }
        text += '\n';
    }
    return text;
}

}  // namespace xgrad::nn
