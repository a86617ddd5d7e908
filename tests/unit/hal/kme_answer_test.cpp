// What a KME answers is limits, keys or a reason; nothing else passes. Expected values are those of ETSI GS QKD 014 V1.1.1's own
// members, and base64 of RFC 4648.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <string>
#include <string_view>
#include <vector>

#include "hal/etsi014/answer.hpp"

namespace {
using namespace cloister::hal;
using namespace cloister::hal::etsi014;

const std::string good_status =
    R"({"source_KME_ID": "a", "target_KME_ID": "b", "master_SAE_ID": "x", "slave_SAE_ID": "y", "key_size": 352,
        "stored_key_count": 25000, "max_key_count": 100000, "max_key_per_request": 128, "max_key_size": 1024,
        "min_key_size": 64, "max_SAE_ID_count": 0})";
// "foobar12" and 0xfb 0xff 0xfe 00 ... in base64.
const std::string two_keys =
    R"({"keys": [{"key_ID": "bc490419-7d60-487f-adc1-4ddcc177c139", "key": "Zm9vYmFyMTI="},
                 {"key_ID": "0a782fb5-3434-48fe-aa4d-14f41d46cf92", "key": "+//+AAAAAAA="}]})";

std::string without(std::string text, std::string_view part, std::string_view in_its_place = "") {
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), in_its_place);
}

std::string text_of(const FinishedKey& key) {
  std::string text;
  for (const auto byte : key.bits) text += static_cast<char>(byte);
  return text;
}

TEST_CASE("Status gives the limits that bound what is asked for") {
  auto body = good_status;
  const auto limits = parse_status(body);
  REQUIRE(limits);
  CHECK(limits->stored_key_count == 25'000);
  CHECK(limits->max_key_per_request == 128);
  CHECK(check_size(*limits, 64));
  CHECK(check_size(*limits, 1024));
  CHECK(check_size(*limits, 2048).error().message.find("gives keys of 64 to 1024 bits") != std::string::npos);
  CHECK(check_size(*limits, 56).error().message.find("'key_size' of the link is 56") != std::string::npos);
  CHECK(keys_at_once(*limits, 256) == 128);
  CHECK(keys_at_once({.max_key_per_request = 1'000'000, .max_key_size = 8192}, 8192) < 200);
}

TEST_CASE("A KME that never has the keys of a block is not waited for") {
  auto body = good_status;
  const auto limits = parse_status(body);
  REQUIRE(limits);
  CHECK(check_count(*limits, 100'000));
  CHECK(check_count(*limits, 100'001).error().message.find("set 'block_bits' of the link lower") != std::string::npos);
  auto silent = without(good_status, "\"max_key_count\": 100000, ");
  CHECK(check_count(*parse_status(silent), 100'001));
}

TEST_CASE("An answer's JSON takes no more secret memory than its length allows, and the longest one has room") {
  std::string many = R"({"keys": [)";
  while (many.size() < body_bytes_max - 8) many += "0,";
  many += "0]}";
  const auto refused = parse_keys(many, 64, 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("more parts than its length may have") != std::string::npos);
  for (const std::uint32_t key_bits : {64U, 256U, 8192U}) {
    const auto count =
        keys_at_once({.max_key_per_request = 1'000'000, .max_key_size = 8192, .min_key_size = 64}, key_bits);
    std::string body = R"({"keys": [)";
    for (std::uint32_t i = 0; i < count; ++i)
      body += std::format(R"({}{{"key_ID": "{:036}", "key": "{}{}"}})", i == 0 ? "" : ", ", i,
                          std::string((key_bits / 8 + 2) / 3 * 4 - 4, 'A'),
                          key_bits % 24 == 0   ? "AAAA"
                          : key_bits % 24 == 8 ? "AA=="
                                               : "AAA=");
    body += "]}";
    INFO(key_bits << " bits, " << count << " keys, " << body.size() << " characters");
    REQUIRE(body.size() <= body_bytes_max);
    const auto keys = parse_keys(body, key_bits, count);
    CHECK((keys ? std::string{} : keys.error().message) == "");
  }
}

TEST_CASE("A status that is none is refused with what is wrong") {
  struct Case {
    std::string body;
    std::string says;
  };
  for (const auto& [body, says] :
       std::vector<Case>{{"", "is not JSON"},
                         {"{", "is not JSON"},
                         {"[]", "is no JSON object"},
                         {without(good_status, "\"stored_key_count\": 25000, "), "no 'stored_key_count'"},
                         {without(good_status, "25000", "-1"), "no 'stored_key_count'"},
                         {without(good_status, "25000", "1e300"), "no 'stored_key_count'"},
                         {without(good_status, "25000", "\"25000\""), "no 'stored_key_count'"},
                         {without(good_status, "128", "0"), "allows no key in a request"},
                         {std::string(200, '['), "is not JSON"}}) {
    auto text = body;
    INFO(body);
    const auto limits = parse_status(text);
    REQUIRE(!limits);
    CHECK(limits.error().message.find(says) != std::string::npos);
  }
}

TEST_CASE("A key container gives the keys that were asked for") {
  auto body = two_keys;
  const auto keys = parse_keys(body, 64, 2);
  REQUIRE(keys);
  CHECK((*keys)[0].id == "bc490419-7d60-487f-adc1-4ddcc177c139");
  CHECK(text_of((*keys)[0]) == "foobar12");
  CHECK(text_of((*keys)[1]) == std::string_view("\xfb\xff\xfe\0\0\0\0\0", 8));
}

TEST_CASE("Escapes that some JSON writers make of base64 are understood") {
  for (const auto& escaped :
       {R"(+\/\/+AAAAAAA=)", R"(\u002b\u002F\/+AAAAAAA\u003D)", R"(\u002B//\u002B\u0041AAAAAA=)"}) {
    INFO(escaped);
    auto body = without(two_keys, "+//+AAAAAAA=", escaped);
    const auto keys = parse_keys(body, 64, 2);
    REQUIRE(keys);
    CHECK(text_of((*keys)[1]) == std::string_view("\xfb\xff\xfe\0\0\0\0\0", 8));
  }
  std::string others = R"(["\"", "\\/", "\u00e9", "\u0022", "\n", "\u005c", "\)";
  const auto before = others;
  CHECK(others.substr(0, without_plain_escapes(others)) == before);
}

TEST_CASE("A key container that is not what was asked for is refused with what is wrong") {
  struct Case {
    std::string body;
    std::string says;
    std::uint32_t key_bits = 64;
    std::size_t count = 2;
  };
  const std::string id = "0a782fb5-3434-48fe-aa4d-14f41d46cf92";
  for (const auto& [body, says, key_bits, count] : std::vector<Case>{
           {"<html>", "is not JSON"},
           {R"({"keys": {}})", "no list of 'keys'"},
           {R"({"message": "no"})", "no list of 'keys'"},
           {R"({"keys": []})", "has 0 keys, and 2 were asked for"},
           {two_keys, "has 2 keys, and 3 were asked for", 64, 3},
           {two_keys, "has 2 keys, and 1 were asked for", 64, 1},
           {two_keys, "is not 128 bits", 128},
           {two_keys, "is not 56 bits", 56},
           {without(two_keys, "Zm9v", "Zm9*"), "is not 64 bits in base64"},
           {without(two_keys, "Zm9vYmFyMTI=", "Zm9vYmFyMTI"), "is not 64 bits in base64"},
           {without(two_keys, "Zm9vYmFyMTI=", "Zm9vYmFyMTI= "), "is not 64 bits in base64"},
           {without(two_keys, "\"Zm9vYmFyMTI=\"", "7"), "is not 64 bits in base64"},
           {without(two_keys, id, "bc490419-7d60-487f-adc1-4ddcc177c139"), "twice"},
           {without(two_keys, id, ""), "without an identifier"},
           {without(two_keys, id, "a b"), "without an identifier"},
           {without(two_keys, id, std::string(65, 'a')), "without an identifier"},
           {without(two_keys, "{\"key_ID\": \"" + id + "\", \"key\": \"+//+AAAAAAA=\"}", "1"), "no JSON object"}}) {
    auto text = body;
    INFO(body);
    const auto keys = parse_keys(text, key_bits, count);
    REQUIRE(!keys);
    INFO(keys.error().message);
    CHECK(keys.error().message.find(says) != std::string::npos);
    CHECK(keys.error().message.find("Zm9v") == std::string::npos);  // a message goes into logs
  }
}

TEST_CASE("Keys come in the order in which they were named, or not at all") {
  const std::vector<std::string> ids{"0a782fb5-3434-48fe-aa4d-14f41d46cf92", "bc490419-7d60-487f-adc1-4ddcc177c139"};
  auto body = two_keys;
  const auto keys = in_order(*parse_keys(body, 64, 2), ids);
  REQUIRE(keys);
  CHECK((*keys)[0].id == ids[0]);
  CHECK(text_of((*keys)[1]) == "foobar12");
  body = two_keys;
  const auto others = in_order(*parse_keys(body, 64, 2), std::vector<std::string>{ids[0], "another"});
  CHECK(others.error().message.find("other keys than 'another'") != std::string::npos);
}

TEST_CASE("Every error of the standard, and any other, has its remedy") {
  struct Case {
    Call call;
    unsigned status;
    std::string says;
  };
  for (const auto& [call, status, says] : std::vector<Case>{{Call::enc_keys, 400, "compare 'peer_sae' and 'key_size'"},
                                                            {Call::dec_keys, 400, "are the two KMEs a pair"},
                                                            {Call::status, 401, "knows as 'own_sae'"},
                                                            {Call::enc_keys, 503, "it has no key to give"},
                                                            {Call::status, 404, "whether 'url' is that of"},
                                                            {Call::status, 302, "whether 'url' is that of"}}) {
    std::string body = R"({"message": "no 'such' \u001b[31m key", "details": []})";
    const auto text = explain(call, status, body);
    INFO(text);
    CHECK(text.find(says) != std::string::npos);
    CHECK(text.find(std::to_string(status)) != std::string::npos);
    CHECK(text.find("('no ?such? ?[31m key')") != std::string::npos);
    std::string no_json = "Service Unavailable";
    CHECK(explain(call, status, no_json).find(says) != std::string::npos);
  }
}

TEST_CASE("Whatever a KME answers, all secret memory comes back") {
  for (const auto& text : {good_status, two_keys, without(two_keys, "Zm9v", "Zm9*"), std::string{"{"}}) {
    const auto before = cloister::crypto::arena_bytes_used();
    for (int i = 0; i < 100; ++i) {
      auto body = text;
      static_cast<void>(parse_status(body));
      body = text;
      static_cast<void>(parse_keys(body, 64, 2));
      body = text;
      static_cast<void>(explain(Call::status, 400, body));
    }
    CHECK(cloister::crypto::arena_bytes_used() == before);
  }
}

}  // namespace
