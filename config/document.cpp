#include "config/document.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cloister::config {

std::string in_words(const std::string& problem) {
  const auto says = [&](const char* words) { return problem.contains(words); };
  if (says("illegal map value") || says("illegal map key"))
    return "a key here or just above has no ': ' behind it, or a value holds one: write 'key: value', quotes around "
           "the value";
  if (says("end of sequence flow")) return "a '[' just above is not closed";
  if (says("end of map flow")) return "a '{' just above is not closed";
  if (says("end of sequence") || says("end of map"))
    return "this line, or the one above, is indented otherwise than its neighbours";
  return problem;
}

std::expected<std::string, Diagnostics> text_of(const std::string& path) {
  const auto unreadable = [&](const std::string& why) {
    return std::unexpected{Diagnostics{{path, 0, 0, "", "cannot be read: " + why, ""}}};
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return unreadable("it is a directory");
  std::ifstream file{path, std::ios::binary};
  if (!file && errno == ENOENT)
    return unreadable("there is no such file: name another, or begin with one of /usr/share/doc/cloister/examples");
  if (!file && errno == EACCES) return unreadable("this user may not: run it as root");
  if (!file) return unreadable(std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace cloister::config
