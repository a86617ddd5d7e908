#include "appliance/drivers/network.hpp"

#include <format>
#include <utility>
#include <variant>

namespace cloister::drivers {
namespace {

// A thousand tunnels are laid within seconds.
constexpr std::chrono::seconds patience{60};

Error unreachable(const std::string& path, const Error& error) {
  return {std::format("cloister-netd cannot be asked at '{}': {}: does it run (systemctl status cloister-network)",
                      path, error.message)};
}

Result<handover::Message> answer_of(const handover::Channel& conversation) {
  auto message = conversation.receive();
  if (message && message->bytes.empty()) return fail("it has ended");
  return message;
}

/// The sockets of the next endpoint; none when the answers are complete.
Result<std::vector<FileDescriptor>> sockets_of(handover::Message message) {
  const auto answer = handover::parse_answer(message.bytes);
  if (!answer) return std::unexpected{answer.error()};
  if (const auto* refused = std::get_if<handover::Refused>(&*answer)) return fail(refused->reason);
  return std::holds_alternative<handover::Done>(*answer) ? std::vector<FileDescriptor>{}
                                                         : std::move(message.descriptors);
}

}  // namespace

Result<Network> ask_for_network(const std::string& path, const handover::Request& request) {
  auto conversation = handover::Channel::connect(path, patience);
  if (!conversation) return std::unexpected{unreachable(path, conversation.error())};
  if (auto sent = conversation->send(handover::encode(request)); !sent)
    return std::unexpected{unreachable(path, sent.error())};
  Network network{.conversation = std::move(*conversation), .sockets = {}};
  for (;;) {
    auto message = answer_of(network.conversation);
    if (!message) return std::unexpected{unreachable(path, message.error())};
    auto queues = sockets_of(std::move(*message));
    if (!queues) return std::unexpected{queues.error()};
    const bool complete = network.sockets.size() == request.endpoints.size();
    if (queues->empty() && complete) return network;
    if (complete || queues->size() != request.queues)
      return fail(
          "cloister-netd hands over other sockets than were asked for: install it and cloisterd anew, and restart "
          "both");
    network.sockets.push_back({std::move(*queues), request.endpoints[network.sockets.size()].to_string()});
  }
}

}  // namespace cloister::drivers
