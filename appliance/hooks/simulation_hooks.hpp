#pragma once
/// What the simulation does to the engines to see whether it would notice: known mistakes, put back one at a time, and a
/// look at what is done with secrets. Only the simulation's own build of the engines has it (CLOISTER_PLANTED_BUGS);
/// elsewhere every question is answered `false` at compile time, and nothing is looked at.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cloister::hooks {

enum class PlantedBug : std::uint8_t {
  // The sealed reserve.
  own_counter_ignored,         // the position is what the peer has granted, whatever the own TPM says
  peer_counter_ignored,        // the position is what the own TPM says, whatever was granted
  counters_must_be_equal,      // a position only where both counters say the same
  grant_only_in_memory,        // the peer answers without moving its TPM
  grant_before_counter,        // the peer answers first and moves its TPM then
  grant_on_disk,               // the peer's mark is in its record, not in its TPM
  low_water_for_lease,         // the peer moves its TPM when it has seen a tag, not when it is asked
  grant_twice,                 // the peer grants what it has granted before
  own_counter_late,            // pads are read without the own counter having moved
  no_lease,                    // pads are read without the peer having been asked
  opened_without_grant,        // the peer goes along with a chunk that it has not granted
  chunk_shared_by_directions,  // one pool for both directions
  rollback_not_noticed,        // no alarm
  record_not_synced,           // the limit is not on disk before the peer is asked
  greets_while_granting,       // what a greeting says is granted may be out of date when it comes
  // The reserve in memory, and tags.
  pad_kept_until_verified,    // the sender takes its pad away when the peer has verified the tag
  pad_burnt_on_forgery,       // the receiver takes the pad away whether the tag holds or not
  pool_shared_by_directions,  // both directions have the same pads
  refill_order_swapped,       // on one box the directions' pads come the other way round
  session_not_in_tag,         // the transcript does not name the session
  frame_mac_ignored,          // every frame is taken
  tag_not_checked,            // a tag holds whatever it is
  pad_sent,                   // with the tag
  held_too_early,             // a block is held when its tags are out and in, without the peer's word
  ready_without_pads,         // a reserve serves as long as it has its keys
  spent_chunk_kept,           // a sealed reserve that serves nobody is offered again
  // The reserve's policy.
  label_not_of_block,    // a block that no pad has paid for says that it was
  label_lost,            // the key store forgets what authenticated a block
  policy_not_asked,      // a reserve at its low mark ends in computational tags whatever the policy is
  unpaid_feeds_reserve,  // what a block without a paid tag gives goes to the reserve
  mark_is_the_end,       // below it nothing is paid for, whether a pad was wasted or not
  empty_reserve_pays,    // tags are to be paid for until there is no pad left, and then the session ends
  // The bootstrap's policy.
  allowance_not_asked,   // a box that must wait for its operator does not
  allowance_kept,        // one allowance serves every bootstrap from then on
  bootstrap_noted_late,  // that it has bootstrapped a link is on its way to disk and TPM while the session begins
  // The key store and the tunnels.
  burnt_not_counted,        // what is burnt is gone from the balance
  stock_key_kept,           // a key that was taken stays in the stock
  epoch_not_in_context,     // SA keys do not depend on the epoch
  spi_not_in_context,       // nor on the SPI
  nonce_from_wall_clock,    // of an ESP packet, in place of a counter
  extended_for_ever,        // a key that may be extended has no end
  exchange_unasked,         // an exchange takes the place of a key whatever the policy is
  traffic_pad_kept,         // what a packet has taken of a one-time pad is not burnt
  traffic_pad_not_cut,      // the receiver keeps what an interrupted session has left beyond the sender's end
  hash_key_of_pad,          // the key of the tags' hash is of the pad's stock
  traffic_pad_taken_early,  // the sender uses pad before the receiver has it
  pads_of_any_block,        // one-time pads are taken from blocks that no pad has paid for, too
  // The vault, as the simulation has it.
  no_fsync,          // a record counts as kept before it is on the disk
  fsync_error_lost,  // and when the disk says that it is not
  counters_on_disk,  // in a file that is synced some day, not in the TPM
  // The quarantine, as the simulation has it.
  quarantine_ignored,  // a block is closed although it is quarantined
  withdrawal_untold,   // the peer does not hear that a block was withdrawn
  // And the machine.
  restored_memory_used,  // a memory that was put back goes on, whatever the kernel says of it
  end
};

/// What bits of a block are for.
enum class BitRole : std::uint8_t {
  hash_key,
  channel_key,
  pad_to_server,  // of tags
  pad_to_client,
  sealed,
  tunnel_key,
  traffic_pad_to_server,  // of a one-time-pad tunnel
  traffic_pad_to_client,
  traffic_hash_to_server,  // the key that its tags are hashes under
  traffic_hash_to_client
};

/// What a bit of a one-time-pad tunnel is used for.
enum class PadUse : std::uint8_t { hash_key, tag, text };

#ifdef CLOISTER_PLANTED_BUGS
[[nodiscard]] bool planted(PlantedBug bug);
/// What the TLS exporter gave.
void saw_bootstrap_secret(std::span<const std::byte> secret);
/// Key bits get their role on this box.
void saw_bits_given(BitRole role, std::span<const std::byte> bits);
/// A pad and the hash it encrypts, at the sender; `block` is the one whose transcript it is.
void saw_pad_used(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block);
/// A pad and the hash whose tag held, at the receiver.
void saw_tag_verified(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block);
/// The peer says that it has verified this box's tag.
void saw_peer_verified(std::uint64_t block);
/// The receiver takes pads away, up to the one that a tag named.
void saw_pad_spent(std::span<const std::byte> pad);
/// The sender reads the pads of a chunk.
void saw_chunk_opened(std::span<const std::byte> generation, std::size_t direction, std::uint32_t chunk);
/// A held block's key is divided.
void saw_block_allocated(std::uint64_t block);
/// A tunnel's key leaves the stock to be used.
void saw_key_taken(std::span<const std::byte> key);
/// The sender takes a unit of a one-time pad; it lies where it will be burnt.
void saw_traffic_pad_used(PadUse use, std::span<const std::byte> unit);
/// The receiver takes it, for a hash key or for a packet that was authentic.
void saw_traffic_pad_opened(PadUse use, std::span<const std::byte> unit);
[[nodiscard]] std::uint64_t wall_clock();
#else
[[nodiscard]] constexpr bool planted(PlantedBug) { return false; }
constexpr void saw_bootstrap_secret(std::span<const std::byte>) {}
constexpr void saw_bits_given(BitRole, std::span<const std::byte>) {}
constexpr void saw_pad_used(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t) {}
constexpr void saw_tag_verified(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t) {}
constexpr void saw_peer_verified(std::uint64_t) {}
constexpr void saw_pad_spent(std::span<const std::byte>) {}
constexpr void saw_chunk_opened(std::span<const std::byte>, std::size_t, std::uint32_t) {}
constexpr void saw_block_allocated(std::uint64_t) {}
constexpr void saw_key_taken(std::span<const std::byte>) {}
constexpr void saw_traffic_pad_used(PadUse, std::span<const std::byte>) {}
constexpr void saw_traffic_pad_opened(PadUse, std::span<const std::byte>) {}
[[nodiscard]] constexpr std::uint64_t wall_clock() { return 0; }
#endif

}  // namespace cloister::hooks
