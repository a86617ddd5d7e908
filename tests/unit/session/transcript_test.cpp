// What a tag covers beside the frames: a tag of one session, block or direction says nothing in another.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "appliance/session/transcript.hpp"

namespace cloister::session {
namespace {

crypto::HashKey key() {
  crypto::HashKey key;
  std::ranges::fill(key.fill(), std::byte{0x3C});
  return key;
}

TEST_CASE("A tag names session, block and direction, and the frames of both sides in their order", "[session]") {
  const std::array one{std::byte{1}, std::byte{2}};
  const std::array other{std::byte{1}, std::byte{3}};
  const SessionId session{std::byte{7}};
  const auto said = [](std::initializer_list<std::pair<std::size_t, std::span<const std::byte>>> frames) {
    Transcript transcript{key()};
    for (const auto& [direction, body] : frames) transcript.add(direction, body);
    return transcript;
  };
  const auto transcript = said({{0, one}, {1, other}});
  const auto hash = transcript.close(key(), session, {5}, 0).value();
  CHECK(transcript.close(key(), session, {5}, 0).value() == hash);
  CHECK(transcript.close(key(), SessionId{std::byte{8}}, {5}, 0).value() != hash);
  CHECK(transcript.close(key(), session, {6}, 0).value() != hash);
  CHECK(transcript.close(key(), session, {5}, 1).value() != hash);
  CHECK(said({{0, other}, {1, one}}).close(key(), session, {5}, 0).value() != hash);
  CHECK(said({{0, one}, {0, other}}).close(key(), session, {5}, 0).value() != hash);
  CHECK(said({{0, one}, {1, other}, {1, {}}}).close(key(), session, {5}, 0).value() != hash);
}

}  // namespace
}  // namespace cloister::session
