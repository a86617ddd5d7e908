#include "appliance/session/sealed_reserve.hpp"

#include <algorithm>
#include <format>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/reserve.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/key_log.hpp"

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;
namespace {

constexpr std::uint16_t version = 2;
constexpr std::uint16_t version_without_bootstraps = 1;  // did not say whether the link was bootstrapped
constexpr std::uint64_t head_bits = 512;                 // id, hash key, channel key
constexpr std::uint32_t chunks_max = 1024;
constexpr std::uint8_t peer_known_flag = 1;
constexpr std::uint8_t bootstrapped_flag = 2;
constexpr std::uint8_t bootstrap_noted_flag = 4;
constexpr std::uint8_t unpaid_flag = 8;

void append(crypto::SecretVector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void encode_generation(crypto::SecretVector<std::byte>& out, const Generation& generation) {
  append(out, generation.id);
  append(out, generation.channel_key.expose());
  append(out, generation.hash_key.expose());
  for (std::size_t direction = 0; direction < 2; ++direction) {
    wire::Writer head;
    head.u64(generation.sender_base[direction]).u64(generation.receiver_base[direction]);
    head.u32(static_cast<std::uint32_t>(generation.chunks[direction].size()));
    append(out, head.view());
    for (const auto& chunk : generation.chunks[direction]) {
      const std::array present{chunk.empty() ? std::byte{0} : std::byte{1}};
      append(out, present);
      append(out, chunk);
    }
  }
}

template <class Target>
bool read_into(wire::Reader& in, Target&& target) {
  const auto bytes = in.bytes(target.size());
  if (bytes) std::ranges::copy(*bytes, target.begin());
  return bytes.has_value();
}

std::optional<Generation> decode_generation(wire::Reader& in, std::size_t chunk_bytes) {
  Generation generation;
  if (!read_into(in, generation.id) || !read_into(in, generation.channel_key.fill()) ||
      !read_into(in, generation.hash_key.fill()))
    return std::nullopt;
  for (std::size_t direction = 0; direction < 2; ++direction) {
    const auto sender_base = in.u64();
    const auto receiver_base = in.u64();
    const auto chunks = in.u32();
    if (!sender_base || !receiver_base || !chunks || *chunks > chunks_max) return std::nullopt;
    generation.sender_base[direction] = *sender_base;
    generation.receiver_base[direction] = *receiver_base;
    for (std::uint32_t i = 0; i < *chunks; ++i) {
      const auto present = in.u8();
      if (!present || *present > 1) return std::nullopt;
      auto& chunk = generation.chunks[direction].emplace_back(*present == 1 ? chunk_bytes : 0);
      if (!read_into(in, chunk)) return std::nullopt;
    }
  }
  return generation;
}

}  // namespace

std::uint64_t SealedLayout::bits() const { return head_bits + std::uint64_t{2} * chunks * pads * Reserve::pad_bits; }
std::size_t SealedLayout::chunk_bytes() const { return std::size_t{pads} * crypto::TagPad::size; }

std::optional<std::uint32_t> Generation::first_unopened(std::size_t direction, std::uint64_t sender,
                                                        std::uint64_t receiver) const {
  if (planted(PlantedBug::peer_counter_ignored)) receiver = receiver_base[direction];
  if (planted(PlantedBug::own_counter_ignored)) sender = sender_base[direction];
  if (planted(PlantedBug::counters_must_be_equal) &&
      sender - sender_base[direction] != receiver - receiver_base[direction])
    return std::nullopt;
  if (sender < sender_base[direction] || receiver < receiver_base[direction]) return std::nullopt;
  const auto position = std::max(sender - sender_base[direction], receiver - receiver_base[direction]);
  const auto& of_direction = chunks[direction];
  for (auto chunk = position; chunk < of_direction.size(); ++chunk)
    if (!of_direction[chunk].empty()) return static_cast<std::uint32_t>(chunk);
  return std::nullopt;
}

ChunkBits Generation::take(std::size_t direction, std::uint32_t chunk) {
  ChunkBits bits = std::move(chunks[direction][chunk]);
  for (std::uint32_t i = 0; i <= chunk; ++i) chunks[direction][i] = {};
  return bits;
}

std::optional<std::string> SealedReserve::restore(const KeptReserve& kept) {
  auto problem = read(kept);
  if (problem) {
    bootstrapped_ = true;
    bootstrap_noted_ = false;
  }
  return problem;
}

std::optional<std::string> SealedReserve::read(const KeptReserve& kept) {
  own_ = own_limit_ = kept.own;
  granted_ = kept.granted;
  if (!kept.problem.empty()) return kept.problem;
  if (!kept.record) return std::nullopt;
  // In the record, `own_` and `granted_` are what the TPM showed when it was written.
  if (!decode(*kept.record)) {
    forget_all();
    own_ = own_limit_ = kept.own;
    granted_ = kept.granted;
    return "the sealed reserve's record is not one of this version or of this link's layout: it is not used";
  }
  const bool disk_older = kept.own > own_limit_;
  const bool tpm_older = kept.own < own_ || kept.granted < granted_;
  own_ = kept.own;
  if (!planted(PlantedBug::grant_on_disk)) granted_ = kept.granted;
  if (planted(PlantedBug::rollback_not_noticed) || (!disk_older && !tpm_older)) return std::nullopt;
  own_limit_ = std::max(own_limit_, kept.own);
  forget_all();
  return disk_older ? "the state on disk is older than this box's TPM says: a snapshot or backup of the disk was put "
                      "back; nothing of its sealed reserve is used"
                    : "this box's TPM is older than the state on disk says: it was turned back, cleared or replaced; "
                      "nothing of the sealed reserve is used";
}

crypto::SecretVector<std::byte> SealedReserve::encode() const {
  wire::Writer head;
  head.u16(version).u32(layout_.chunks).u32(layout_.pads);
  head.u64(own_).u64(granted_).u64(own_limit_);
  head.u8(static_cast<std::uint8_t>((peer_known_ ? peer_known_flag : 0) | (bootstrapped_ ? bootstrapped_flag : 0) |
                                    (bootstrap_noted_ ? bootstrap_noted_flag : 0) |
                                    (layout_.unpaid ? unpaid_flag : 0)));
  head.u64(peer_own_floor_).u64(peer_granted_floor_).u64(peer_granted_limit_);
  head.u8(static_cast<std::uint8_t>((confirmed_ ? 1 : 0) + (staged_ ? 1 : 0)));
  crypto::SecretVector<std::byte> out;
  out.reserve(head.size() + 2 * (layout_.bits() / 8 + 64 + 2 * std::size_t{layout_.chunks}));
  append(out, head.view());
  // The staged one first. After a restart there is no telling whether the peer has it: offering both decides that.
  if (staged_) encode_generation(out, *staged_);
  if (confirmed_) encode_generation(out, *confirmed_);
  return out;
}

bool SealedReserve::decode(std::span<const std::byte> record) {
  wire::Reader in{record};
  const auto written_as = in.u16();
  if (written_as != version && written_as != version_without_bootstraps) return false;
  if (in.u32() != layout_.chunks || in.u32() != layout_.pads) return false;
  const auto own = in.u64();
  const auto granted = in.u64();
  const auto own_limit = in.u64();
  const auto flags = in.u8();
  const auto peer_own_floor = in.u64();
  const auto peer_granted_floor = in.u64();
  const auto peer_granted_limit = in.u64();
  const auto generations = in.u8();
  if (!own || !granted || !own_limit || !flags || !peer_own_floor || !peer_granted_floor || !peer_granted_limit ||
      !generations || *generations > 2)
    return false;
  own_ = *own;
  granted_ = *granted;
  own_limit_ = *own_limit;
  peer_known_ = (*flags & peer_known_flag) != 0;
  // Whoever knew the peer's counters had been in a session with it.
  bootstrapped_ = (*flags & bootstrapped_flag) != 0 || (written_as == version_without_bootstraps && peer_known_);
  bootstrap_noted_ = (*flags & bootstrap_noted_flag) != 0;
  peer_own_floor_ = *peer_own_floor;
  peer_granted_floor_ = *peer_granted_floor;
  peer_granted_limit_ = *peer_granted_limit;
  for (int i = 0; i < *generations; ++i) {
    auto generation = decode_generation(in, layout_.chunk_bytes());
    if (!generation) return false;
    if (i + 1 == *generations)
      confirmed_ = std::move(generation);
    else
      staged_ = std::move(generation);
  }
  staged_stored_ = staged_.has_value();
  if (!in.at_end()) return false;
  // Under another policy: tags that its pads paid for would say more of themselves than is so.
  if ((*flags & unpaid_flag) != 0 && !layout_.unpaid) forget_all();
  return true;
}

std::optional<std::string> SealedReserve::judge_peer(const std::string& peer, std::uint64_t peer_own,
                                                     std::uint64_t peer_granted) {
  const bool peer_back = peer_known_ && (peer_own < peer_own_floor_ || peer_granted < peer_granted_floor_);
  const bool we_back = peer_known_ && peer_granted > peer_granted_limit_;
  peer_known_ = true;
  peer_own_floor_ = peer_own;
  peer_granted_floor_ = peer_granted;
  peer_granted_limit_ = std::max(peer_granted_limit_, peer_granted);
  if (planted(PlantedBug::rollback_not_noticed)) return std::nullopt;
  if (we_back)
    return std::format(
        "box '{}' has granted this box more than its disk and its TPM know of: both were turned back "
        "together; nothing of the sealed reserve is used",
        peer);
  if (peer_back)
    return std::format(
        "box '{}' shows older counters than it showed before: its TPM was turned back, cleared or "
        "replaced; nothing of the sealed reserve is used",
        peer);
  return std::nullopt;
}

void SealedReserve::expect_move(std::uint64_t own, std::uint64_t peer_granted) {
  own_limit_ = std::max(own_limit_, own);
  peer_granted_limit_ = std::max(peer_granted_limit_, peer_granted);
}

std::uint64_t SealedReserve::note_bootstrap() {
  bootstrapped_ = true;
  own_limit_ = std::max(own_limit_, own_) + 1;
  return own_limit_;
}

void SealedReserve::counter_moved(Counter counter, std::uint64_t value) {
  (counter == Counter::own ? own_ : granted_) = value;
  if (counter == Counter::own) own_limit_ = std::max(own_limit_, value);
}

Generation* SealedReserve::find(const GenerationId& id) {
  if (staged_ && staged_->id == id) return &*staged_;
  if (confirmed_ && confirmed_->id == id) return &*confirmed_;
  return nullptr;
}

std::vector<GenerationId> SealedReserve::offer() const {
  std::vector<GenerationId> ids;
  if (staged_ && staged_stored_) ids.push_back(staged_->id);
  if (confirmed_) ids.push_back(confirmed_->id);
  return ids;
}

std::uint64_t SealedReserve::chunks_left() const {
  const auto& newest = staged_ && staged_stored_ ? staged_ : confirmed_;
  if (!newest) return 0;
  const auto left = [](const auto& chunks) {
    return std::ranges::count_if(chunks, [](const auto& chunk) { return !chunk.empty(); });
  };
  return static_cast<std::uint64_t>(std::min(left(newest->chunks[0]), left(newest->chunks[1])));
}

void SealedReserve::stage(const crypto::SecretBits& bits, std::array<std::uint64_t, 2> sender_base,
                          std::array<std::uint64_t, 2> receiver_base) {
  auto rest = bits.expose_bytes();
  const auto next = [&rest](std::size_t count) {
    const auto bytes = rest.first(count);
    rest = rest.subspan(count);
    return bytes;
  };
  Generation generation;
  std::ranges::copy(next(generation.id.size()), generation.id.begin());
  hooks::saw_bits_given(hooks::BitRole::sealed, rest);
  crypto::log_secret("sealed pads", rest);
  std::ranges::copy(next(crypto::HashKey::size), generation.hash_key.fill().begin());
  std::ranges::copy(next(crypto::MacKey::size), generation.channel_key.fill().begin());
  generation.sender_base = sender_base;
  generation.receiver_base = receiver_base;
  for (std::uint32_t i = 0; i < layout_.chunks; ++i) {
    const auto client = next(layout_.chunk_bytes());
    const auto server = next(layout_.chunk_bytes());
    generation.chunks[0].emplace_back(client.begin(), client.end());
    const auto from = planted(PlantedBug::chunk_shared_by_directions) ? client : server;
    generation.chunks[1].emplace_back(from.begin(), from.end());
  }
  staged_ = std::move(generation);
  staged_stored_ = false;
}

std::optional<GenerationId> SealedReserve::staged() const {
  return staged_ ? std::optional{staged_->id} : std::nullopt;
}

void SealedReserve::settle_on(const GenerationId& id) {
  if (staged_ && staged_->id == id) confirmed_ = std::move(staged_);
  staged_.reset();
  staged_stored_ = false;
}

void SealedReserve::forget_all() {
  confirmed_.reset();
  staged_.reset();
  staged_stored_ = false;
}

}  // namespace cloister::session
