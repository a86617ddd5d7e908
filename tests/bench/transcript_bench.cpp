// What each frame of a block costs the session, as it is sent: its computational MAC, and the hash of the block's
// transcript once, or twice where the block may end under paid or derived tags (`its-preferred`). Seconds of a core for
// a gigabyte.
#include <format>
#include <vector>

#include "appliance/session/frame.hpp"
#include "appliance/session/transcript.hpp"
#include "tests/bench/figures.hpp"

namespace cloister::bench {
namespace {

constexpr double gigabyte = 1e9;

crypto::HashKey hash_key(std::size_t number) {
  crypto::HashKey key;
  for (std::size_t i = number; auto& byte : key.fill()) byte = static_cast<std::byte>(++i);
  return key;
}

/// How long the work takes for each byte, over half a second of it.
template <class Work>
double per_byte(std::size_t bytes, Work work) {
  std::size_t done = 0;
  const double begun = core_seconds();
  const double end = wall_seconds() + 0.5;
  for (; wall_seconds() < end; done += bytes) work();
  return (core_seconds() - begun) / static_cast<double>(done);
}

void measure(std::size_t payload_bytes) {
  const std::vector<std::byte> payload(payload_bytes, std::byte{0x5A});
  const auto body = session::encode_body(session::FrameKind::block, 1, {1}, 1, payload);
  crypto::MacKey key;
  const auto name = std::format("transcript/{}", payload_bytes);
  print(name + "/mac", gigabyte * per_byte(payload_bytes, [&] { static_cast<void>(session::seal_frame(body, &key)); }),
        "s");
  std::vector<session::Transcript> transcripts;
  for (std::size_t many = 1; many <= 2; ++many) {
    transcripts.emplace_back(hash_key(many));
    const auto taken = per_byte(payload_bytes, [&] {
      for (auto& transcript : transcripts) transcript.add(0, body);
    });
    print(std::format("{}/hashed {}", name, many == 1 ? "once" : "twice"), gigabyte * taken, "s");
  }
}

}  // namespace
}  // namespace cloister::bench

int main() {
  for (const std::size_t bytes : {200U, 4096U, 65536U}) cloister::bench::measure(bytes);
  return 0;
}
