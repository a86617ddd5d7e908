#pragma once
/// Rows of words under a head, in columns as wide as their widest word.

#include <string>
#include <vector>

namespace cloister::cloisterctl {

using Row = std::vector<std::string>;

/// The first row is the head; all have as many words.
[[nodiscard]] std::string table(const std::vector<Row>& rows);

}  // namespace cloister::cloisterctl
