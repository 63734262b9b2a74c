#include "composition.hpp"

#include <string>
#include <typeinfo>

namespace xgrad::detail {
namespace {

/// "max: there must be elements, got shape (0,) [norm.cpp:117]" as "norm: there must be elements, got shape (0,)"; a
/// text that already names the part of the operation concerned, "matmul (leading axes): …", keeps that part.
std::string renamed(const std::string& text, const char* operation) {
    const std::size_t colon = text.find(": "), line = text.ends_with(']') ? text.rfind(" [") : std::string::npos;
    const std::size_t begin = colon == std::string::npos ? 0 : colon + 2;
    const std::string rule =
        text.substr(begin, line == std::string::npos || line < begin ? std::string::npos : line - begin);
    return (text.starts_with(operation + std::string(" (")) ? text.substr(0, begin) : operation + std::string(": ")) +
           rule;
}

}  // namespace

void rethrow_as(const char* operation, Location where) {
    const auto text = [&](const Error& error) { return at(renamed(error.what(), operation), where); };
    try {
        throw;
    } catch (const ShapeError& error) {
        throw ShapeError(text(error));
    } catch (const DTypeError& error) {
        throw DTypeError(text(error));
    } catch (const IndexError& error) {
        throw IndexError(text(error));
    } catch (const ValueError& error) {
        throw ValueError(text(error));
    } catch (const Error& error) {
        if (typeid(error) == typeid(Error)) throw Error(text(error));
        throw;  // other errors are not about arguments
    }
}

}  // namespace xgrad::detail
