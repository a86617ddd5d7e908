#include "appliance/box/closed_box.hpp"

#include <format>

#include "appliance/box/box_status.hpp"
#include "appliance/box/self_test.hpp"
#include "appliance/box/zeroize.hpp"

namespace cloister::box {

namespace {

const char* state_of(ClosedBy by) { return by == ClosedBy::zeroize ? "zeroized" : "self-test failed"; }

}  // namespace

Result<std::unique_ptr<ClosedBox>> ClosedBox::open(boost::asio::io_context& io,
                                                   const config::Configuration& configuration, EventLog& log,
                                                   ClosedBy by) {
  std::unique_ptr<ClosedBox> box{new ClosedBox{configuration, log, by}};
  auto control = control::Server::open(
      io, configuration.box.control_socket,
      [raw = box.get()](const control::Question& question, unsigned user) { return raw->answer(question, user); },
      [raw = box.get()](control::Request request, const control::HeldClient& client) {
        raw->on_held(request, client);
      });
  if (!control) return fail(control.error());
  box->control_ = std::move(*control);
  return box;
}

std::string ClosedBox::answer(const control::Question& question, unsigned user) {
  if (question.request == control::Request::status) return control::encode_answer(status());
  if (question.request == control::Request::acknowledge) {
    const auto done = log_.acknowledge(question.name, question.subject, user);
    return done ? control::encode_done() : control::encode_error(done.error().message);
  }
  return control::encode_error(
      by_ == ClosedBy::zeroize
          ? "this box is zeroized: it has no keys; make new credentials, restart the service"
          : "this box is closed, for a self-test failed: 'cloisterctl events' says which; restart the service");
}

void ClosedBox::on_held(control::Request request, const control::HeldClient& client) {
  if (request == control::Request::zeroize) {
    by_ = ClosedBy::zeroize;
    return zeroize(configuration_, log_, client);
  }
  if (request == control::Request::reload)
    return client.answer(control::encode_error("this box is closed, and takes up its configuration by a restart"));
  client.answer(control::encode_tests(test_all(configuration_)));
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
  auto status = status_of(configuration_.box.name, state_of(by_), log_);
  for (const auto& link : configuration_.links) {
    control::LinkStatus closed;
    closed.name = link.name;
    closed.peer = link.peer;
    closed.role = link.device.role == config::DeviceRole::alice ? "alice" : "bob";
    closed.state = state_of(by_);
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
