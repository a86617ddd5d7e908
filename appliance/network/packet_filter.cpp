#include "appliance/network/packet_filter.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <memory>
#include <span>
#include <utility>

#include "appliance/network/netlink.hpp"

namespace cloister::network {
namespace {

constexpr const char* table = "cloister";
constexpr const char* chain = "forward";
constexpr int priority = -10;  // before a filter of the operator's own
constexpr std::uint32_t register_1 = NFT_REG_1;
constexpr std::size_t elements_at_once = 500;  // an attribute's length has 16 bits
constexpr int send_buffer_bytes = 16 << 20;

// What nft calls the types of sets' keys.
constexpr std::uint32_t type_ipv4_addr = 7;
constexpr std::uint32_t type_ipv6_addr = 8;
constexpr std::uint32_t type_ifname = 41;
// Tells nft that such keys are text, not numbers: libnftnl's NFTNL_UDATA_SET_KEYBYTEORDER, 4 bytes, host's order.
constexpr std::array<std::uint8_t, 6> names_in_order{0, 4, 1, 0, 0, 0};

using Key = std::vector<std::byte>;

struct Element {
  Key key;
  bool end = false;  // of an interval, which it is not part of itself
};

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

/// The messages of one transaction.
class Transaction {
 public:
  Transaction() { edge(NFNL_MSG_BATCH_BEGIN); }

  template <class Fill>
  void add(std::uint16_t type, std::uint16_t flags, Fill fill) {
    nlmsghdr* message = begin((NFNL_SUBSYS_NFTABLES << 8U) | type, NFPROTO_INET, 0);
    message->nlmsg_flags |= flags;
    fill(message);
    end(message);
  }

  /// 0 or an errno.
  int commit() {
    auto* last = reinterpret_cast<nlmsghdr*>(&bytes_[last_]);
    last->nlmsg_flags |= NLM_F_ACK;
    edge(NFNL_MSG_BATCH_END);
    const std::unique_ptr<mnl_socket, CloseSocket> socket{mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)};
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
    const int descriptor = mnl_socket_get_fd(socket.get());
    if (::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer_bytes, sizeof send_buffer_bytes) != 0)
      ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    if (mnl_socket_sendto(socket.get(), bytes_.data(), bytes_.size()) < 0) return errno;
    return answer(*socket);
  }

 private:
  static constexpr std::size_t message_bytes_max = std::size_t{64} << 10U;

  nlmsghdr* begin(unsigned type, std::uint8_t family, std::uint16_t resource) {
    at_ = bytes_.size();
    bytes_.resize(at_ + message_bytes_max);
    nlmsghdr* message = mnl_nlmsg_put_header(&bytes_[at_]);
    message->nlmsg_type = static_cast<std::uint16_t>(type);
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = ++sequence_;
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    *header = {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
    return message;
  }
  void end(const nlmsghdr* message) {
    last_ = at_;
    bytes_.resize(at_ + NLMSG_ALIGN(message->nlmsg_len));
  }
  void edge(unsigned type) {
    const nlmsghdr* message = begin(type, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    bytes_.resize(at_ + NLMSG_ALIGN(message->nlmsg_len));
  }

  /// The kernel answers for each message that it refuses, and for the last one, which asked for it.
  int answer(const mnl_socket& socket) {
    std::vector<char> buffer(static_cast<std::size_t>(MNL_SOCKET_BUFFER_SIZE));
    const std::uint32_t last = reinterpret_cast<const nlmsghdr*>(&bytes_[last_])->nlmsg_seq;
    for (;;) {
      auto bytes = static_cast<int>(mnl_socket_recvfrom(&socket, buffer.data(), buffer.size()));
      if (bytes < 0) return errno;
      const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
      for (; mnl_nlmsg_ok(message, bytes); message = mnl_nlmsg_next(message, &bytes)) {
        if (message->nlmsg_type != NLMSG_ERROR) continue;
        const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
        if (error->error != 0) return -error->error;
        if (message->nlmsg_seq == last) return 0;
      }
    }
  }

  std::vector<char> bytes_;
  std::size_t at_ = 0;
  std::size_t last_ = 0;  // the last message that is not an edge
  std::uint32_t sequence_ = 0;
};

void put_u32(nlmsghdr* message, std::uint16_t attribute, std::uint32_t value) {
  mnl_attr_put_u32(message, attribute, htonl(value));
}

template <class Fill>
void nest(nlmsghdr* message, std::uint16_t attribute, Fill fill) {
  nlattr* start = mnl_attr_nest_start(message, attribute);
  fill();
  mnl_attr_nest_end(message, start);
}

Key name_key(const std::string& interface) {
  Key key(IFNAMSIZ);
  std::ranges::copy(std::as_bytes(std::span{interface}).first(std::min<std::size_t>(interface.size(), IFNAMSIZ - 1)),
                    key.begin());
  return key;
}

std::vector<Element> elements_of(const std::vector<std::string>& interfaces) {
  std::vector<Element> elements;
  for (const auto& interface : interfaces) {
    Key key = name_key(interface);
    if (std::ranges::find(elements, key, &Element::key) == elements.end()) elements.push_back({std::move(key)});
  }
  return elements;
}

/// The first address behind the prefix; empty where there is none.
Key behind(const Key& first, unsigned length) {
  Key key = first;
  if (length == 0) return {};
  unsigned carry = 1U << ((8 - length % 8) % 8);
  for (std::size_t i = (length - 1) / 8 + 1; i-- > 0 && carry != 0;) {
    const unsigned sum = std::to_integer<unsigned>(key[i]) + carry;
    key[i] = static_cast<std::byte>(sum);
    carry = sum >> 8U;
  }
  return carry == 0 ? key : Key{};
}

/// One family's prefixes as intervals that do not overlap: the kernel refuses those that do.
std::vector<Element> elements_of(const std::vector<RoutePrefix>& prefixes, bool v6) {
  const std::size_t bytes = v6 ? 16 : 4;
  std::vector<std::pair<Key, unsigned>> sorted;
  for (const auto& prefix : prefixes) {
    if (prefix.v6 == v6)
      sorted.emplace_back(Key(prefix.address.begin(), prefix.address.begin() + bytes), prefix.length);
  }
  std::ranges::sort(sorted);  // of two that begin alike, the wider one first
  std::vector<Element> elements;
  for (const auto& [first, length] : sorted) {
    const bool open_ended = !elements.empty() && !elements.back().end;
    if (open_ended || (!elements.empty() && first < elements.back().key)) continue;  // within the one before
    if (!elements.empty() && first == elements.back().key)
      elements.pop_back();  // it continues the one before
    else
      elements.push_back({first});
    if (Key end = behind(first, length); !end.empty()) elements.push_back({std::move(end), true});
  }
  return elements;
}

void add_set(Transaction& all, std::uint32_t number, const char* name, std::uint32_t type, std::size_t key_bytes,
             bool intervals, const std::vector<Element>& elements) {
  all.add(NFT_MSG_NEWSET, NLM_F_CREATE, [&](nlmsghdr* message) {
    mnl_attr_put_strz(message, NFTA_SET_TABLE, table);
    mnl_attr_put_strz(message, NFTA_SET_NAME, name);
    put_u32(message, NFTA_SET_FLAGS, intervals ? NFT_SET_INTERVAL : 0);
    put_u32(message, NFTA_SET_KEY_TYPE, type);
    put_u32(message, NFTA_SET_KEY_LEN, static_cast<std::uint32_t>(key_bytes));
    put_u32(message, NFTA_SET_ID, number);
    if (type == type_ifname) mnl_attr_put(message, NFTA_SET_USERDATA, names_in_order.size(), names_in_order.data());
  });
  for (auto rest = std::span{elements}; !rest.empty();) {
    const auto part = rest.first(std::min(elements_at_once, rest.size()));
    rest = rest.subspan(part.size());
    all.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE, [&](nlmsghdr* message) {
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
      nest(message, NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (const auto& element : part) {
          nest(message, NFTA_LIST_ELEM, [&] {
            nest(message, NFTA_SET_ELEM_KEY,
                 [&] { mnl_attr_put(message, NFTA_DATA_VALUE, element.key.size(), element.key.data()); });
            if (element.end) put_u32(message, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
          });
        }
      });
    });
  }
}

/// One rule, an expression after another, each of which may end it.
class Rule {
 public:
  explicit Rule(nlmsghdr* message) : message_{message} {}

  void interface(std::uint32_t which, const char* set, bool in_set) {
    load(which);
    look_up(set, in_set);
  }
  void family(bool v6) {
    load(NFT_META_NFPROTO);
    expression("cmp", [&] {
      put_u32(message_, NFTA_CMP_SREG, register_1);
      put_u32(message_, NFTA_CMP_OP, NFT_CMP_EQ);
      const std::uint8_t wanted = v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
      nest(message_, NFTA_CMP_DATA, [&] { mnl_attr_put(message_, NFTA_DATA_VALUE, sizeof wanted, &wanted); });
    });
  }
  void address(bool v6, bool source, const char* set, bool in_set = true) {
    // RFC 791, section 3.1; RFC 8200, section 3.
    const std::uint32_t offset = v6 ? (source ? 8 : 24) : (source ? 12 : 16);
    expression("payload", [&] {
      put_u32(message_, NFTA_PAYLOAD_DREG, register_1);
      put_u32(message_, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
      put_u32(message_, NFTA_PAYLOAD_OFFSET, offset);
      put_u32(message_, NFTA_PAYLOAD_LEN, v6 ? 16 : 4);
    });
    look_up(set, in_set);
  }
  void drop() {
    expression("immediate", [&] {
      put_u32(message_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      nest(message_, NFTA_IMMEDIATE_DATA,
           [&] { nest(message_, NFTA_DATA_VERDICT, [&] { put_u32(message_, NFTA_VERDICT_CODE, NF_DROP); }); });
    });
  }

 private:
  template <class Fill>
  void expression(const char* name, Fill fill) {
    nest(message_, NFTA_LIST_ELEM, [&] {
      mnl_attr_put_strz(message_, NFTA_EXPR_NAME, name);
      nest(message_, NFTA_EXPR_DATA, fill);
    });
  }
  void load(std::uint32_t meta) {
    expression("meta", [&] {
      put_u32(message_, NFTA_META_KEY, meta);
      put_u32(message_, NFTA_META_DREG, register_1);
    });
  }
  void look_up(const char* set, bool in_set) {
    expression("lookup", [&] {
      mnl_attr_put_strz(message_, NFTA_LOOKUP_SET, set);
      put_u32(message_, NFTA_LOOKUP_SREG, register_1);
      put_u32(message_, NFTA_LOOKUP_FLAGS, in_set ? 0 : NFT_LOOKUP_F_INV);
    });
  }

  nlmsghdr* message_;
};

template <class Fill>
void add_rule(Transaction& all, Fill fill) {
  all.add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, [&](nlmsghdr* message) {
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
    nest(message, NFTA_RULE_EXPRESSIONS, [&] {
      Rule rule{message};
      fill(rule);
      rule.drop();
    });
  });
}

void add_chain(Transaction& all) {
  all.add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, [](nlmsghdr* message) {
    mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, table);
    mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain);
    mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
    nest(message, NFTA_CHAIN_HOOK, [&] {
      put_u32(message, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
      put_u32(message, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(priority));
    });
    put_u32(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
  });
}

constexpr int rules_of_all = 1;
constexpr int rules_of_a_family = 5;

void add_rules(Transaction& all) {  // whatever the packets' addresses say
  add_rule(all, [](Rule& rule) {
    rule.interface(NFT_META_IIFNAME, "black", true);
    rule.interface(NFT_META_OIFNAME, "tunnels", true);
  });
}

void add_rules(Transaction& all, bool v6) {
  const char* local = v6 ? "local6" : "local4";
  const char* remote = v6 ? "remote6" : "remote4";
  add_rule(all, [&](Rule& rule) {
    rule.interface(NFT_META_IIFNAME, "tunnels", false);
    rule.family(v6);
    rule.address(v6, true, remote);
  });
  add_rule(all, [&](Rule& rule) {
    rule.interface(NFT_META_OIFNAME, "tunnels", false);
    rule.family(v6);
    rule.address(v6, false, remote);
  });
  add_rule(all, [&](Rule& rule) {
    rule.interface(NFT_META_IIFNAME, "black", true);
    rule.family(v6);
    rule.address(v6, false, local);
  });
  add_rule(all, [&](Rule& rule) {
    rule.interface(NFT_META_IIFNAME, "black", true);
    rule.family(v6);
    rule.address(v6, true, local);
  });
  add_rule(all, [&](Rule& rule) {
    rule.interface(NFT_META_IIFNAME, "routed", true);
    rule.interface(NFT_META_OIFNAME, "tunnels", false);
    rule.family(v6);
    rule.address(v6, false, local, false);
  });
}

void name_table(nlmsghdr* message) { mnl_attr_put_strz(message, NFTA_TABLE_NAME, table); }

}  // namespace

Result<> install(const PacketFilter& filter) {
  Transaction all;
  // Made if it is not there, so that it can be removed, and made anew.
  all.add(NFT_MSG_NEWTABLE, NLM_F_CREATE, name_table);
  all.add(NFT_MSG_DELTABLE, 0, name_table);
  all.add(NFT_MSG_NEWTABLE, NLM_F_CREATE, name_table);
  add_set(all, 1, "tunnels", type_ifname, IFNAMSIZ, false, elements_of(filter.tunnels));
  add_set(all, 2, "black", type_ifname, IFNAMSIZ, false, elements_of(filter.black));
  add_set(all, 3, "local4", type_ipv4_addr, 4, true, elements_of(filter.local, false));
  add_set(all, 4, "remote4", type_ipv4_addr, 4, true, elements_of(filter.remote, false));
  add_set(all, 5, "local6", type_ipv6_addr, 16, true, elements_of(filter.local, true));
  add_set(all, 6, "remote6", type_ipv6_addr, 16, true, elements_of(filter.remote, true));
  add_set(all, 7, "routed", type_ifname, IFNAMSIZ, false, elements_of(filter.routed));
  add_chain(all);
  add_rules(all);
  for (const bool v6 : {false, true}) add_rules(all, v6);
  const int error = all.commit();
  if (error == 0) return {};
  return fail(std::format("cannot install the packet filter (nftables' table 'inet {}'): {}", table, because(error)));
}

bool stands() {
  std::array<char, request_bytes> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8U) | NFT_MSG_GETRULE;
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  *header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0};
  mnl_attr_put_strz(request, NFTA_RULE_TABLE, table);
  mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain);
  int rules = 0;
  const int error = dump(request, [&](const nlmsghdr*) { ++rules; }, NETLINK_NETFILTER);
  return error == 0 && rules == rules_of_all + 2 * rules_of_a_family;
}

}  // namespace cloister::network
