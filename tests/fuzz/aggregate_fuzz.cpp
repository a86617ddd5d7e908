// An aggregate of packets by an authentic peer that errs: any bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/vpn/aggregate.hpp"
#include "crypto/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto bytes = std::as_bytes(std::span{data, size});
  vpn::AggregateReader reader{bytes};
  std::vector<std::span<const std::byte>> packets;
  std::size_t total = 0;
  while (const auto packet = reader.next()) {
    require(packet->size() >= 20, "a packet has a header");
    total += packet->size();
    require(total + vpn::aggregate_header_bytes <= size, "packets lie within the payload");
    packets.push_back(*packet);
  }
  require(!reader.next(), "the end stays the end");
  if (size < vpn::aggregate_header_bytes) return 0;

  std::vector<std::byte> written(size, std::byte{0xEE});
  vpn::AggregateWriter writer{written};
  for (const auto packet : packets) require(writer.add(packet), "what was in it fits again");
  writer.finish();
  vpn::AggregateReader again{written};
  for (const auto packet : packets) {
    const auto one = again.next();
    require(one && std::ranges::equal(*one, packet), "what was written is read");
  }
  require(!again.next() && !again.malformed(), "and nothing else");
  return 0;
}
