#include "hal/etsi014/answer.hpp"

#include <sodium.h>

#include <algorithm>
#include <boost/container/pmr/memory_resource.hpp>
#include <boost/json.hpp>
#include <cstring>
#include <format>
#include <new>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace cloister::hal::etsi014 {
namespace json = boost::json;
namespace {

/// A key container's share of one key beside the key itself: names of members, identifier, blanks.
constexpr std::size_t bytes_beside_a_key = 256;
constexpr std::size_t said_characters_max = 200;

/// Wiped as it goes, and bounded. Each piece has its size in front: Boost.JSON's pool gives its pieces back by another than it asked for.
class ArenaResource final : public boost::container::pmr::memory_resource {
  static constexpr std::size_t grain = 64;

  void* do_allocate(std::size_t bytes, std::size_t) override {
    const std::size_t whole = grain + bytes;
    if (whole > left_) throw std::bad_alloc{};
    left_ -= whole;
    auto* const piece = static_cast<std::byte*>(crypto::arena_allocate(whole));
    std::memcpy(piece, &whole, sizeof whole);
    return piece + grain;
  }
  void do_deallocate(void* memory, std::size_t, std::size_t) override {
    auto* const piece = static_cast<std::byte*>(memory) - grain;
    std::size_t whole = 0;
    std::memcpy(&whole, piece, sizeof whole);
    crypto::arena_release(piece, whole);
    left_ += whole;
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;

 public:
  explicit ArenaResource(std::size_t bytes_max) : left_{bytes_max} {}
};

/// One JSON object, with all that was ever in it in the arena.
class Document {
 public:
  explicit Document(std::span<char> body) : arena_{json_bytes_max(body.size())} {
    try {
      read(body.first(without_plain_escapes(body)));
    } catch (const std::bad_alloc&) {
      problem_ = "has more parts than its length may have";
    }
  }
  [[nodiscard]] const json::object* object() const { return problem_.empty() ? &value_.get_object() : nullptr; }
  [[nodiscard]] std::unexpected<Error> refuse() const { return fail("the KME's answer " + problem_); }

 private:
  void read(std::span<const char> text) {
    boost::system::error_code error;
    json::parser parser{json::storage_ptr{&pool_}};
    parser.reset(json::storage_ptr{&pool_});
    parser.write(text.data(), text.size(), error);
    if (error) {
      problem_ = "is not JSON: " + error.message();
      return;
    }
    value_ = parser.release();
    if (!value_.is_object()) problem_ = "is no JSON object";
  }

  ArenaResource arena_;
  json::monotonic_resource pool_{4096, json::storage_ptr{&arena_}};
  json::value value_ = json::value(json::storage_ptr{&pool_});
  std::string problem_;
};

std::optional<std::uint32_t> number_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint32_t>(error);
  return error ? std::nullopt : std::optional{number};
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view{value->get_string()} : std::string_view{};
}

/// A KME's own words, as far as a terminal may show them.
std::string printable(std::string_view text) {
  std::string out{text.substr(0, said_characters_max)};
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~' || c == '\''; }, '?');
  return out;
}

/// Without a table that the key's characters would index.
std::optional<crypto::SecretVector<std::byte>> decode_key(std::string_view base64, std::uint32_t key_bits) {
  crypto::SecretVector<std::byte> key(key_bits / 8);
  std::size_t length = 0;
  const char* end = nullptr;
  const bool decoded = sodium_base642bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), base64.data(),
                                         base64.size(), nullptr, &length, &end, sodium_base64_VARIANT_ORIGINAL) == 0;
  if (!decoded || length != key.size() || end != base64.data() + base64.size()) return std::nullopt;
  return key;
}

Result<FinishedKey> read_key(const json::value& value, std::uint32_t key_bits) {
  if (!value.is_object()) return fail("the KME's answer has a key that is no JSON object");
  const auto& object = value.get_object();
  const auto id = text_of(object, "key_ID");
  if (!hal::is_key_id(id))
    return fail(std::format("the KME's answer has a key without an identifier ('key_ID') of 1 to {} plain characters",
                            key_id_characters_max));
  auto key = decode_key(text_of(object, "key"), key_bits);
  if (!key)
    return fail(std::format(
        "key '{}' of the KME is not {} bits in base64, as was asked for: see 'key_size' of the link", id, key_bits));
  return FinishedKey{std::string{id}, std::move(*key)};
}

unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return 256;
}

struct Escape {
  std::size_t length = 2;
  std::optional<char> plain;  // what it stands for, where that needs no escape
};

Escape escape_at(std::span<const char> text) {
  if (text.size() < 2) return {.length = text.size(), .plain = {}};
  if (text[1] == '/') return {.length = 2, .plain = '/'};
  if (text[1] != 'u' || text.size() < 6) return {};
  unsigned code = 0;
  for (const char digit : text.subspan(2, 4)) code = std::min(16 * code + hex_value(digit), 1U << 16U);
  if (code < ' ' || code > '~' || code == '"' || code == '\\') return {};
  return {.length = 6, .plain = static_cast<char>(code)};
}

}  // namespace

std::size_t without_plain_escapes(std::span<char> text) {
  std::size_t out = 0;
  for (std::size_t in = 0; in < text.size();) {
    if (text[in] != '\\') {
      text[out++] = text[in++];
      continue;
    }
    const auto escape = escape_at(text.subspan(in));
    if (escape.plain)
      text[out++] = *escape.plain;
    else
      for (std::size_t i = 0; i < escape.length; ++i) text[out++] = text[in + i];
    in += escape.length;
  }
  return out;
}

Result<Limits> parse_status(std::span<char> body) {
  const Document document{body};
  const auto* object = document.object();
  if (object == nullptr) return document.refuse();
  Limits limits;
  for (const auto& [name, out] : {std::pair{"stored_key_count", &limits.stored_key_count},
                                  {"max_key_per_request", &limits.max_key_per_request},
                                  {"max_key_size", &limits.max_key_size},
                                  {"min_key_size", &limits.min_key_size}}) {
    const auto value = number_of(*object, name);
    if (!value) return fail(std::format("the KME's status has no '{}', or one that is no count", name));
    *out = *value;
  }
  limits.max_key_count = number_of(*object, "max_key_count");
  if (limits.max_key_per_request == 0)
    return fail("the KME's status allows no key in a request ('max_key_per_request')");
  return limits;
}

Result<> check_size(const Limits& limits, std::uint32_t key_bits) {
  if (key_bits >= limits.min_key_size && key_bits <= limits.max_key_size) return {};
  return fail(std::format("the KME gives keys of {} to {} bits, and 'key_size' of the link is {}: set it on both boxes",
                          limits.min_key_size, limits.max_key_size, key_bits));
}

Result<> check_count(const Limits& limits, std::uint32_t count) {
  if (!limits.max_key_count || *limits.max_key_count >= count) return {};
  return fail(
      std::format("the KME keeps {} keys at most ('max_key_count'), and a block takes {}: set 'block_bits' of the link "
                  "lower, or have the KME keep more",
                  *limits.max_key_count, count));
}

std::uint32_t keys_at_once(const Limits& limits, std::uint32_t key_bits) {
  const std::size_t room = body_bytes_max / (bytes_beside_a_key + (key_bits / 8UZ + 2) / 3 * 4);
  return std::min(limits.max_key_per_request, static_cast<std::uint32_t>(room));
}

Result<std::vector<FinishedKey>> parse_keys(std::span<char> body, std::uint32_t key_bits, std::size_t count) {
  const Document document{body};
  const auto* object = document.object();
  if (object == nullptr) return document.refuse();
  const auto* list = object->if_contains("keys");
  if (list == nullptr || !list->is_array()) return fail("the KME's answer has no list of 'keys'");
  const auto& array = list->get_array();
  if (array.size() != count)
    return fail(std::format("the KME's answer has {} keys, and {} were asked for", array.size(), count));
  std::vector<FinishedKey> keys;
  std::set<std::string_view> ids;
  keys.reserve(count);  // the set looks into it
  for (const auto& value : array) {
    auto key = read_key(value, key_bits);
    if (!key) return std::unexpected{key.error()};
    keys.push_back(std::move(*key));
    if (!ids.insert(keys.back().id).second)
      return fail(std::format("the KME's answer has key '{}' twice", keys.back().id));
  }
  return keys;
}

Result<std::vector<FinishedKey>> in_order(std::vector<FinishedKey> keys, std::span<const std::string> ids) {
  std::vector<FinishedKey> ordered;
  for (const auto& id : ids) {
    const auto found = std::ranges::find(keys, id, &FinishedKey::id);
    if (found == keys.end()) return fail(std::format("the KME gave other keys than '{}', which was asked for", id));
    ordered.push_back(std::move(*found));
    keys.erase(found);
  }
  return ordered;
}

const char* to_string(Call call) {
  switch (call) {
    case Call::status:
      return "status";
    case Call::enc_keys:
      return "enc_keys";
    case Call::dec_keys:
      return "dec_keys";
  }
  return "";
}

std::string explain(Call call, unsigned status, std::span<char> body) {
  const Document document{body};
  const auto* object = document.object();
  const auto said = object == nullptr ? std::string{} : printable(text_of(*object, "message"));
  const auto what = std::format("the KME answers {} with {}{}: ", to_string(call), status,
                                said.empty() ? "" : std::format(" ('{}')", said));
  switch (status) {
    case 400:
      return what + (call == Call::dec_keys
                         ? "it does not have those keys, or takes 'peer_sae' for another: are the two KMEs a pair"
                         : "it takes the request for a wrong one: compare 'peer_sae' and 'key_size' with its settings");
    case 401:
    case 403:
      return what + "this box may not have these keys: is its certificate the one that the KME knows as 'own_sae'";
    case 503:
      return what + "it has no key to give, or a fault of its own: look at the KME and at its QKD link";
    default:
      return what + "look at its log, and whether 'url' is that of an interface after ETSI GS QKD 014";
  }
}

}  // namespace cloister::hal::etsi014
