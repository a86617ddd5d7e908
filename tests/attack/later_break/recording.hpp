#pragma once
/// What a tap on a link holds, and what anyone can read in it: the classical channel is not confidential.
///
///   classical channel ── both directions' bytes ──▶ frames ──▶ talk about each block, rekeys
///   black network     ── datagrams ──▶ ESP packets by SPI
///   fibre             ── what Eve measured, if she did

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "appliance/distill/messages.hpp"
#include "appliance/distill/sift_messages.hpp"
#include "appliance/vpn/rekey_messages.hpp"
#include "appliance/wire/names.hpp"
#include "hal/frame.hpp"

namespace cloister::attack {

/// Bits of the key basis that Eve has a note of, by slot.
using Notes = std::unordered_map<hal::Slot, std::uint8_t>;

struct Recording {
  std::array<std::vector<std::byte>, 2> channel;  // by sending box, the client first
  std::vector<std::vector<std::byte>> datagrams;
  Notes fibre;
};

/// What the two boxes said about a block, in the order of each direction.
struct BlockTalk {
  struct Sift {
    distill::SiftMessage message;
    distill::SiftReply reply;
  };
  std::vector<Sift> sifts;
  distill::FullMessage full{};
  std::vector<std::uint32_t> passes;
  std::vector<std::vector<distill::ParityQuestion>> questions;
  std::vector<distill::BitString> parities;  // answers to passes
  std::vector<distill::BitString> answers;   // to questions
  std::optional<distill::VerifyMessage> verify;
  std::optional<distill::VerdictMessage> verdict;
  std::optional<distill::AmplifyMessage> amplify;
  std::array<std::vector<std::byte>, 2> notes;  // with which the boxes closed it, by sending box

  [[nodiscard]] std::uint64_t parity_bits() const;
};

struct RekeyTalk {
  vpn::Offer offer;
  vpn::Accept accept;
};

struct Talk {
  std::map<wire::BlockId, BlockTalk> blocks;  // those that came to their amplification and were closed
  std::vector<RekeyTalk> rekeys;              // in their order
  std::vector<std::byte> handshake;           // greetings and TLS, both directions
  /// Alice's messages for which she drew randomness, VERIFY and AMPLIFY, in their order.
  std::vector<std::pair<wire::BlockId, distill::MessageType>> draws;
};

/// Reads the recording of one connection. What the product's own boxes have sent is well formed: anything else fails
/// the test.
[[nodiscard]] Talk read(const Recording& recording, const distill::Parameters& parameters);

}  // namespace cloister::attack
