#pragma once
/// Datagrams of a UDP socket in batches: many of one size and one peer as one run, which the kernel cuts (UDP_SEGMENT) or
/// has joined (UDP_GRO).

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/drivers/udp.hpp"

namespace cloister::drivers {

/// Datagrams to be sent, laid one after another.
class SendBurst {
 public:
  SendBurst();

  /// Room for a datagram of at most `bytes` bytes; empty when the burst is full, or no datagram is that long. After
  /// a run that is as long as it may be none begins that could not become as long: to send one of two datagrams costs
  /// nearly as much as one of forty.
  [[nodiscard]] std::span<std::byte> room(std::size_t bytes);
  /// The datagram that was laid in the room. `peer` stays until `send`. `traffic_class`: DSCP and ECN of its IP header.
  void commit(std::size_t bytes, const SocketAddress& peer, std::uint8_t traffic_class = 0);
  /// How many datagrams the socket did not take, and how many of them for their length.
  struct Refused {
    std::size_t datagrams = 0;
    std::size_t too_long = 0;
  };
  /// Sends all, and is empty again.
  [[nodiscard]] Refused send(int socket);
  [[nodiscard]] bool empty() const { return runs_ == 0; }

 private:
  static constexpr std::size_t runs_max = 64;
  static constexpr std::size_t burst_bytes = 128UL * 1024;
  struct Run {
    std::size_t offset;
    std::size_t bytes;
    std::size_t segment_bytes;
    std::size_t count;
    bool ended;  // nothing may follow: it is as long as it may be, or a shorter datagram came last
    std::uint8_t traffic_class;
    const SocketAddress* peer;
  };

  [[nodiscard]] Refused send_singly(int socket, const Run& run);

  std::vector<std::byte> memory_;
  std::size_t used_ = 0;
  std::array<Run, runs_max> list_{};
  std::size_t runs_ = 0;
  bool segmentation_ = true;  // until a device refuses it
};

/// Datagrams as they came.
class ReceiveBurst {
 public:
  struct Run {
    std::span<const std::byte> bytes;
    std::size_t segment_bytes;  // of each datagram but the last
    const SocketAddress* source;
    std::uint8_t traffic_class;  // of each; 0 where the socket does not say (`tell_traffic_class`)
  };

  ReceiveBurst();
  /// Takes what is there, without waiting; returns the number of runs.
  [[nodiscard]] std::size_t receive(int socket);
  [[nodiscard]] Run run(std::size_t index) const;
  /// There is probably more: as much came as was asked for.
  [[nodiscard]] bool full() const { return full_; }
  /// How many datagrams the runs are.
  [[nodiscard]] std::size_t datagrams() const { return datagrams_; }

 private:
  static constexpr std::size_t runs_max = 64;

  std::vector<std::byte> memory_;
  std::array<mmsghdr, runs_max> messages_{};
  std::array<iovec, runs_max> vectors_{};
  std::array<SocketAddress, runs_max> sources_{};
  struct Control {
    alignas(cmsghdr) std::array<std::byte, 2 * CMSG_SPACE(sizeof(int))> bytes;
  };
  void take_controls(std::size_t index);

  std::array<Control, runs_max> controls_{};
  std::array<std::size_t, runs_max> segments_{};
  std::array<std::uint8_t, runs_max> classes_{};
  std::size_t asked_ = runs_max;
  std::size_t datagrams_ = 0;
  bool full_ = false;
};

}  // namespace cloister::drivers
