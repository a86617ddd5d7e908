#include "appliance/cloisterctl/table.hpp"

#include <algorithm>
#include <format>

namespace cloister::cloisterctl {

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], row[column].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column + 1 < row.size(); ++column)
      line += std::format("{:<{}}  ", row[column], widths[column]);
    out += line + row.back() + "\n";
  }
  return out;
}

}  // namespace cloister::cloisterctl
