// Frames and greetings: read as written, refused when cut or out of bounds.
#include <catch2/catch_test_macros.hpp>

#include "appliance/session/frame.hpp"
#include "appliance/session/greeting.hpp"
#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {

Greeting sample() {
  Greeting greeting{.link = "line",
                    .box = "alice",
                    .peer = "bob",
                    .side = 1,
                    .next_block = 9,
                    .channel_block = 3,
                    .held = {{3}, {5}},
                    .own_counter = 5,
                    .granted_counter = 9,
                    .sealed_bits = 1024,
                    .sealed = {GenerationId{std::byte{1}}, GenerationId{std::byte{2}}},
                    .agreement = "x=1\n"};
  greeting.life[0] = std::byte{1};
  greeting.nonce[31] = std::byte{2};
  return greeting;
}

TEST_CASE("A greeting is read as it was written, and refused when a byte is missing or too many", "[session]") {
  const auto bytes = encode(sample());
  CHECK(decode_greeting(bytes) == sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    REQUIRE_FALSE(decode_greeting(std::span{bytes}.first(length)));
  auto longer = bytes;
  longer.resize(bytes.size() + 1);
  CHECK_FALSE(decode_greeting(longer));
}

TEST_CASE("A greeting of another release says its version, and nothing else", "[session]") {
  auto bytes = encode(sample());
  CHECK_FALSE(other_version(bytes));
  bytes[5] = std::byte{greeting_version + 1};
  CHECK(other_version(bytes) == greeting_version + 1);
  CHECK_FALSE(decode_greeting(bytes));
  bytes[0] ^= std::byte{1};
  CHECK_FALSE(other_version(bytes));
  CHECK_FALSE(other_version({}));
}

TEST_CASE("A greeting whose blocks do not ascend is refused", "[session]") {
  auto greeting = sample();
  greeting.held = {{5}, {5}};
  CHECK_FALSE(decode_greeting(encode(greeting)));
}

TEST_CASE("Frames are cut from the stream wherever it was split; a length beyond the limit is an error at once",
          "[session]") {
  crypto::MacKey key;
  std::vector<std::byte> stream;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto frame = seal_frame(encode_body(FrameKind::message, i, {}, 7, test::bytes_of(std::string(i, 'x'))), &key);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (std::size_t step = 1; step < 50; ++step) {
    FrameStream cutter;
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      cutter.feed(std::span{stream}.subspan(at, std::min(step, stream.size() - at)));
      for (auto sealed = cutter.next(1000); sealed && *sealed; sealed = cutter.next(1000)) {
        const auto body = open_frame(**sealed, &key);
        REQUIRE(body);
        const auto frame = decode_body(*body);
        REQUIRE((frame && frame->sequence == seen && frame->payload.size() == seen && frame->type == 7));
        ++seen;
      }
    }
    REQUIRE(seen == 20);
  }
  FrameStream cutter;
  cutter.feed(std::array{std::byte{0x7F}, std::byte{0}, std::byte{0}, std::byte{0}});
  CHECK_FALSE(cutter.next(1000));
}

TEST_CASE("A frame under another key, or of which any bit was changed, is nobody's", "[session]") {
  crypto::MacKey key;
  crypto::MacKey other;
  other.fill()[0] = std::byte{1};
  auto sealed = seal_frame(encode_body(FrameKind::tag, 1, {2}, 0, test::bytes_of("tag")), &key);
  sealed.erase(sealed.begin(), sealed.begin() + 4);
  REQUIRE(open_frame(sealed, &key));
  CHECK_FALSE(open_frame(sealed, &other));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    sealed[bit / 8] ^= std::byte{1} << (bit % 8);
    REQUIRE_FALSE(open_frame(sealed, &key));
    sealed[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST_CASE("The difference of two agreements is named line by line", "[session]") {
  CHECK_FALSE(first_difference("a=1\nb=2\n", "a=1\nb=2\n"));
  const auto difference = first_difference("a=1\nb=2\n", "a=1\nb=3\n");
  REQUIRE(difference);
  CHECK(difference->contains("b=2"));
  CHECK(difference->contains("b=3"));
  CHECK(first_difference("a=1\n", "a=1\nb=3\n"));
}

}  // namespace
}  // namespace cloister::session
