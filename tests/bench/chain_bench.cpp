// The whole chain on light of the simulated fibre: both ends in one process, and both ends as processes of one core
// each over loopback, in a network namespace of their own. Keys of both ends are compared bit for bit. Prints a figure
// a line, as JSON; each end makes its light from the seed before the clock runs.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <format>
#include <functional>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "crypto/random.hpp"
#include "tests/bench/chain_end.hpp"
#include "tests/bench/figures.hpp"

namespace {
using namespace cloister;
using bench::Outcome;
using bench::print;

constexpr std::uint64_t seed = 20231;
constexpr std::size_t blocks = 6;
constexpr std::uint64_t block_bits = 4'000'000;
constexpr std::size_t blocks_far = 30;  // over a long round trip: more than are under way at once
constexpr std::size_t secret_memory_bytes = std::size_t{1} << 30U;

distill::Parameters parameters() {
  distill::Parameters out;
  for (std::size_t k = 0; k < bench::source_settings.intensities.size(); ++k) {
    out.intensities[k] = bench::source_settings.intensities[k];
    out.probabilities[k] = bench::source_settings.probabilities[k];
  }
  out.block_bits = block_bits;
  return out;
}

bench::LightSettings light_of(double qber, bool drifting) {
  return {.seed = seed, .qber = qber, .drifting = drifting, .sifted_bits = block_bits};
}

void pin(std::size_t wanted) {
  cpu_set_t allowed;
  require(::sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the cores of this process");
  std::size_t seen = 0;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || seen++ != wanted % static_cast<std::size_t>(CPU_COUNT(&allowed))) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    require(::sched_setaffinity(0, sizeof one, &one) == 0, "a core of its own");
    return;
  }
}

/// A child that does `work` and sends its outcome; it uses no secret memory of its parent's.
struct Child {
  pid_t id = 0;
  int pipe = 0;
};

void write_all(int to, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const auto count = ::write(to, at, bytes);
    require(count > 0, "the parent reads");
    at += count;
    bytes -= static_cast<std::size_t>(count);
  }
}

void read_all(int from, void* data, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(data);
  while (bytes > 0) {
    const auto count = ::read(from, at, bytes);
    require(count > 0, "the child has done its work");
    at += count;
    bytes -= static_cast<std::size_t>(count);
  }
}

Child start(std::size_t core, const std::function<Outcome()>& work) {
  int ends[2];
  require(::pipe(ends) == 0, "a pipe");
  const pid_t id = ::fork();
  require(id >= 0, "a process");
  if (id > 0) {
    ::close(ends[1]);
    return {id, ends[0]};
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // none outlives the measurement
  pin(core);
  crypto::arena_initialise(secret_memory_bytes);
  const Outcome outcome = work();
  const std::uint64_t key_bytes = outcome.keys.size();
  write_all(ends[1], &outcome.wall_seconds, sizeof outcome.wall_seconds);
  write_all(ends[1], &outcome.core_seconds, sizeof outcome.core_seconds);
  write_all(ends[1], &outcome.sifted_bits, sizeof outcome.sifted_bits);
  write_all(ends[1], &outcome.secret_bits, sizeof outcome.secret_bits);
  write_all(ends[1], &outcome.errors, sizeof outcome.errors);
  write_all(ends[1], &key_bytes, sizeof key_bytes);
  write_all(ends[1], outcome.keys.data(), key_bytes);
  ::_exit(0);
}

Outcome finish(const Child& child) {
  Outcome outcome;
  std::uint64_t key_bytes = 0;
  read_all(child.pipe, &outcome.wall_seconds, sizeof outcome.wall_seconds);
  read_all(child.pipe, &outcome.core_seconds, sizeof outcome.core_seconds);
  read_all(child.pipe, &outcome.sifted_bits, sizeof outcome.sifted_bits);
  read_all(child.pipe, &outcome.secret_bits, sizeof outcome.secret_bits);
  read_all(child.pipe, &outcome.errors, sizeof outcome.errors);
  read_all(child.pipe, &key_bytes, sizeof key_bytes);
  outcome.keys.resize(key_bytes);
  read_all(child.pipe, outcome.keys.data(), key_bytes);
  ::close(child.pipe);
  ::waitpid(child.id, nullptr, 0);
  return outcome;
}

/// A service runs for months, so what memory costs at its first touch is no part of a rate: all is done twice, and the
/// second time counts.
constexpr int times = 2;

/// Both halves in turn on one core.
Outcome in_turn(distill::Chain* alice, distill::Chain* bob, bench::RecordedLight& light) {
  alice->start({1});
  bob->start({1});
  Outcome hers;
  Outcome his;
  const double wall = bench::wall_seconds();
  const double core = bench::core_seconds();
  std::size_t frame = 0;
  bool full = false;
  for (std::size_t made = 0; made < blocks;) {
    if (!full && bob->wants_frame()) bob->on_frame(light.unpacked(frame++));
    for (const auto& [from, to] : {std::pair{bob, alice}, std::pair{alice, bob}}) {
      while (auto action = from->next_action()) {
        if (std::holds_alternative<distill::Dropped>(*action)) {
          made += from == bob ? 1U : 0U;
          continue;
        }
        if (const auto* send = std::get_if<distill::Send>(&*action)) {
          full = full || send->block.value > blocks;
          require(to->on_message(send->block, send->type, send->payload).has_value(), "an honest message");
          continue;
        }
        const auto& amplified = std::get<distill::Amplified>(*action);
        (from == bob ? his : hers).add(amplified);
        made += from == bob ? 1U : 0U;
      }
    }
  }
  require(hers.keys == his.keys, "both ends have the same keys, bit for bit");
  his.wall_seconds = bench::wall_seconds() - wall;
  his.core_seconds = bench::core_seconds() - core;
  return his;
}

Outcome one_process(const bench::LightSettings& settings) {
  bench::RecordedLight light{settings};
  crypto::SystemRandom random;
  const auto alice = distill::make_alice_chain(parameters(), light, random);
  const auto bob = distill::make_bob_chain(parameters(), random);
  Outcome outcome;
  for (int time = 0; time < times; ++time) {
    light.rewind();
    outcome = in_turn(alice.get(), bob.get(), light);
  }
  return outcome;
}

int listening(std::uint16_t& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  require(::bind(socket, at, length) == 0 && ::listen(socket, 1) == 0 && ::getsockname(socket, at, &length) == 0,
          "a port on loopback");
  port = ntohs(address.sin_port);
  return socket;
}

int connected(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  require(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "the other end listens");
  return socket;
}

/// Neither clock starts before both have their light.
void meet(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char byte = 'c';
  write_all(socket, &byte, 1);
  read_all(socket, &byte, 1);
}

struct Pair {
  Outcome alice;
  Outcome bob;
};

Pair two_processes(const bench::LightSettings& settings, std::size_t wanted, double round_trip_seconds) {
  std::uint16_t port = 0;
  const int listener = listening(port);
  const auto end = [&](bool receives) {
    bench::RecordedLight light{settings};
    crypto::SystemRandom random;
    const auto chain = receives ? distill::make_bob_chain(parameters(), random)
                                : distill::make_alice_chain(parameters(), light, random);
    Outcome outcome;
    for (int time = 0; time < times; ++time) {
      light.rewind();
      const int socket = receives ? connected(port) : ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      meet(socket);
      outcome = bench::ChainEnd{*chain, light, receives, socket, round_trip_seconds / 2}.run(wanted);
    }
    return outcome;
  };
  const Child alice = start(0, [&] { return end(false); });
  const Child bob = start(1, [&] { return end(true); });
  ::close(listener);
  Pair pair{finish(alice), finish(bob)};
  require(pair.alice.keys == pair.bob.keys, "both ends have the same keys, bit for bit");
  return pair;
}

/// An empty network, with loopback up.
void leave_the_network() {
  require(::unshare(CLONE_NEWNET) == 0, "a network namespace of its own: run as root, as `make bench-distill` does");
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  require(::ioctl(socket, SIOCSIFFLAGS, &request) == 0, "loopback up");
  ::close(socket);
}

double rate(std::uint64_t bits, double seconds) { return static_cast<double>(bits) / seconds; }

void measure(double qber, bool drifting) {
  const auto settings = light_of(qber, drifting);
  const std::string name = std::format("chain/qber={}{}", qber, drifting ? "/drift" : "");
  const auto pair = two_processes(settings, blocks, 0);
  const double busier = std::max(pair.alice.core_seconds, pair.bob.core_seconds);
  print(name + "/secret", rate(pair.bob.secret_bits, pair.bob.wall_seconds), "bit/s");
  print(name + "/secret_of_busier_core", rate(pair.bob.secret_bits, busier), "bit/s");
  print(name + "/sifted_of_alice_core", rate(pair.bob.sifted_bits, pair.alice.core_seconds), "bit/s");
  print(name + "/sifted_of_bob_core", rate(pair.bob.sifted_bits, pair.bob.core_seconds), "bit/s");
  print(name + "/secret_fraction",
        static_cast<double>(pair.bob.secret_bits) / static_cast<double>(pair.bob.sifted_bits), "of sifted");
  print(name + "/errors", static_cast<double>(pair.bob.errors) / static_cast<double>(pair.bob.sifted_bits),
        "of sifted");
  const auto alone = finish(start(1, [&] { return one_process(settings); }));
  print(name + "/one_process/secret", rate(alone.secret_bits, alone.core_seconds), "bit/s");
}

}  // namespace

/// All parts, or those named.
int main(int count, char** words) {
  const bench::Parts part{count, words};
  bench::use_the_services_allocator();
  std::cerr << std::format("light of seed {}: 10 km, detectors of efficiency 0.6, {} blocks of {} sifted bits\n", seed,
                           blocks, block_bits);
  leave_the_network();
  for (const double qber : {0.005, 0.01, 0.02, 0.03}) {
    if (!part("rates") && !part(std::format("qber={}", qber))) continue;
    measure(qber, false);
    measure(qber, true);
  }
  for (const double milliseconds : {0.0, 1.0, 5.0}) {
    if (!part("far")) continue;
    const auto pair = two_processes(light_of(0.01, false), blocks_far, milliseconds / 1000);
    print(std::format("chain/qber=0.01/round_trip_ms={}/secret", milliseconds),
          rate(pair.bob.secret_bits, pair.bob.wall_seconds), "bit/s");
  }
}
