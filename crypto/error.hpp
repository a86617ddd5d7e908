#pragma once
/// What can go wrong is a value: the message names the thing, what was found, what is expected and the remedy.

#include <expected>
#include <string>
#include <utility>

namespace cloister {

/// A failure for a person to read: lower case, no full stop, user text in single quotes.
struct Error {
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected{Error{std::move(message)}};
}

/// For what cannot happen unless this program is wrong; always compiled in, never used on input. Ends the process.
void require(bool condition, const char* what);

}  // namespace cloister
