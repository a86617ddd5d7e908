// What cloisterd and cloister-netd say to each other, and the descriptors that come with it.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "appliance/handover/channel.hpp"
#include "appliance/handover/messages.hpp"

namespace cloister::handover {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

TEST_CASE("Requests and answers arrive as they were sent", "[handover]") {
  Request most{.queues = queues_max, .endpoints = {}};
  for (std::size_t i = 0; i < endpoints_max; ++i)
    most.endpoints.push_back({"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", static_cast<std::uint16_t>(i)});
  for (const auto& request : {Request{.queues = 1, .endpoints = {}}, Request{2, {{"203.0.113.1", 4500}}}, most}) {
    const auto message = encode(request);
    CHECK(message.size() <= message_bytes_max);
    CHECK(parse_request(message) == request);
  }
  for (const Answer& answer : {Answer{Opened{}}, Answer{Done{}}, Answer{Refused{"no"}}})
    CHECK(parse_answer(encode(answer)) == answer);
}

TEST_CASE("A verdict arrives as it was sent; anything else is none", "[handover]") {
  for (const auto verdict : {Verdict::in_use, Verdict::given_up}) CHECK(parse_verdict(encode(verdict)) == verdict);
  CHECK_FALSE(parse_verdict({}));
  CHECK_FALSE(parse_verdict(bytes({3})));
  CHECK_FALSE(parse_verdict(bytes({1, 1})));
}

TEST_CASE("A request that is cut off, too long or beyond its limits is refused", "[handover]") {
  const auto whole = encode(Request{2, {{"203.0.113.1", 4500}, {"2001:db8::1", 4500}}});
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(parse_request(std::span{whole}.first(length)));
  auto longer = whole;
  longer.push_back(std::byte{0});
  CHECK_FALSE(parse_request(longer));
  CHECK_FALSE(parse_request(bytes({1, 1, 0, 0})));     // another version
  CHECK_FALSE(parse_request(bytes({2, 0, 0, 0})));     // no queue
  CHECK_FALSE(parse_request(bytes({2, 17, 0, 0})));    // too many
  CHECK_FALSE(parse_request(bytes({2, 1, 0xff, 0})));  // too many endpoints
  CHECK_FALSE(parse_answer(bytes({4})));
  CHECK_FALSE(parse_answer(bytes({2, 0})));
}

struct Pair {
  Channel one;
  Channel other;
};

Pair connected() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  using namespace std::chrono_literals;
  return {Channel::accepted(FileDescriptor{ends[0]}, 1s), Channel::accepted(FileDescriptor{ends[1]}, 1s)};
}

TEST_CASE("Descriptors come with their message, and close on exec", "[handover]") {
  const Pair pair = connected();
  std::vector<FileDescriptor> given;
  for (std::size_t i = 0; i < queues_max; ++i) given.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
  REQUIRE(pair.one.send(encode(Answer{Opened{}}), given));
  const auto message = pair.other.receive();
  REQUIRE(message);
  CHECK(parse_answer(message->bytes) == Answer{Opened{}});
  REQUIRE(message->descriptors.size() == queues_max);
  struct stat null{};
  REQUIRE(::stat("/dev/null", &null) == 0);
  for (const auto& descriptor : message->descriptors) {
    struct stat found{};
    REQUIRE(::fstat(descriptor.get(), &found) == 0);
    CHECK(found.st_rdev == null.st_rdev);
    CHECK((::fcntl(descriptor.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(pair.other.peer_user() == ::geteuid());
  given.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_FALSE(pair.one.send(encode(Answer{Opened{}}), given));
}

TEST_CASE("The end of the other side is an empty message, and its silence an error", "[handover]") {
  auto pair = connected();
  CHECK_FALSE(pair.one.receive());
  pair.other = connected().one;
  const auto message = pair.one.receive();
  REQUIRE(message);
  CHECK(message->bytes.empty());
}

}  // namespace
}  // namespace cloister::handover
