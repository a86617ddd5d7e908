#include "appliance/session/transcript.hpp"

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::session {

Transcript::Transcript(const crypto::HashKey& key)
    : halves_{Half{crypto::PolynomialHash{key}}, Half{crypto::PolynomialHash{key}}} {}

void Transcript::add(std::size_t direction, std::span<const std::byte> body) {
  Half& half = halves_[direction];
  wire::Writer length;
  length.u64(0).u64(body.size());
  half.hash.update(length.view());
  half.hash.update(body);
  ++half.frames;
  half.bytes += body.size();
}

crypto::PolynomialHash Transcript::close(const crypto::HashKey& key, const SessionId& session, wire::BlockId block,
                                         std::size_t tag_direction) const {
  crypto::PolynomialHash whole{key};
  for (const Half& half : halves_) whole.append(half.hash);
  wire::Writer end;
  if (hooks::planted(hooks::PlantedBug::session_not_in_tag))
    end.bytes(SessionId{});
  else
    end.bytes(session);
  end.block_id(block).u64(tag_direction);
  for (const Half& half : halves_) end.u64(half.frames).u64(half.bytes);
  whole.update(end.view());
  return whole;
}

}  // namespace cloister::session
