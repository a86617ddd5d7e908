#pragma once
/// Who watches both boxes of a run and knows more than either: each secret bit, what it was given for and what was done
/// with it in all lives of both. The invariants, by the names under which a broken one is reported:
///
///   I1  a bit is used at most once and in one role: no pad for two tags, no tunnel key twice on a box, no unit of key
///       in two roles, no unit of a one-time pad for two packets, their tags or the key of their hash, or both ways
///   I2  what was verified was sent, and is verified once
///   I3  chunks of the sealed reserve are opened in order, none twice; a TPM's counter is never asked to go back
///   I4  no forgery takes anything from the reserve
///   I5  a session on QKD keys has them: hash key, channel key, and pads of both directions
///   I6  no key before both boxes have verified the block, and equal keys on both boxes or none used
///   I7  conservation: produced = reserve + taken + burnt + discarded + in stock, on each box, after each step
///   I8  when the trouble has ended the link comes back by itself, and work was done in every run
///   I9  no (key, nonce) twice
///   I10 nothing is left of a secret that has gone
///   I11 a link whose bootstraps are left to an operator bootstraps once in its life by itself, and later once for each
///       time he allows it
///   I12 a block says "qkd" if pads of the reserve have paid for both its tags, and only then; the key of an SA says the same on
///       both boxes; each says what the policy allows; nothing of an unpaid block goes to a reserve that pays, or to
///       one-time pads; and only a
///       link that may have no other tags ends a session for want of pads
///   I13 beyond its key's lifetime, or without a key of the stock, a tunnel sends only as its policy says
///   I14 no bit of a block that a box has withdrawn is given out, on either box
///   C1  no secret on the wire, and no packet in clear
///   A1  an alarm has a reason
///   A2  a disk that was put back is noticed

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "appliance/hooks/simulation_hooks.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

/// 128 bits: what all key is a multiple of.
using Unit = std::array<std::byte, 16>;

struct UnitHash {
  std::size_t operator()(const Unit& unit) const;
};

class Witness {
 public:
  explicit Witness(VirtualWorld& world);
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// Of the link whose engines are at work in this thread.
  [[nodiscard]] static Witness& present();

  /// While this lives, that box's engines work unseen: they repeat what others of it do.
  class Unseen {
   public:
    Unseen(Witness& witness, std::size_t box);
    ~Unseen();
    Unseen(const Unseen&) = delete;
    Unseen& operator=(const Unseen&) = delete;

   private:
    Witness& witness_;
    std::size_t before_;
  };
  [[nodiscard]] bool sees() const { return sees_; }

  /// Whose engines are at work.
  void enter(std::size_t box);
  /// Of another link of the run: what it knows may not be on this one's wire, nor known here.
  void watch_beside(const Witness& other) { beside_ = &other; }
  [[nodiscard]] std::size_t box() const { return box_; }
  /// The clock on the wall, in milliseconds, as that box reads it.
  void set_wall_clock(std::size_t box, std::int64_t ahead_ms) { wall_ahead_ms_[box] = ahead_ms; }
  [[nodiscard]] std::uint64_t wall_clock() const;

  /// The bootstrap is not TLS but something quick.
  void use_toy_handshake() { toy_handshake_ = true; }
  [[nodiscard]] bool toy_handshake() const { return toy_handshake_; }

  void on_bootstrap_secret(std::span<const std::byte> secret);
  void on_bits_given(hooks::BitRole role, std::span<const std::byte> bits);
  void on_pad_used(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block);
  void on_tag_verified(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block);
  void on_peer_verified(std::uint64_t block);
  void on_pad_spent(std::span<const std::byte> pad);
  void on_chunk_opened(std::span<const std::byte> generation, std::size_t direction, std::uint32_t chunk);
  void on_block_allocated(std::uint64_t block);
  void on_key_taken(std::span<const std::byte> key);
  void on_traffic_pad_used(hooks::PadUse use, std::span<const std::byte> unit);
  void on_traffic_pad_opened(hooks::PadUse use, std::span<const std::byte> unit);
  /// The account of the block that was allocated last says that this authenticated it.
  void on_label(std::string_view label);
  /// And the status says it of the key of an SA.
  void on_label_of_sa(std::uint32_t spi, std::string_view label);
  /// That box has an SA of this key.
  void on_sa(std::uint32_t spi, std::span<const std::byte> key);
  void on_sealed(std::uint32_t spi, std::span<const std::byte> nonce);
  /// The box's session has ended, or its life.
  void on_session_end(std::size_t box);
  /// A block's key, as the chain hands it over.
  void on_amplified(std::span<const std::byte> key);
  /// That key's block is withdrawn by the box.
  void on_withdrawn(std::span<const std::byte> key);
  void on_sent(std::span<const std::byte> bytes);
  /// The same of a datagram under a one-time pad, after its units were used: where its text is zeros, its ciphertext is the
  /// pad at that place, and no other.
  void on_sent_under_pad(std::span<const std::byte> datagram);

  /// After each event.
  void look();
  /// Both boxes are gone.
  void look_at_what_is_left();

  void broken(std::string what);
  /// All but what begins so is let pass.
  void care_only_for(std::string beginning) { only_ = std::move(beginning); }
  /// The first; empty while all hold.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// What the TLS exporter gave last.
  [[nodiscard]] const std::vector<std::byte>& exported() const { return exported_; }
  [[nodiscard]] std::uint64_t tags() const { return pads_used_.size(); }
  /// A box has paid for a block that not both boxes hold, and for none since that both do and that has filled its
  /// reserve.
  [[nodiscard]] bool pads_wasted() const { return wasted_[0] || wasted_[1]; }

 private:
  struct Use {
    Unit hash{};
    std::size_t by = 0;
    std::uint64_t block = 0;
    bool verified = false;
    bool paid = false;           // it is of a reserve
    std::array<bool, 2> held{};  // the block, by that box
  };
  struct Told {
    bool tag_verified = false;
    bool peer_paid = false;
    bool peer_verified = false;
    Unit peer_pad{};
  };
  struct Trace {
    const std::byte* where;
    Unit what;
  };
  void learn(const Unit& unit);
  /// Pads of both boxes' reserve authenticated it.
  [[nodiscard]] bool paid(std::uint64_t block);
  [[nodiscard]] bool knows_at(std::span<const std::byte> bytes) const;
  [[nodiscard]] bool knows_part_of(std::span<const std::byte> bytes) const;

  VirtualWorld& world_;
  Witness* outer_;
  const Witness* beside_ = nullptr;
  std::size_t box_ = 0;
  bool sees_ = true;
  bool toy_handshake_ = false;
  std::array<std::int64_t, 2> wall_ahead_ms_{};
  std::string failure_;
  std::string only_;
  std::vector<std::byte> exported_;
  std::unordered_map<Unit, hooks::BitRole, UnitHash> roles_;
  std::unordered_set<Unit, UnitHash> withdrawn_;
  std::unordered_map<Unit, Use, UnitHash> pads_used_;
  std::array<std::map<std::uint64_t, Told>, 2> blocks_;    // of the living session
  std::array<std::uint64_t, 2> allocated_{};               // the newest block
  std::map<std::uint32_t, std::string> labels_;            // of SAs, by SPI
  std::array<std::map<std::uint64_t, Unit>, 2> own_tags_;  // the pad of this box's tag
  std::array<bool, 2> verified_now_{};                     // in this event
  std::array<bool, 2> wasted_{};
  std::map<std::pair<Unit, std::size_t>, std::uint32_t> next_chunk_;
  std::array<std::unordered_set<Unit, UnitHash>, 2> keys_taken_;
  struct PadUnit {
    hooks::PadUse use{};
    bool opened = false;
  };
  std::unordered_map<Unit, PadUnit, UnitHash> traffic_pads_used_;
  std::vector<Unit> texts_now_;  // the pad of the texts of this event, in its order
  std::map<std::uint32_t, std::vector<std::byte>> sas_;
  std::set<std::pair<std::vector<std::byte>, std::vector<std::byte>>> sealed_;
  std::vector<Trace> pads_of_now_;
  std::vector<Trace> keys_;
  std::unordered_set<Unit, UnitHash> secrets_;
  std::vector<std::uint64_t> beginnings_;  // a bit for the first two bytes of each secret
};

}  // namespace cloister::simulation
