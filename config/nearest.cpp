#include "config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cloister::config {
namespace {

constexpr std::size_t short_word = 5;  // of which two letters changed leave too little

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

/// Letters put in, left out, changed, or swapped with their neighbour (optimal string alignment, after Damerau); upper
/// and lower case are alike.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto alike = [&](std::size_t i, std::size_t j) { return lower(a[i]) == lower(b[j]); };
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0UZ);
  for (std::size_t i = 0; i < a.size(); ++i) {
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({row[j] + 1, last[j + 1] + 1, last[j] + (alike(i, j) ? 0 : 1)});
      if (i > 0 && j > 0 && alike(i, j - 1) && alike(i - 1, j))
        row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  std::size_t least = (word.size() < short_word ? 1 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  if (word.size() > 64) return std::nullopt;
  for (const auto& candidate : candidates) {
    const std::size_t found = distance(word, candidate);
    if (found < least) {
      least = found;
      best = candidate;
    }
  }
  return best;
}

}  // namespace cloister::config
