#include "appliance/box/epsilon_file.hpp"

#include <charconv>
#include <cmath>
#include <format>
#include <string_view>

#include "appliance/drivers/whole_file.hpp"

namespace cloister::box {

Result<double> read_epsilon(const std::string& path) {
  const auto bytes = drivers::read_file(path);
  if (!bytes) return std::unexpected{bytes.error()};
  if (!*bytes) return 0.0;
  std::string_view text{reinterpret_cast<const char*>((*bytes)->data()), (*bytes)->size()};
  if (text.ends_with('\n')) text.remove_suffix(1);
  double total = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), total);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(total) || total < 0)
    return fail(
        std::format("'{}' should hold the epsilon that the link has spent, one number: restore it, or set it to the "
                    "number of the link's blocks so far times their epsilon (the account log has both)",
                    path));
  return total;
}

Result<> write_epsilon(const std::string& path, double total) {
  const std::string text = std::format("{:.17g}\n", total);
  return drivers::replace_file(path, std::as_bytes(std::span{text}));
}

}  // namespace cloister::box
