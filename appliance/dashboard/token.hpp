#pragma once
/// The word that opens the dashboard to who comes from elsewhere: a page's visitor types it once, Prometheus sends it.

#include <expected>
#include <string>
#include <string_view>

namespace cloister::dashboard {

class Token {
 public:
  /// A word of 32 letters or more (A-Z a-z 0-9 - _), as `openssl rand -hex 32` makes one: of that length nobody guesses
  /// it, and of these letters it is the same in a form, in a cookie and in a header. Blanks around it do not count.
  [[nodiscard]] static std::expected<Token, std::string> from(std::string_view text);
  /// The token in a file, which only the dashboard should be able to read.
  [[nodiscard]] static std::expected<Token, std::string> read(const std::string& path);

  /// In a time that tells the length at most.
  [[nodiscard]] bool is(std::string_view said) const;
  /// For the cookie of who has said it.
  [[nodiscard]] const std::string& word() const { return word_; }

 private:
  explicit Token(std::string_view word) : word_{word} {}

  std::string word_;
};

}  // namespace cloister::dashboard
