#include "manual/roff.hpp"

#include <cctype>
#include <format>

namespace cloister::manual {
namespace {

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else
      out += c;
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string bold(std::string_view text) { return std::format("\\fB{}\\fR", roff(text)); }

std::string page_title(std::string_view name, int section) {
  return std::format(".TH {} {} \"\" \"Cloister {}\" \"Cloister\"\n", roff(upper(name)), section, CLOISTER_VERSION);
}

std::string heading(std::string_view text) { return std::format(".SH {}\n", roff(upper(text))); }

std::string subheading(std::string_view text) { return std::format(".SS {}\n", roff(text)); }

std::string paragraphs(const std::vector<std::string>& texts) {
  std::string page;
  for (const auto& text : texts) page += (page.empty() ? "" : ".PP\n") + roff(text) + "\n";
  return page;
}

std::string tagged(std::string_view roff_term, std::string_view meaning) {
  return std::format(".TP\n{}\n{}\n", roff_term, meaning.empty() ? "\\&" : roff(meaning));
}

}  // namespace cloister::manual
