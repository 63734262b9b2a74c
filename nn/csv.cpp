#include "csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "files.hpp"

namespace xgrad::nn {

class CsvReader {
public:
    CsvReader(std::string_view text, const std::string& name, const CsvOptions& options) : text_(text), options_(options) {
        table_.file_ = name;
        table_.missing_ = options.missing;
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    }

    CsvTable read() {
        bool named = !options_.header;
        while (at_ < text_.size()) {
            if (end_of_line()) continue;
            const std::int64_t begins = line_;
            const std::size_t before = table_.ends_.size();
            row();
            if (!named) {
                take_names(begins);
                named = true;
                continue;
            }
            const std::size_t got = table_.ends_.size() - before;
            if (table_.lines_.empty() && !options_.header)
                for (std::size_t i = 0; i < got; ++i) table_.names_.push_back(std::to_string(i));
            if (got != table_.names_.size())
                fail(begins,
                     "there must be " + std::to_string(table_.names_.size()) + " fields as in the first line, got " + std::to_string(got));
            table_.lines_.push_back(begins);
        }
        if (!named) fail(1, "there must be a header");
        return std::move(table_);
    }

private:
    /// Passes over a line's end, if one is here.
    bool end_of_line() {
        if (text_[at_] != '\n' && text_.substr(at_, 2) != "\r\n") return false;
        at_ += text_[at_] == '\n' ? 1 : 2;
        ++line_;
        return true;
    }
    void row() {
        for (;;) {
            field();
            if (at_ == text_.size() || end_of_line()) return;
            ++at_;  // the separator
        }
    }
    void field() {
        if (at_ < text_.size() && text_[at_] == '"') quoted_field();
        else plain_field();
        table_.ends_.push_back(table_.text_.size());
    }
    void plain_field() {
        const char stops[] = {options_.separator, '\n', '"'};
        auto end = std::min(text_.find_first_of({stops, 3}, at_), text_.size());
        if (end < text_.size() && text_[end] == '"') fail(line_, "a quote must begin its field");
        if (end < text_.size() && text_[end] == '\n' && end > at_ && text_[end - 1] == '\r') --end;
        table_.text_.append(text_, at_, end - at_);
        at_ = end;
    }
    void quoted_field() {
        const std::int64_t begins = line_;
        for (++at_;;) {
            const auto end = text_.find('"', at_);
            if (end == text_.npos) fail(begins, "quotes must end");
            line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
            table_.text_.append(text_, at_, end - at_);
            at_ = end + 1;
            if (at_ == text_.size() || text_[at_] != '"') break;
            table_.text_ += '"';  // a doubled one
            ++at_;
        }
        const bool ends = at_ == text_.size() || text_[at_] == options_.separator || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
        if (!ends) fail(line_, "a field must end with its closing quote");
    }
    void take_names(std::int64_t line) {
        std::set<std::string> seen;
        std::size_t begin = 0;
        for (const std::size_t end : table_.ends_) {
            table_.names_.push_back(table_.text_.substr(begin, end - begin));
            if (!seen.insert(table_.names_.back()).second) fail(line, "names must be unique, got \"" + table_.names_.back() + "\" twice");
            begin = end;
        }
        table_.ends_.clear();
        table_.text_.clear();
    }
    [[noreturn]] void fail(std::int64_t line, const std::string& rule) const {
        throw FormatError(table_.file_ + ": line " + std::to_string(line) + ": " + rule);
    }

    std::string_view text_;
    const CsvOptions& options_;
    CsvTable table_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
};

CsvTable parse_csv(std::string_view text, const std::string& name, const CsvOptions& options) {
    return CsvReader(text, name, options).read();
}

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
    const detail::MappedFile file(path);
    return parse_csv({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path, options);
}

std::int64_t CsvTable::index_of(std::string_view column, Location where) const {
    const auto found = std::find(names_.begin(), names_.end(), column);
    check<IndexError>(found != names_.end(), where, [&] { return "CsvTable: no column has the name \"" + std::string(column) + '"'; });
    return found - names_.begin();
}

std::string_view CsvTable::field(std::int64_t row, std::int64_t column, Location where) const {
    check<IndexError>(row >= 0 && row < rows() && column >= 0 && column < columns(), where, [&] {
        return "CsvTable: row and column must be in a table of " + std::to_string(rows()) + " rows and " + std::to_string(columns()) +
               " columns, got " + std::to_string(row) + " and " + std::to_string(column);
    });
    const auto i = static_cast<std::size_t>(row * columns() + column);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
}

bool CsvTable::is_missing(std::string_view text) const { return std::find(missing_.begin(), missing_.end(), text) != missing_.end(); }

void CsvTable::fail(std::size_t row, std::size_t column, const std::string& rule) const {
    throw FormatError(file_ + ": line " + std::to_string(lines_[row]) + ", column \"" + names_[column] + "\": " + rule + ", got \"" +
                      std::string(field(static_cast<std::int64_t>(row), static_cast<std::int64_t>(column))) + '"');
}

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The whole text as a number. std::from_chars does not know a plus sign.
template <class T>
std::errc parse_number(std::string_view text, T& value) {
    text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::conditional_t<std::is_same_v<T, float>, double, T> wide{};  // so that 1e-50 is an f32, namely 0
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wide);
    if (error == std::errc() && end != text.data() + text.size()) return std::errc::invalid_argument;
    value = static_cast<T>(wide);
    if constexpr (std::is_same_v<T, float>)
        if (std::isinf(value) && !std::isinf(wide)) return std::errc::result_out_of_range;
    return error;
}

}  // namespace

template <class T>
Tensor CsvTable::numbers_as(const std::vector<std::size_t>& columns) const {
    std::vector<T> values;
    values.reserve(lines_.size() * columns.size());
    for (std::size_t row = 0; row < lines_.size(); ++row)
        for (const std::size_t column : columns) {
            const std::string_view text = field(static_cast<std::int64_t>(row), static_cast<std::int64_t>(column));
            T value{};
            if (is_missing(text)) {
                if (!std::is_floating_point_v<T>) fail(row, column, "a number is missing");
                value = std::numeric_limits<T>::quiet_NaN();
            } else if (const std::errc error = parse_number(text, value); error == std::errc::result_out_of_range) {
                fail(row, column, std::string("a number must fit ") + name_of(dtype_of<T>()));
            } else if (error != std::errc()) {
                fail(row, column, std::is_floating_point_v<T> ? "a number is needed" : "a whole number is needed");
            }
            values.push_back(value);
        }
    return tensor(values, {rows(), static_cast<std::int64_t>(columns.size())});
}

Tensor CsvTable::numbers(const std::vector<std::string>& columns, DType dtype, Location where) const {
    std::vector<std::size_t> chosen;
    for (const std::string& name : columns) chosen.push_back(static_cast<std::size_t>(index_of(name, where)));
    switch (dtype) {
        case DType::f32: return numbers_as<float>(chosen);
        case DType::f64: return numbers_as<double>(chosen);
        case DType::i32: return numbers_as<std::int32_t>(chosen);
        case DType::i64: return numbers_as<std::int64_t>(chosen);
        case DType::boolean: break;
    }
    throw DTypeError(at("CsvTable::numbers: the dtype must be f32, f64, i32 or i64, got bool", where));
}

std::pair<Tensor, std::vector<std::string>> CsvTable::classes(std::string_view column, Location where) const {
    const std::int64_t c = index_of(column, where);
    std::map<std::string_view, std::int64_t> codes;
    for (std::int64_t row = 0; row < rows(); ++row) codes.emplace(field(row, c), 0);
    std::vector<std::string> kinds;
    for (auto& [text, code] : codes) {
        code = static_cast<std::int64_t>(kinds.size());
        kinds.emplace_back(text);
    }
    std::vector<std::int64_t> labels;
    for (std::int64_t row = 0; row < rows(); ++row) labels.push_back(codes.at(field(row, c)));
    return {tensor(labels, {rows()}), std::move(kinds)};
}

}  // namespace xgrad::nn
