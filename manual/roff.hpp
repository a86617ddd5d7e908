#pragma once
/// Text for man(7), the language of manual pages.

#include <string>
#include <string_view>
#include <vector>

namespace cloister::manual {

/// As plain words: no character of it is an instruction, and a hyphen can be copied as the one that was typed.
[[nodiscard]] std::string roff(std::string_view text);
[[nodiscard]] std::string bold(std::string_view text);

/// The first line of a page: its title, "CLOISTER.YAML" of section 5.
[[nodiscard]] std::string page_title(std::string_view name, int section);
[[nodiscard]] std::string heading(std::string_view text);
[[nodiscard]] std::string subheading(std::string_view text);
[[nodiscard]] std::string paragraphs(const std::vector<std::string>& texts);
/// A term (as roff already), and what it means.
[[nodiscard]] std::string tagged(std::string_view roff_term, std::string_view meaning);

}  // namespace cloister::manual
