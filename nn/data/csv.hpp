#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <autodiff/core/tensor.hpp>

namespace xgrad::nn {

struct CsvOptions {
    char separator = ',';
    bool header = true;  ///< the first line (after the skipped ones) names the columns; otherwise their names are "0",
                         ///< "1", …
    /// Fields that mean a missing number.
    std::vector<std::string> missing = {"", "NA", "N/A", "NaN", "nan", "null"};
    std::int64_t skip_lines = 0;  ///< this many lines at the beginning are skipped, whatever they contain
    std::int64_t max_bytes =
        1 << 30;  ///< a limit for gzipped files: a small one can be made to expand to a thousand times its size
    char comment = '\0';  ///< starts a comment, up to the end of its line, unless in quotes; '\0': no comments
};

/// A table of text fields by row and column, which can be converted to numbers. Returned by read_csv and parse_csv.
///
///     const nn::CsvTable table = nn::read_csv("houses.csv");
///     Tensor x = table.numbers({"area", "rooms"}), y = table.numbers({"price"});      // (rows, 2), (rows, 1) f32
///     nn::read_csv("wine_data.csv", {.header = false, .skip_lines = 1});  // scikit-learn's, with a line about itself
///     nn::read_csv("Stocks.csv", {.comment = '#'});                       // matplotlib's
class XGRAD_API CsvTable {
public:
    const std::vector<std::string>& names() const { return names_; }
    std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
    std::int64_t columns() const { return static_cast<std::int64_t>(names_.size()); }

    /// A field without its quotes. IndexError out of range, or for an unknown column name.
    std::string_view field(std::int64_t row, std::int64_t column, Location where = Location::current()) const;
    std::string_view field(std::int64_t row, std::string_view column, Location where = Location::current()) const {
        return field(row, index_of(column, where), where);
    }

    /// The named columns as numbers (rows, columns), rounded to the nearest value of the dtype, so that 1e-400 is 0; a
    /// missing number is NaN. FormatError that names the line when a field is not a number, does not fit the dtype, or
    /// is missing where the dtype has no NaN; IndexError for an unknown column name.
    Tensor numbers(const std::vector<std::string>& columns, DType dtype = DType::f32,
                   Location where = Location::current()) const;
    /// All columns.
    Tensor numbers(DType dtype = DType::f32, Location where = Location::current()) const {
        return numbers(names_, dtype, where);
    }
    /// The distinct texts in a column, sorted, and for each row the index of its text: (rows) i64.
    std::pair<Tensor, std::vector<std::string>> classes(std::string_view column,
                                                        Location where = Location::current()) const;

    std::int64_t index_of(std::string_view column, Location where = Location::current()) const;

private:
    friend class CsvReader;
    bool is_missing(std::string_view text) const;
    [[noreturn]] void fail(std::size_t row, std::size_t column, const std::string& rule, Location where) const;
    template <class T>
    Tensor numbers_as(const std::vector<std::size_t>& columns, Location where) const;

    std::string file_;
    std::vector<std::string> names_, missing_;
    std::vector<std::size_t> by_name_;  // column indices, sorted by name
    std::string text_;  // all fields one after another
    std::vector<std::size_t> ends_;  // the end of each field in text_, row by row
    std::vector<std::int64_t> lines_;  // the line where each row begins
};

/// Reads a table by RFC 4180: fields between separators, lines ended by LF or CRLF; a field in quotes may contain
/// separators, line ends and doubled quotes. Empty lines, lines with only a comment and a byte order mark are skipped.
/// A file may be gzipped.
///
/// Errors, each with the user's line: FormatError naming file and line for a different number of fields than in the
/// first line, a quote inside an unquoted field or after a closing quote, an unterminated quote, a duplicate column
/// name, or a missing header. Error when the file cannot be read. ValueError for a path with a zero byte, and unless
/// separator, comment, quote and line ends are all different and skip_lines is not negative.
XGRAD_API CsvTable read_csv(const std::string& path, const CsvOptions& options = {},
                            Location where = Location::current());
/// The same from a text; `name` replaces the file name in errors.
XGRAD_API CsvTable parse_csv(std::string_view text, const std::string& name = "csv", const CsvOptions& options = {},
                             Location where = Location::current());

}  // namespace xgrad::nn
