#pragma once
/// A file's text and its name.

#include <string>

namespace cloister::config {

struct TextFile {
  std::string name;  // for messages
  std::string text;
};

}  // namespace cloister::config
