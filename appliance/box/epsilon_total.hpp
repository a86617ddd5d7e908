#pragma once
/// What a link has spent of its life's epsilon. Every block that was begun counts, also one that gave no key: an attack
/// may be one that is dropped when it fails and unnoticed when it works, so each attempt is a chance.
///
/// The total is kept across restarts. It is booked ahead, many blocks at a time, so that a crash loses nothing: the file
/// is always at or above what was spent. A restart so costs what was booked and not used, at most a ten-thousandth of the
/// budget (or one block).

#include <algorithm>
#include <optional>

namespace cloister::box {

class EpsilonTotal {
 public:
  static constexpr double blocks_ahead_max = 1000;
  static constexpr double low_share = 0.8;
  enum class Change { none, low, spent };

  EpsilonTotal(double budget, double per_block, double booked)
      : budget_{budget}, per_block_{per_block}, total_{booked}, booked_{booked} {}

  /// Before a block begins: the total to be written down first, where it is due. It stays due until `on_booked`.
  [[nodiscard]] std::optional<double> to_book() const {
    if (total_ + per_block_ <= booked_) return std::nullopt;
    return total_ + std::clamp(budget_ / per_block_ / 10'000, 1.0, blocks_ahead_max) * per_block_;
  }
  void on_booked(double total) { booked_ = total; }
  /// A block begins.
  [[nodiscard]] Change add_block() {
    total_ += per_block_;
    return level_changed();
  }

  [[nodiscard]] double total() const { return total_; }
  [[nodiscard]] double budget() const { return budget_; }
  [[nodiscard]] double per_block() const { return per_block_; }

 private:
  [[nodiscard]] Change level_changed() {
    const Change level = total_ > budget_ ? Change::spent : total_ > low_share * budget_ ? Change::low : Change::none;
    if (level == level_) return Change::none;
    level_ = level;
    return level;
  }

  double budget_;
  double per_block_;
  double total_;
  double booked_;
  Change level_ = Change::none;
};

}  // namespace cloister::box
