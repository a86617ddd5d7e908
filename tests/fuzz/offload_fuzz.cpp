// Packets from the red network, from a peer that is authentic but not well-meaning, and frames of the TUN device: any bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/vpn/coalescing.hpp"
#include "appliance/vpn/segmentation.hpp"
#include "crypto/error.hpp"

namespace {

using namespace cloister;

/// Cuts, and returns what was cut, one after another.
std::vector<std::byte> cut(const vpn::Offload& offload, std::span<const std::byte> packet) {
  std::vector<std::byte> all;
  const auto segments = vpn::Segments::of(offload, packet);
  for (std::size_t i = 0; segments && i < segments->count(); ++i) {
    std::vector<std::byte> one(segments->bytes(i));
    segments->write(i, one);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8 || size > 65'535) return 0;
  const auto bytes = std::as_bytes(std::span{data, size});
  const auto number = [&](std::size_t at) { return static_cast<std::uint16_t>(data[at] << 8U | data[at + 1]); };
  const vpn::Offload offload{.segmentation = static_cast<vpn::Offload::Segmentation>(data[0] % 3),
                             .checksum_missing = (data[0] & 0x80) != 0,
                             .segment_bytes = number(1),
                             .checksum_start = number(3),
                             .checksum_offset = number(5)};
  static_cast<void>(cut(offload, bytes.subspan(7)));

  // The bytes as packets, each after two bytes of length: joined and cut, they are as many bytes (the
  // unit tests compare these).
  vpn::Coalescer coalescer{{}};
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
  const auto take = [&](const std::optional<vpn::Coalescer::Frame>& frame) {
    if (!frame) return;
    if (frame->offload.segmentation == vpn::Offload::Segmentation::none) {
      bytes_out += frame->packet.size();
      return;
    }
    const auto packets = cut(frame->offload, frame->packet);
    require(!packets.empty(), "what was joined can be cut");
    bytes_out += packets.size();
  };
  for (auto rest = bytes; rest.size() > 2;) {
    const auto length = std::min<std::size_t>(
        rest.size() - 2, std::to_integer<std::size_t>(rest[0]) << 8U | std::to_integer<std::size_t>(rest[1]));
    const auto packet = rest.subspan(2, length);
    rest = rest.subspan(2 + length);
    if (packet.empty()) continue;
    const auto room = coalescer.room(packet.size());
    std::ranges::copy(packet, room.begin());
    take(coalescer.add(room));
    bytes_in += packet.size();
  }
  take(coalescer.flush());
  require(bytes_in == bytes_out, "no byte is lost or made");
  return 0;
}
