#include "appliance/box/closed_box.hpp"

#include <format>

#include "appliance/box/box_status.hpp"
#include "appliance/box/zeroize.hpp"

namespace cloister::box {

Result<std::unique_ptr<ClosedBox>> ClosedBox::open(boost::asio::io_context& io,
                                                   const config::Configuration& configuration, EventLog& log) {
  std::unique_ptr<ClosedBox> box{new ClosedBox{configuration, log}};
  auto control = control::Server::open(
      io, configuration.box.control_socket,
      [raw = box.get()](const control::Question& question, unsigned user) {
        if (question.request == control::Request::status) return control::encode_answer(raw->status());
        if (question.request == control::Request::acknowledge) {
          const auto done = raw->log_.acknowledge(question.name, question.subject, user);
          return done ? control::encode_done() : control::encode_error(done.error().message);
        }
        return control::encode_error("this box is zeroized: it has no keys; make new credentials, restart the service");
      },
      [raw = box.get()](const control::HeldClient& client) { zeroize(raw->configuration_, raw->log_, client); });
  if (!control) return fail(control.error());
  box->control_ = std::move(*control);
  return box;
}

void ClosedBox::zeroize(const config::Configuration& configuration, EventLog& log, const control::HeldClient& client) {
  const auto failures = destroy_sealed(configuration);
  const std::string subject = std::format("box '{}'", configuration.box.name);
  log.alarm("ZEROIZED", subject, zeroized_text(client.user(), true));
  if (failures.empty()) return client.answer(control::encode_done());
  const std::string text = incomplete_text(failures);
  log.alarm("ZEROIZE_INCOMPLETE", subject, text);
  client.answer(control::encode_error("memory is wiped, but not all is done: " + text));
}

control::BoxStatus ClosedBox::status() const {
  auto status = status_of(configuration_.box.name, "zeroized", log_);
  for (const auto& link : configuration_.links) {
    control::LinkStatus closed;
    closed.name = link.name;
    closed.peer = link.peer;
    closed.role = link.device.role == config::DeviceRole::alice ? "alice" : "bob";
    closed.state = "zeroized";
    closed.authenticated_by = "nobody";
    closed.device = "not opened";
    status.links.push_back(std::move(closed));
  }
  for (const auto& tunnel : configuration_.tunnels) {
    control::TunnelStatus closed;
    closed.name = tunnel.name;
    closed.link = tunnel.link;
    closed.interface = tunnel.interface;
    closed.state = "blocked";
    status.tunnels.push_back(std::move(closed));
  }
  return status;
}

}  // namespace cloister::box
