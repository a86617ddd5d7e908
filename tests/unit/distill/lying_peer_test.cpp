// A peer that lies or is broken: every field of every message, from the table of messages, changed in every way, one
// change a run. Whatever is changed ends in an alarm (the message is refused, or the block is dropped with its reason),
// or changes nothing that matters: then both boxes have equal keys under equal accounts, as after noise.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cctype>
#include <format>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "appliance/distill/account_json.hpp"
#include "appliance/distill/confirmation.hpp"
#include "appliance/distill/messages.hpp"
#include "appliance/distill/sift_messages.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "tests/unit/distill/chain_pair.hpp"

namespace cloister::distill {
namespace {
using namespace test_pair;
using Bytes = std::vector<std::byte>;

/// A field as it lies in a payload. A varint is written anew, shortest form; the others keep their size.
struct Field {
  std::string name;
  std::size_t first = 0;
  std::size_t size = 0;
  bool varint = false;
};

/// Walks over a payload by the table of messages.
class Layout {
 public:
  explicit Layout(const Bytes& payload) : payload_{payload}, in_{payload} {}
  std::uint64_t integer(const std::string& name, std::size_t size) {
    add(name, size, false);
    std::uint64_t value = 0;
    const auto view = in_.bytes(size).value();
    for (const std::byte byte : view) value = value << 8U | std::to_integer<std::uint64_t>(byte);
    return value;
  }
  std::uint64_t varint(const std::string& name) {
    const std::size_t before = in_.remaining();
    const auto value = in_.varint().value();
    fields_.push_back({name, payload_.size() - before, before - in_.remaining(), true});
    return value;
  }
  Bytes bytes(const std::string& name, std::size_t size) {
    add(name, size, false);
    const auto view = *in_.bytes(size);
    return {view.begin(), view.end()};
  }
  BitString bits(const std::string& name, std::size_t count) {
    return BitString::unpacked(bytes(name, (count + 7) / 8), count).value();
  }
  /// Positions by gaps; what they are the decoder of the whole message says.
  void positions(const std::string& name, std::size_t count) {
    const auto width = integer(name + " width", 1);
    bytes(name + " low bits", (count * width + 7) / 8);
    bytes(name + " upper bits", varint(name + " upper bytes"));
  }
  void biased(const std::string& name) {
    integer(name + " common", 1);
    positions(name, varint(name + " count"));
  }
  std::size_t remaining() const { return in_.remaining(); }
  std::vector<Field> done() && {
    REQUIRE(in_.at_end());  // a field that is not in the table
    return std::move(fields_);
  }

 private:
  void add(const std::string& name, std::size_t size, bool varint) {
    fields_.push_back({name, payload_.size() - in_.remaining(), size, varint});
  }
  const Bytes& payload_;
  wire::Reader in_;
  std::vector<Field> fields_;
};

/// The table of messages. Of what repeats, the first is taken.
std::vector<Field> layout(MessageType type, const Bytes& payload) {
  Layout at{payload};
  switch (type) {
    case MessageType::sift: {
      at.integer("epoch", 4);
      const auto count = at.varint("count");
      at.varint("first slot");
      at.positions("slots", count - 1);
      at.biased("bases");
      at.bits("test bits", decode_sift(payload).value().test_bits.size());
      break;
    }
    case MessageType::sift_reply:
      at.integer("known", 1);
      if (at.remaining() == 0) break;
      at.biased("bases");
      at.biased("decoys");
      at.biased("test errors");
      break;
    case MessageType::full:
      at.integer("bits", 8);
      at.integer("seed", 8);
      break;
    case MessageType::pass:
      at.integer("block words", 4);
      break;
    case MessageType::parities:
    case MessageType::answers:
      at.bits("bits", at.varint("count"));
      break;
    case MessageType::ask: {
      const auto count = at.varint("count");
      for (std::uint64_t i = 0; i < count; ++i) {
        at.integer(std::format("pass and lane {}", i), 1);
        at.integer(std::format("lane and length {}", i), 1);
        at.bytes(std::format("length and first {}", i), 3);
      }
      break;
    }
    case MessageType::reconciled:
      break;
    case MessageType::verify:
      at.bytes("key", 16);
      at.bytes("hash", 16);
      break;
    case MessageType::verdict:
      at.integer("equal", 1);
      for (const char* basis : {"key", "test"}) {
        for (const char* what : {"n", "m"}) {
          for (const char* intensity : {"first", "second", "third"})
            at.integer(std::format("{} {} {}", basis, what, intensity), 8);
        }
      }
      break;
    case MessageType::amplify:
      at.integer("length", 8);
      for (const char* intensity : {"first", "second", "third"}) at.integer(std::format("errors {}", intensity), 8);
      at.bytes("confirmation", 16);
      at.bytes("seed", at.remaining());
      break;
    case MessageType::drop:
      at.integer("reason", 1);
      break;
  }
  return std::move(at).done();
}

enum class Lie { zero, maximum, one_more, one_less, first_bit, last_bit, random_bit, other_block };
constexpr std::array all_lies{Lie::zero,      Lie::maximum,  Lie::one_more,   Lie::one_less,
                              Lie::first_bit, Lie::last_bit, Lie::random_bit, Lie::other_block};

// A sanitizer takes its time: there, each tenth lie.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Adds to a big-endian number, round and round.
void add_to(std::span<std::byte> number, int step) {
  int carry = step;
  for (auto byte = number.rbegin(); byte != number.rend() && carry != 0; ++byte) {
    const int sum = std::to_integer<int>(*byte) + carry;
    *byte = static_cast<std::byte>(sum & 0xFF);
    carry = sum >> 8;
  }
}

void change(std::span<std::byte> field, Lie lie, std::span<const std::byte> other, std::mt19937_64& chance) {
  const auto flip = [&](std::size_t bit) { field[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8)); };
  switch (lie) {
    case Lie::zero:
      std::ranges::fill(field, std::byte{0});
      break;
    case Lie::maximum:
      std::ranges::fill(field, std::byte{0xFF});
      break;
    case Lie::one_more:
      add_to(field, 1);
      break;
    case Lie::one_less:
      add_to(field, -1);
      break;
    case Lie::first_bit:
      flip(0);
      break;
    case Lie::last_bit:
      flip(8 * field.size() - 1);
      break;
    case Lie::random_bit:
      flip(chance() % (8 * field.size()));
      break;
    case Lie::other_block:
      std::copy_n(other.begin(), std::min(other.size(), field.size()), field.begin());
      break;
  }
}

Bytes lied(const Bytes& payload, const Field& field, Lie lie, std::span<const std::byte> other,
           std::mt19937_64& chance) {
  Bytes value{payload.begin() + static_cast<std::ptrdiff_t>(field.first),
              payload.begin() + static_cast<std::ptrdiff_t>(field.first + field.size)};
  if (field.varint) {
    const auto number = *wire::Reader{value}.varint();
    wire::Writer wide;
    wide.u64(number);
    Bytes bytes = std::move(wide).take();
    wire::Writer wide_other;
    wide_other.u64(wire::Reader{other}.varint().value_or(0));
    change(bytes, lie, wide_other.view(), chance);
    wire::Writer narrow;
    narrow.varint(*wire::Reader{bytes}.u64());
    value = std::move(narrow).take();
  } else {
    change(value, lie, other, chance);
  }
  Bytes out{payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(field.first)};
  out.insert(out.end(), value.begin(), value.end());
  out.insert(out.end(), payload.begin() + static_cast<std::ptrdiff_t>(field.first + field.size), payload.end());
  return out;
}

/// One message of each type, from a block of another run, and its fields.
struct Sample {
  Bytes payload;
  std::vector<Field> fields;
};

/// The error rate is beyond the limit where DROP is to be seen.
double error_for(MessageType type) { return type == MessageType::drop ? 0.12 : 0.003; }

void run(Pair& pair) {
  const auto enough = [&] {
    return pair.refused || !pair.made_by_bob.empty() || !pair.dropped_by_bob.empty() || !pair.dropped_by_alice.empty();
  };
  for (int i = 0; i < 12 && !enough(); ++i) pair.shine();
}

std::map<MessageType, Sample> samples(std::uint64_t seed, std::size_t which) {
  std::map<MessageType, Sample> found;
  for (const auto type : {MessageType::sift, MessageType::drop}) {
    Pair pair{seed, error_for(type)};
    std::map<MessageType, std::size_t> seen;
    pair.meddle = [&](Send& send, std::size_t) {
      const auto kind = static_cast<MessageType>(send.type);
      auto fields = layout(kind, send.payload);
      if (seen[kind]++ <= which) found[kind] = {send.payload, std::move(fields)};
    };
    run(pair);
  }
  return found;
}

struct Outcome {
  int refused = 0;
  int dropped = 0;
  int harmless = 0;
  [[nodiscard]] int all() const { return refused + dropped + harmless; }
};

/// Runs one block in which the `which`-th message of `type` is changed by `meddle`.
void lie_once(std::uint64_t seed, MessageType type, std::size_t which, const std::function<void(Send&)>& meddle,
              Outcome& outcome) {
  static std::size_t lies = 0;
  if (sanitized && lies++ % 10 != 0) return;
  Pair pair{seed, error_for(type)};
  std::size_t seen = 0;
  bool changed = false;
  pair.meddle = [&](Send& send, std::size_t) {
    if (static_cast<MessageType>(send.type) != type || seen++ != which || changed) return;
    const Bytes before = send.payload;
    const auto block = send.block;
    meddle(send);
    changed = send.payload != before || send.block != block || static_cast<MessageType>(send.type) != type;
  };
  run(pair);
  if (!changed) return;  // the lie was the truth
  if (pair.refused) {
    ++outcome.refused;
  } else if (!pair.dropped_by_alice.empty() || !pair.dropped_by_bob.empty()) {
    ++outcome.dropped;
  } else {
    ++outcome.harmless;
    REQUIRE(pair.made_by_alice.size() == 1);
    REQUIRE(pair.made_by_bob.size() == 1);
  }
  for (const auto& one : pair.made_by_alice) {
    CHECK(one.key.size_bits() + confirmation_bits <= one.account.length_bits);
    for (const auto& other : pair.made_by_bob) {
      if (one.block != other.block) continue;
      REQUIRE(std::ranges::equal(one.key.expose(), other.key.expose()));
      CHECK(json_members(one.account) == json_members(other.account));
    }
  }
}

void lie_about(std::initializer_list<MessageType> types) {
  constexpr std::uint64_t seed = 11;
  // What noise on the fibre looks like as well, or what only asks for a parity that may be told.
  const std::vector<std::string> as_noise{
      "sift: epoch", "sift: first slot", "sift: slots", "sift: bases", "sift: test bits", "parities: bits",
      "answers: bits", "ask: first", "ask: length", "ask: lane", "ask: pass", "sift_reply: known", "sift_reply: bases",
      // As many decoys, of other detections: both boxes attribute errors alike, and wrongly.
      "sift_reply: decoys"};
  const std::map<MessageType, std::string> names{
      {MessageType::sift, "sift"},       {MessageType::sift_reply, "sift_reply"}, {MessageType::full, "full"},
      {MessageType::pass, "pass"},       {MessageType::parities, "parities"},     {MessageType::ask, "ask"},
      {MessageType::answers, "answers"}, {MessageType::reconciled, "reconciled"}, {MessageType::verify, "verify"},
      {MessageType::verdict, "verdict"}, {MessageType::amplify, "amplify"},       {MessageType::drop, "drop"}};
  std::mt19937_64 chance{seed};
  Outcome total;
  std::size_t fields = 0;
  for (const std::size_t which : {0UZ, 2UZ}) {
    const auto own = samples(seed, which);
    const auto others = samples(seed + 1, which);
    REQUIRE(own.size() == names.size());
    for (const MessageType type : types) {
      const auto& sample = own.at(type);
      for (std::size_t f = 0; f < sample.fields.size(); ++f) {
        const auto& field = sample.fields[f];
        // Of a field that repeats, the first two: the others are treated alike.
        const bool repeats = std::isdigit(static_cast<unsigned char>(field.name.back())) != 0;
        if (repeats && !field.name.ends_with(" 0") && !field.name.ends_with(" 1")) continue;
        const auto& other_fields = others.at(type).fields;
        const auto& other_payload = others.at(type).payload;
        const auto& other = other_fields[std::min(f, other_fields.size() - 1)];
        Outcome outcome;
        for (const Lie lie : which == 0 ? std::span{all_lies} : std::span{all_lies}.last(2)) {
          INFO(names.at(type) << ": " << field.name << ", lie " << static_cast<int>(lie) << ", message " << which);
          lie_once(
              seed, type, type == MessageType::drop ? 0 : which,
              [&](Send& send) {
                // The run is the sample's run up to here, so the field lies where it lay there.
                if (field.size == 0 || send.payload.size() < field.first + field.size) return;
                send.payload =
                    lied(send.payload, field, lie, std::span{other_payload}.subspan(other.first, other.size), chance);
              },
              outcome);
        }
        ++fields;
        const std::string name = names.at(type) + ": " + field.name;
        INFO(name << " was changed without effect in " << outcome.harmless << " of " << outcome.all());
        const bool noise = std::ranges::any_of(as_noise, [&](const auto& prefix) { return name.starts_with(prefix); });
        CHECK((noise || outcome.harmless == 0));
        total.refused += outcome.refused;
        total.dropped += outcome.dropped;
        total.harmless += outcome.harmless;
      }
      if (which != 0) continue;
      // The name of the block and the type are fields of every message too.
      for (const Lie lie : all_lies) {
        INFO(names.at(type) << ": block, lie " << static_cast<int>(lie));
        lie_once(
            seed, type, type == MessageType::drop ? 0 : which,
            [&](Send& send) {
              wire::Writer number;
              number.block_id(send.block);
              Bytes bytes = std::move(number).take();
              wire::Writer next;
              next.block_id({send.block.value + 1});
              change(bytes, lie, next.view(), chance);
              send.block = *wire::Reader{bytes}.block_id();
            },
            total);
      }
      for (std::uint8_t other_type = 0; other_type <= 14; ++other_type) {
        INFO(names.at(type) << ": type " << int{other_type});
        lie_once(seed, type, type == MessageType::drop ? 0 : which, [&](Send& send) { send.type = other_type; }, total);
      }
      fields += 2;
    }
  }
  std::cout << std::format(
      "{} lies about {} fields: {} refused, {} blocks dropped, {} without effect on keys or accounts; unequal keys: "
      "0\n",
      total.all(), fields, total.refused, total.dropped, total.harmless);
  CHECK(total.all() > (sanitized ? 8 : 80));
}

// In parts, so that none takes long.
TEST_CASE("Every field of sifting's messages, changed in every way, ends in an alarm or in equal keys", "[lies]") {
  lie_about({MessageType::sift, MessageType::sift_reply});
}
TEST_CASE("Every field of Cascade's messages, changed in every way, ends in an alarm or in equal keys", "[lies]") {
  lie_about({MessageType::full, MessageType::pass, MessageType::parities});
}
TEST_CASE("Every field of a question or its answer, changed in every way, ends in an alarm or in equal keys",
          "[lies]") {
  lie_about({MessageType::ask, MessageType::answers});
}
TEST_CASE("Every field of verification's messages, changed in every way, ends in an alarm or in equal keys", "[lies]") {
  lie_about({MessageType::reconciled, MessageType::verify, MessageType::verdict});
}
TEST_CASE("Every field of a block's last messages, changed in every way, ends in an alarm or in equal keys", "[lies]") {
  lie_about({MessageType::amplify, MessageType::drop});
}

}  // namespace
}  // namespace cloister::distill
