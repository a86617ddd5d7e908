#include "hal/plugin/frame_parser.hpp"

#include <cstring>
#include <format>

#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

Result<ReadFrame> parse_frame(std::span<const std::byte> bytes) {
  FrameHead head;
  if (bytes.size() < sizeof head) return fail("a frame is shorter than its head");
  std::memcpy(&head, bytes.data(), sizeof head);
  const auto clicks = bytes.subspan(sizeof head);
  if (head.slots == 0 || head.slots > plugin_frame_slots_max)
    return fail(std::format("a frame of {} slots, expected 1 to 2^32", head.slots));
  if (head.first_slot > slot_max - head.slots) return fail("a frame past the last slot there is");
  if (head.detection_count > clicks.size() / sizeof(cloister_hal_detection))
    return fail(std::format("a frame of {} detections, at most {} fit", head.detection_count,
                            clicks.size() / sizeof(cloister_hal_detection)));
  if (head.detection_count > head.slots)
    return fail(
        std::format("a frame of {} detections in {} slots, at most one a slot", head.detection_count, head.slots));
  ReadFrame read{.frame = {.epoch = head.epoch, .first = head.first_slot, .slots = head.slots, .detections = {}},
                 .lost = head.lost};
  read.frame.detections.resize(head.detection_count);
  std::uint64_t smallest = 0;
  for (std::size_t i = 0; i < head.detection_count; ++i) {
    cloister_hal_detection click{};
    std::memcpy(&click, clicks.data() + i * sizeof click, sizeof click);
    if (click.offset < smallest || click.offset >= head.slots)
      return fail(std::format("detection {} of a frame: offset {} does not ascend inside its {} slots", i, click.offset,
                              head.slots));
    if (click.basis > CLOISTER_HAL_BASIS_X || click.bit > 1 || click.flags > CLOISTER_HAL_DOUBLE_CLICK ||
        click.reserved != 0)
      return fail(
          std::format("detection {} of a frame: basis {}, flags {}, reserved {}: expected a basis and a bit of "
                      "0 or 1, no flag but double click, and zero",
                      i, click.basis, click.flags, click.reserved));
    smallest = std::uint64_t{click.offset} + 1;
    const bool both = click.flags == CLOISTER_HAL_DOUBLE_CLICK;
    read.double_clicks += both ? 1 : 0;
    read.frame.detections[i] = {head.first_slot + click.offset, static_cast<Basis>(click.basis), click.bit, both};
  }
  return read;
}

Result<> FrameOrder::follows(const ReadFrame& read) {
  const auto& frame = read.frame;
  if (epoch_ != frame.epoch) {
    epoch_ = frame.epoch;
    next_ = 0;
    lost_ = 0;
  }
  if (frame.first < next_)
    return fail(std::format("a frame from slot {} on, when all before {} have been reported", frame.first, next_));
  if (read.lost < lost_) return fail(std::format("{} lost detections after {}", read.lost, lost_));
  next_ = frame.first + frame.slots;
  lost_ = read.lost;
  return {};
}

}  // namespace cloister::hal::plugin
