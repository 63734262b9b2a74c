#include "csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <locale.h>
#include <map>
#include <numeric>
#include <span>

#include "nn/detail/files.hpp"
#include "nn/detail/gzip.hpp"
#include "nn/detail/other_formats.hpp"

namespace xgrad::nn {

class CsvReader {
public:
    CsvReader(std::string_view text, const detail::Source& source, const CsvOptions& options)
        : text_(text), source_(source), options_(options) {
        const char special[] = {'"', '\n', '\r', options.separator};
        const auto differs = [&](char c, std::size_t from) {
            return std::string_view(special, from).find(c) == std::string_view::npos;
        };
        check<ValueError>(differs(options.separator, 3) && differs(options.comment, 4), source.where, [] {
            return std::string("read_csv: separator, comment, quote and line ends must all be different characters");
        });
        check<ValueError>(options.skip_lines >= 0, source.where, [&] {
            return "read_csv: skip_lines must not be negative, got " + std::to_string(options.skip_lines);
        });
        table_.file_ = source.name;
        table_.missing_ = options.missing;
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    }

    CsvTable read() {
        bool named = !options_.header;
        for (std::int64_t i = 0; i < options_.skip_lines && at_ < text_.size(); ++i) skip_line();
        while (at_ < text_.size()) {
            if (comment_line() || end_of_line()) continue;
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
                fail(begins, "there must be " + std::to_string(table_.names_.size()) +
                                 " fields as in the first line, got " + std::to_string(got));
            table_.lines_.push_back(begins);
        }
        if (!named) fail(line_, "there must be a header");
        sort_names();
        return std::move(table_);
    }

private:
    /// Skips a line end, if there is one at this position.
    bool end_of_line() {
        if (text_[at_] != '\n' && text_.substr(at_, 2) != "\r\n") return false;
        at_ += text_[at_] == '\n' ? 1 : 2;
        ++line_;
        return true;
    }
    void skip_line() {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ < text_.size()) end_of_line();
    }
    bool at_comment() const { return options_.comment != '\0' && at_ < text_.size() && text_[at_] == options_.comment; }
    /// Skips a line that contains only a comment.
    bool comment_line() {
        const std::size_t begin = at_;
        at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
        if (at_comment()) {
            skip_line();
            return true;
        }
        at_ = begin;
        return false;
    }
    void row() {
        for (;;) {
            field();
            if (at_comment()) return skip_line();
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
        const char stops[] = {options_.separator, '\n', '"', options_.comment};
        auto end = std::min(text_.find_first_of({stops, options_.comment ? 4u : 3u}, at_), text_.size());
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
            line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
            table_.text_.append(text_, at_, end - at_);
            at_ = end + 1;
            if (at_ == text_.size() || text_[at_] != '"') break;
            table_.text_ += '"';  // a doubled quote
            ++at_;
        }
        const bool ends = at_ == text_.size() || text_[at_] == options_.separator || text_[at_] == '\n' ||
                          text_.substr(at_, 2) == "\r\n" || at_comment();
        if (!ends) fail(line_, "a field must end with its closing quote");
    }
    void take_names(std::int64_t line) {
        std::size_t begin = 0;
        for (const std::size_t end : table_.ends_) {
            table_.names_.push_back(table_.text_.substr(begin, end - begin));
            begin = end;
        }
        table_.ends_.clear();
        table_.text_.clear();
        sort_names();
        const auto& names = table_.names_;
        const auto twice = std::adjacent_find(table_.by_name_.begin(), table_.by_name_.end(),
                                              [&](std::size_t a, std::size_t b) { return names[a] == names[b]; });
        if (twice != table_.by_name_.end()) fail(line, "names must be unique, got \"" + names[*twice] + "\" twice");
    }
    void sort_names() {
        table_.by_name_.resize(table_.names_.size());
        std::iota(table_.by_name_.begin(), table_.by_name_.end(), std::size_t{0});
        std::sort(table_.by_name_.begin(), table_.by_name_.end(),
                  [&](std::size_t a, std::size_t b) { return table_.names_[a] < table_.names_[b]; });
    }
    [[noreturn]] void fail(std::int64_t line, const std::string& rule) const {
        source_.part("line " + std::to_string(line)).fail(rule);
    }

    std::string_view text_;
    const detail::Source& source_;
    const CsvOptions& options_;
    CsvTable table_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
};

CsvTable parse_csv(std::string_view text, const std::string& name, const CsvOptions& options, Location where) {
    return detail::within_memory({name, where}, [&](const detail::Source& source) {
        detail::refuse_others(std::as_bytes(std::span(text)), detail::Format::text, source);
        return CsvReader(text, source, options).read();
    });
}

CsvTable read_csv(const std::string& path, const CsvOptions& options, Location where) {
    const detail::MappedFile file(path, where);
    detail::ByteReader bytes(file.bytes(), {path, where});
    if (bytes.gzipped()) return parse_csv(bytes.rest(options.max_bytes), path, options, where);
    return parse_csv({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path, options, where);
}

std::int64_t CsvTable::index_of(std::string_view column, Location where) const {
    const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), column,
                                        [&](std::size_t i, std::string_view name) { return names_[i] < name; });
    check<IndexError>(found != by_name_.end() && names_[*found] == column, where,
                      [&] { return "CsvTable: no column has the name \"" + std::string(column) + '"'; });
    return static_cast<std::int64_t>(*found);
}

std::string_view CsvTable::field(std::int64_t row, std::int64_t column, Location where) const {
    check<IndexError>(row >= 0 && row < rows() && column >= 0 && column < columns(), where, [&] {
        return "CsvTable: row and column must be in a table of " + std::to_string(rows()) + " rows and " +
               std::to_string(columns()) + " columns, got " + std::to_string(row) + " and " + std::to_string(column);
    });
    const auto i = static_cast<std::size_t>(row * columns() + column);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
}

bool CsvTable::is_missing(std::string_view text) const {
    return std::find(missing_.begin(), missing_.end(), text) != missing_.end();
}

void CsvTable::fail(std::size_t row, std::size_t column, const std::string& rule, Location where) const {
    const std::string_view text = field(static_cast<std::int64_t>(row), static_cast<std::int64_t>(column));
    detail::Source{file_, where}
        .part("line " + std::to_string(lines_[row]) + ", column \"" + names_[column] + '"')
        .fail(rule + ", got \"" + std::string(text) + '"');
}

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// strtod in the C locale, whatever the program's locale.
template <class T>
T round_as_c(const std::string& text) {
    static const locale_t c = ::newlocale(LC_ALL_MASK, "C", nullptr);
    if constexpr (std::is_same_v<T, float>) return ::strtof_l(text.c_str(), nullptr, c);
    else return ::strtod_l(text.c_str(), nullptr, c);
}

/// The whole text as a number. std::from_chars does not accept a plus sign.
template <class T>
std::errc parse_number(std::string_view text, T& value) {
    text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size()) return std::errc::invalid_argument;
    if constexpr (std::is_floating_point_v<T>)
        // It reports the same error for too large and too small numbers; too small ones are valid: 0, or a subnormal.
        if (error == std::errc::result_out_of_range) {
            value = round_as_c<T>(std::string(text));
            return std::isinf(value) ? error : std::errc();
        }
    return error;
}

}  // namespace

template <class T>
Tensor CsvTable::numbers_as(const std::vector<std::size_t>& columns, Location where) const {
    std::vector<T> values;
    values.reserve(lines_.size() * columns.size());
    for (std::size_t row = 0; row < lines_.size(); ++row)
        for (const std::size_t column : columns) {
            const std::string_view text = field(static_cast<std::int64_t>(row), static_cast<std::int64_t>(column));
            T value{};
            if (is_missing(text)) {
                if (!std::is_floating_point_v<T>) fail(row, column, "a number is missing", where);
                value = std::numeric_limits<T>::quiet_NaN();
            } else if (const std::errc error = parse_number(text, value); error == std::errc::result_out_of_range) {
                fail(row, column, std::string("a number must fit ") + name_of(dtype_of<T>()), where);
            } else if (error != std::errc()) {
                fail(row, column, std::is_floating_point_v<T> ? "a number is needed" : "a whole number is needed",
                     where);
            }
            values.push_back(value);
        }
    return tensor(values, {rows(), static_cast<std::int64_t>(columns.size())});
}

Tensor CsvTable::numbers(const std::vector<std::string>& columns, DType dtype, Location where) const {
    std::vector<std::size_t> chosen;
    for (const std::string& name : columns) chosen.push_back(static_cast<std::size_t>(index_of(name, where)));
    switch (dtype) {
        case DType::f32: return numbers_as<float>(chosen, where);
        case DType::f64: return numbers_as<double>(chosen, where);
        case DType::i32: return numbers_as<std::int32_t>(chosen, where);
        case DType::i64: return numbers_as<std::int64_t>(chosen, where);
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
