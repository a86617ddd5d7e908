#pragma once
/// The kinds of workers of the data plane; each object is one thread's, but a sender, which its receiver may stand in for.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "appliance/drivers/data_plane.hpp"
#include "appliance/drivers/readiness.hpp"
#include "appliance/drivers/udp_burst.hpp"
#include "appliance/vpn/answer_limit.hpp"
#include "appliance/vpn/coalescing.hpp"
#include "appliance/vpn/segmentation.hpp"

namespace cloister::drivers {

/// Packets and bytes of one tunnel, added to its shared counters now and then.
struct Tally {
  std::size_t tunnel = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

class DataPlane::Sender {
 public:
  Sender(DataPlane& plane, std::size_t queue, std::size_t worker);
  void run();

  /// For the receiver of the same queue, which is awake: it does the work of a sender that sleeps. What the kernel
  /// answers to packets just delivered, acknowledgements above all, then wakes no second thread, perhaps on a second
  /// core; that takes longer than to send it. Holds the lock where it is granted: not while the sender has work or waits
  /// for the lock, nor while the two work by different layouts.
  [[nodiscard]] std::unique_lock<std::mutex> stand_in(const Layout& layout, std::size_t interface);
  /// Lays what has come to the interface since. Where that is a super-packet, or much, there is work for two: the sender
  /// is woken, and the lock is held no longer.
  void take_answers(std::unique_lock<std::mutex>& lock, std::size_t interface);
  /// Sends what was laid; what comes now wakes the sender.
  void end_stand_in(std::unique_lock<std::mutex>& lock, std::size_t interface);

 private:
  void take_up_layout();
  /// False: there may be more.
  bool drain(std::size_t interface);
  /// Lays the datagrams of some frames; `only_single`: none beyond a super-packet. False: there may be more.
  bool take_frames(std::size_t interface, bool only_single);
  void lose(std::size_t interface);
  void take(std::size_t interface, const TunFrame& frame, const vpn::SaTable::Reader& sas);
  /// Where a frame's packets go, and how much went.
  struct Way {
    const TunnelPath& path;
    std::size_t tunnel;
    vpn::OutboundSa* sa;                      // none where packets go under one of those below, or have no key
    std::shared_ptr<vpn::OutboundPadSa> pad;  // in place of an SA
    PacedTraffic* paced = nullptr;            // whose pacer has an SA
    std::uint8_t traffic_class;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t sealed_bytes = 0;
  };
  template <class Write>
  bool lay(Way& way, std::size_t packet_bytes, Write write);
  /// What goes under no SA of this worker.
  template <class Write>
  bool lay_elsewhere(Way& way, std::size_t packet_bytes, Write write);
  template <class Write>
  void lay_to_wait(Way& way, std::size_t packet_bytes, Write write);
  std::size_t lay_segments(Way& way, const vpn::Segments& segments);
  void take_too_long(Way& way, std::size_t interface, const vpn::Segments& segments);
  bool lay_fragments(Way& way, std::span<const std::byte> packet, std::size_t longest);
  /// Empty where there is none; that is counted then.
  [[nodiscard]] std::span<std::byte> room_under_pad(Way& way, std::size_t packet_bytes);
  void seal_under_pad(Way& way, std::size_t packet_bytes, std::span<std::byte> room);
  [[nodiscard]] std::optional<std::size_t> tunnel_of(std::size_t interface, std::span<const std::byte> packet) const;
  void send();

  DataPlane& plane_;
  std::size_t queue_;
  std::size_t worker_;
  std::atomic<bool> busy_{false};  // its own thread has work, or waits for the lock to do it
  std::mutex mutex_;               // of who does its work: guards all below, but for the waiting
  std::shared_ptr<const Layout> layout_ = std::make_shared<const Layout>();
  Readiness readiness_;
  std::vector<std::byte> frame_;
  std::vector<std::byte> packet_;  // of a frame, while it is cut further
  vpn::AnswerLimit answers_;
  std::vector<PeerEndpoint::Copy> peers_;  // by tunnel
  std::vector<std::size_t> first_tunnel_;  // of each interface: where packets of no tunnel are counted
  std::vector<SendBurst> bursts_;          // by socket; empty between two batches
  std::vector<std::size_t> burst_tunnel_;  // by socket: the tunnel that last laid a datagram in it
};

/// Sends what tunnels of constant rate send, and nothing else.
class DataPlane::Pacer {
 public:
  Pacer(DataPlane& plane, std::size_t worker);
  void run();

 private:
  using Instant = vpn::SendSlots::Instant;
  /// False: it was woken before.
  [[nodiscard]] bool sleep_until(std::optional<Instant> tick) const;
  void take_up_layout();
  /// Sends all that is due; when the next is.
  [[nodiscard]] Instant send_due(Instant now);
  void use_slots(std::size_t tunnel, std::uint64_t slots, vpn::OutboundSa& sa);
  void send(std::size_t tunnel);

  DataPlane& plane_;
  std::size_t worker_;
  std::shared_ptr<const Layout> layout_ = std::make_shared<const Layout>();
  std::vector<std::size_t> paced_;         // those tunnels
  std::vector<PeerEndpoint::Copy> peers_;  // by tunnel
  SendBurst burst_;                        // empty between two tunnels
};

class DataPlane::Receiver {
 public:
  Receiver(DataPlane& plane, Sender& sender, std::size_t queue, std::size_t worker);
  void run();

 private:
  void take_up_layout();
  void take(const ReceiveBurst::Run& run, const vpn::SaTable::Reader& sas);
  /// For the interface into which the run's packets go, as far as that can be seen before they are opened.
  void stand_in(const ReceiveBurst::Run& run, const vpn::SaTable::Reader& sas);
  void end_stand_in();
  void open(std::span<const std::byte> datagram, const ReceiveBurst::Run& run, vpn::SaTable::Inbound& inbound);
  /// False where it is of no such SA.
  bool open_under_pad(std::span<const std::byte> datagram, const ReceiveBurst::Run& run);
  /// Room in the open frame of the tunnel's interface.
  [[nodiscard]] std::span<std::byte> room_for(const TunnelPath& path, std::size_t bytes);
  /// An authentic datagram has come, newer than all before: it tells where the peer is.
  void learn_peer(std::size_t tunnel, const ReceiveBurst::Run& run);
  /// A packet that was authentic and lies in that room.
  void deliver(std::size_t tunnel, std::span<std::byte> packet, const ReceiveBurst::Run& run);
  /// One that was opened there.
  void take_apart(std::size_t tunnel, std::span<const std::byte> aggregate, const ReceiveBurst::Run& run);
  void count(std::size_t tunnel, std::size_t bytes);
  void add_tally();
  void write(const std::optional<vpn::Coalescer::Frame>& frame);

  DataPlane& plane_;
  Sender& sender_;  // of the same queue
  std::size_t queue_;
  std::size_t worker_;
  std::shared_ptr<const Layout> layout_ = std::make_shared<const Layout>();
  Readiness readiness_;
  ReceiveBurst burst_;
  std::vector<PeerEndpoint::Copy> peers_;  // by tunnel
  vpn::Coalescer coalescer_;               // empty between two batches
  std::size_t interface_ = 0;              // of the coalescer's open frame
  std::unique_lock<std::mutex> stand_in_;  // held: this one is the sender too, of that interface
  std::size_t stand_in_for_ = 0;
  std::vector<std::byte> aggregate_;  // while it is taken apart
  Tally tally_;
};

}  // namespace cloister::drivers
