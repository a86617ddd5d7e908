#include "appliance/box/epsilon_file.hpp"

#include <cmath>
#include <filesystem>
#include <format>
#include <fstream>

namespace cloister::box {

Result<double> read_epsilon(const std::string& path) {
  if (!std::filesystem::exists(path)) return 0.0;
  std::ifstream file{path};
  double total = 0;
  std::string rest;
  if (!(file >> total) || (file >> rest) || !std::isfinite(total) || total < 0)
    return fail(
        std::format("'{}' should hold the epsilon that the link has spent, one number: restore it, or set it to the "
                    "number of the link's blocks so far times their epsilon (the account log has both)",
                    path));
  return total;
}

Result<> write_epsilon(const std::string& path, double total) {
  const std::string fresh = path + ".new";
  {
    std::ofstream file{fresh, std::ios::trunc};
    file << std::format("{:.17g}\n", total) << std::flush;
    if (!file) return fail(std::format("'{}' cannot be written", fresh));
  }
  std::error_code error;
  std::filesystem::rename(fresh, path, error);
  if (error) return fail(std::format("'{}' cannot be replaced: {}", path, error.message()));
  return {};
}

}  // namespace cloister::box
