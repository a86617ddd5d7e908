#pragma once
/// One value of a configuration as it is in force, whether the file gives it or not: what `config show`, `config diff`
/// and `config schema` are made of.

#include <string>
#include <vector>

namespace cloister::config {

/// What a value may look like in the file, for an editor.
enum class Shape { text, number, whole, truth, number_or_text, section };

/// What holds where a file says nothing: always the same, what follows from other settings, or nothing (an error).
enum class Default { fixed, derived, none };

/// What a value, or each of a list, must look like.
struct Form {
  std::string expected;  // "a duration: expected …"
  Shape shape = Shape::text;
  std::vector<std::string> choices = {};  // all there are, when they can be listed
  std::string pattern = "";               // a regular expression, where there is one for it
  std::string least = "", most = "";      // as a file would say them
};

/// Where a value stands.
struct Place {
  std::string file;
  int line = 0;    // from 1
  int column = 0;  // from 1
  std::string source_line;
};

struct Setting {
  std::string path;                 // "links[0].device.role"
  std::vector<std::string> values;  // as a file would say it; one, or those of a list
  bool list = false;
  bool given = false;  // the file says it; else it is the default
  Default fallback = Default::fixed;
  Form form;
  std::vector<Place> places = {};  // of each value that the file gives
};

using Settings = std::vector<Setting>;

}  // namespace cloister::config
