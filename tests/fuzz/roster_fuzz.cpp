// What the peer says of its tunnels: any bytes are an error or a list, and what is shared is on both lists.
#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/vpn/roster.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  if (size == 0) return 0;
  const auto payload = std::as_bytes(std::span{data, size}).subspan(1);
  const vpn::TunnelTerms office{"office", "hybrid=true\n"};
  vpn::Roster roster{"paris", {office}};
  roster.on_session_up();
  static_cast<void>(roster.on_message(2, std::as_bytes(std::span{"\0\0\0\1", 4})));
  if (!roster.on_message(data[0], payload)) return 0;
  const auto list = vpn::decode_roster_list(payload);
  if (!list) return 0;
  require(vpn::decode_roster_list(*vpn::encode(*list)) == *list, "a list is written as it was read");
  require(!roster.shared(vpn::id_of(office)) || roster.differences().contains("office") == false,
          "what is shared does not differ");
  return 0;
}
