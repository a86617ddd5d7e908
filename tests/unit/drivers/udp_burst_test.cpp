// The sending side on a device that cannot cut datagrams: the kernel's answer is put in the place of the device's.
#include "appliance/drivers/udp_burst.hpp"

#include <arpa/inet.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <vector>

namespace {

std::atomic<int> refusal{0};  // the errno that a run of several datagrams is answered with; 0: the kernel decides
std::atomic<int> refused{0};

}  // namespace

/// Stands before the C library's.
extern "C" ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  if (refusal != 0 && message->msg_controllen > 0) {
    ++refused;
    errno = refusal;
    return -1;
  }
  return ::syscall(SYS_sendmsg, socket, message, flags);
}

namespace cloister::drivers {
namespace {

struct Loopback {
  int receiver = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  SocketAddress peer;

  Loopback() {
    sockaddr_in any{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    REQUIRE(::bind(receiver, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    peer.length = sizeof peer.storage;
    REQUIRE(::getsockname(receiver, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length) == 0);
  }
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  ~Loopback() {
    ::close(receiver);
    ::close(sender);
  }
  /// The first byte of each datagram that has come; its length is checked.
  std::vector<int> received(std::size_t bytes, std::size_t last_bytes) const {
    std::vector<int> firsts;
    std::vector<std::byte> room(65'536);
    for (;;) {
      const ssize_t length = ::recv(receiver, room.data(), room.size(), 0);
      if (length < 0) return firsts;
      firsts.push_back(std::to_integer<int>(room[0]));
      CHECK((static_cast<std::size_t>(length) == bytes || static_cast<std::size_t>(length) == last_bytes));
    }
  }
};

/// Twenty of one size and a shorter one: one run.
void lay(SendBurst& burst, const SocketAddress& peer) {
  for (int i = 0; i < 21; ++i) {
    const std::size_t bytes = i < 20 ? 1000 : 500;
    auto room = burst.room(bytes);
    REQUIRE(room.size() == bytes);
    room[0] = static_cast<std::byte>(i);
    burst.commit(bytes, peer);
  }
}

const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

TEST_CASE("Where the device refuses to cut datagrams, they go singly, in order, none lost, and it is asked once",
          "[drivers]") {
  const Loopback loop;
  SendBurst burst;
  refusal = EIO;
  refused = 0;
  for (int round = 0; round < 3; ++round) {
    lay(burst, loop.peer);
    CHECK(burst.send(loop.sender).datagrams == 0);
    CHECK(loop.received(1000, 500) == all);
    CHECK(burst.empty());
  }
  refusal = 0;
  CHECK(refused == 1);
}

TEST_CASE("A run that is longer than the way's MTU goes singly, and the next one is tried whole again", "[drivers]") {
  const Loopback loop;
  SendBurst burst;
  for (const int error : {EINVAL, EMSGSIZE}) {
    refusal = error;
    refused = 0;
    for (int round = 0; round < 2; ++round) {
      lay(burst, loop.peer);
      CHECK(burst.send(loop.sender).datagrams == 0);
      CHECK(loop.received(1000, 500) == all);
    }
    CHECK(refused == 2);
  }
  refusal = 0;
}

TEST_CASE("What the socket does not take is counted", "[drivers]") {
  const Loopback loop;
  SendBurst burst;
  refusal = ENOBUFS;
  lay(burst, loop.peer);
  const auto [datagrams, too_long] = burst.send(loop.sender);
  CHECK(datagrams == 21);
  CHECK(too_long == 0);
  refusal = 0;
  CHECK(loop.received(1000, 500).empty());
  lay(burst, loop.peer);
  CHECK(burst.send(loop.sender).datagrams == 0);
  CHECK(loop.received(1000, 500) == all);
}

TEST_CASE("A burst is of whole runs: of what fits beside two full ones, no short third one is made", "[drivers]") {
  const Loopback loop;
  SendBurst burst;
  constexpr std::size_t bytes = 1456;  // 44 of them are a run, and 90 would fit the memory
  std::size_t laid = 0;
  for (; !burst.room(bytes).empty(); ++laid) burst.commit(bytes, loop.peer);
  CHECK(laid == 88);
  CHECK(burst.send(loop.sender).datagrams == 0);
  CHECK(loop.received(bytes, bytes).size() == 88);
  CHECK_FALSE(burst.room(65'535).empty());
}

/// Datagrams of these classes, with a burst for all and a socket that says what has come.
std::vector<int> classes_received(const std::vector<int>& sent) {
  const Loopback loop;
  const int on = 1;
  REQUIRE(::setsockopt(loop.receiver, IPPROTO_IP, IP_RECVTOS, &on, sizeof on) == 0);
  SendBurst burst;
  for (const int one : sent) {
    REQUIRE_FALSE(burst.room(100).empty());
    burst.commit(100, loop.peer, static_cast<std::uint8_t>(one));
  }
  CHECK(burst.send(loop.sender).datagrams == 0);
  ReceiveBurst received;
  std::vector<int> classes;
  for (std::size_t runs = received.receive(loop.receiver); runs > 0; runs = received.receive(loop.receiver)) {
    for (std::size_t i = 0; i < runs; ++i) classes.push_back(received.run(i).traffic_class);
  }
  return classes;
}

TEST_CASE("Each datagram has its class, also where neighbours have another, and where runs are cut by the kernel",
          "[drivers]") {
  const std::vector<int> mixed{0, 0, 0xB8, 0xB8, 0xBA, 0, 0x28, 3};
  CHECK(classes_received(mixed) == mixed);
}

}  // namespace
}  // namespace cloister::drivers
