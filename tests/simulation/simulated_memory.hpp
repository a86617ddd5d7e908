#pragma once
/// What one process of the service has in its memory: the product's link with its engines, the distillation chain, the
/// SAs, its generators, and for what it waits. What it does to the world outside goes through its box.
///
/// A copy lives beside its original: it hears all that the original hears, in the same order and with the same
/// randomness, and nothing of what it does goes anywhere. So it is the same memory, until it is frozen; that is a
/// memory's snapshot.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "appliance/box/link.hpp"
#include "appliance/distill/quarantine.hpp"
#include "appliance/vpn/pad_table.hpp"
#include "appliance/vpn/sa_table.hpp"
#include "hal/frame.hpp"
#include "tests/seeded_random.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

class Witness;

/// What of a memory's doings reaches others.
class Outside {
 public:
  virtual ~Outside() = default;
  /// Its engines are about to work; false when the box is no more.
  [[nodiscard]] virtual bool begin_work() = 0;
  virtual void connect(Instant not_before) = 0;
  virtual void transmit(std::vector<std::byte> bytes) = 0;
  virtual void disconnect() = 0;
  virtual void store_record(std::vector<std::byte> record) = 0;
  virtual void move_counter(session::Counter counter, std::uint64_t to) = 0;
  virtual void info(const std::string& code, const std::string& subject, const std::string& text) = 0;
  virtual void alarm(const std::string& code, const std::string& subject, const std::string& text) = 0;
  virtual void record(const std::string& account_line) = 0;
  [[nodiscard]] virtual bool book_epsilon(double total) = 0;
  virtual void session_ended() = 0;
  virtual void amplified(distill::Amplified& made) = 0;
  /// By this box: a block that has this key.
  virtual void withdrawn(std::span<const std::byte> key) = 0;
  virtual void installed(vpn::Spi spi, const vpn::SaKey& key, bool inbound) = 0;
  virtual void installed_pad(bool inbound) = 0;
};

/// The generators that a process goes on with.
struct Generators {
  test::SeededRandom link;
  test::SeededRandom chain;
  std::optional<std::mt19937_64> openssl;  // else the run's
};

class SimulatedMemory final : private box::LinkSurroundings {
 public:
  using MakeChain = std::function<std::unique_ptr<distill::Chain>(crypto::Random&)>;

  /// Without `outside` it is a copy. `box`: the number of its box.
  SimulatedMemory(VirtualWorld& world, Witness& witness, std::size_t box, const box::LinkSettings& settings,
                  crypto::Credentials credentials, Generators generators, const MakeChain& make_chain,
                  std::chrono::milliseconds quarantine, Duration ahead, Outside* outside);
  ~SimulatedMemory() override;
  SimulatedMemory(const SimulatedMemory&) = delete;
  SimulatedMemory& operator=(const SimulatedMemory&) = delete;

  /// Something comes from outside.
  void work(const std::function<void(SimulatedMemory&)>& what);
  [[nodiscard]] box::Link& link() { return link_; }
  [[nodiscard]] const box::Link& link() const { return link_; }
  [[nodiscard]] vpn::SaTable& sas() { return sas_; }
  [[nodiscard]] vpn::PadTable& pads() { return pads_; }
  /// The clock, as its engines read it.
  [[nodiscard]] Instant time() const { return now(); }
  [[nodiscard]] bool sends() const { return sending_; }
  /// Whether the receiver's frames are taken: there is a session, and the chain is not full.
  [[nodiscard]] bool watches() const { return generation_ != 0 && chain_.wants_frame(); }
  void on_frame(hal::DetectionFrame frame);
  /// The watch over its device has seen so much more light, and nothing is wrong.
  void watched(Duration light, std::uint64_t clicks);
  /// It has found something.
  void suspect();
  /// The clock jumps ahead.
  void jump(Duration ahead);
  [[nodiscard]] Duration ahead() const { return ahead_; }
  [[nodiscard]] const Generators& generators() const { return generators_; }

  /// No word from the chain is on its way.
  [[nodiscard]] bool may_be_frozen() const { return hops_ == 0; }
  void freeze();
  [[nodiscard]] bool frozen() const { return frozen_at_.has_value(); }
  /// It goes on where it stood, for this box. Its clock has stood still.
  void thaw(Outside& outside);

 private:
  [[nodiscard]] Instant now() const override { return world_.now() + ahead_; }
  void connect(Instant not_before) override;
  void transmit(std::vector<std::byte> bytes) override;
  void disconnect() override;
  void wake_session(Instant at) override;
  void wake_tunnel(wire::TunnelId tunnel, Instant at) override;
  void store_record(crypto::SecretVector<std::byte> record) override;
  void move_counter(session::Counter counter, std::uint64_t to) override;
  void advance_handshake(session::AdvanceHandshake step) override;
  void start_chain(std::uint64_t generation, wire::BlockId first) override;
  void stop_chain() override;
  void deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                        std::vector<std::byte> payload) override;
  void chain_block_held(std::uint64_t generation, wire::BlockId block) override;
  void install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) override;
  void install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) override;
  void retire_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_outbound(wire::TunnelId tunnel) override;
  void install_pad_inbound(wire::TunnelId tunnel, std::shared_ptr<vpn::InboundPadSa> sa) override;
  void install_pad_outbound(wire::TunnelId tunnel, std::shared_ptr<vpn::OutboundPadSa> sa) override;
  void retire_pad_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_pad_outbound(wire::TunnelId tunnel) override;
  void info(const std::string& code, const std::string& subject, const std::string& text) override;
  void alarm(const std::string& code, const std::string& subject, const std::string& text) override;
  void record(const std::string& account_line) override;
  bool book_epsilon(double total) override;

  /// To be done later, unless the memory has gone by then.
  void later(Duration delay, std::move_only_function<void()> what);
  /// Between the chain, which runs on a thread of its own, and the link lies a moment.
  void hop(std::move_only_function<void()> what);
  void drain_chain();

  VirtualWorld& world_;
  Witness& witness_;
  std::size_t box_;
  Outside* outside_;
  Generators generators_;
  Duration ahead_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  std::optional<Instant> frozen_at_;
  std::uint64_t hops_ = 0;
  std::list<std::move_only_function<void()>>
      pending_;  // what is due later, keys on their way among it: gone with the memory
  std::optional<Instant> session_due_;
  std::optional<Instant> tunnel_due_;
  std::uint64_t session_wake_ = 0;
  std::uint64_t tunnel_wake_ = 0;
  distill::Quarantine chain_;
  std::map<wire::BlockId, std::vector<std::byte>> amplified_;  // keys of the living session's blocks
  std::uint64_t generation_ = 0;
  vpn::SaTable sas_{1, 1};
  vpn::PadTable pads_;
  bool sending_ = false;  // a sending SA is installed
  box::Link link_;
};

}  // namespace cloister::simulation
