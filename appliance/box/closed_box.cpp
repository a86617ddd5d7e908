#include "appliance/box/closed_box.hpp"

#include <systemd/sd-daemon.h>

#include <format>
#include <utility>

#include "appliance/box/box_status.hpp"
#include "appliance/box/link_parts.hpp"
#include "appliance/box/zeroize.hpp"

namespace cloister::box {

namespace {

const char* state_of(ClosedBy by) {
  switch (by) {
    case ClosedBy::zeroize:
      return "zeroized";
    case ClosedBy::self_test:
      return "self-test failed";
    case ClosedBy::no_secrets:
      return "no secrets";
  }
  return "";
}

const char* refusal_of(ClosedBy by) {
  switch (by) {
    case ClosedBy::zeroize:
      return "this box is zeroized: it has no keys; make new credentials, restart the service";
    case ClosedBy::self_test:
      return "this box is closed, for a self-test failed: 'cloisterctl events' says which; restart the service";
    case ClosedBy::no_secrets:
      return "this box is closed, for its secrets did not open: 'cloisterctl alarm' says why; then restart the service";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<ClosedBox>> ClosedBox::open(boost::asio::io_context& io,
                                                   const config::Configuration& configuration, EventLog& log,
                                                   ClosedBy by) {
  std::unique_ptr<ClosedBox> box{new ClosedBox{io, configuration, log, by}};
  auto control = control::Server::open(
      io, configuration.box.control_socket,
      [raw = box.get()](const control::Question& question, unsigned user) { return raw->answer(question, user); },
      [raw = box.get()](control::Request request, control::HeldClient client) {
        raw->on_held(request, std::move(client));
      });
  if (!control) return fail(control.error());
  box->control_ = std::move(*control);
  return box;
}

ClosedBox::ClosedBox(boost::asio::io_context& io, const config::Configuration& configuration, EventLog& log,
                     ClosedBy by)
    : configuration_{configuration},
      log_{log},
      by_{by},
      tests_{io, configuration, [](const std::vector<control::TestResult>& results, const control::HeldClient& client) {
               client.answer(control::encode_tests(results));
             }} {}

std::string ClosedBox::answer(const control::Question& question, unsigned user) {
  if (question.request == control::Request::status) return control::encode_answer(status());
  if (question.request == control::Request::acknowledge) {
    const auto done = log_.acknowledge(question.name, question.subject, user);
    return done ? control::encode_done() : control::encode_error(done.error().message);
  }
  if (question.request == control::Request::images_retired) {
    const auto done = log_.images_retired(configuration_.box.name, question.name, user);
    return done ? control::encode_done() : control::encode_error(done.error().message);
  }
  return control::encode_error(refusal_of(by_));
}

void ClosedBox::on_held(control::Request request, control::HeldClient client) {
  if (request == control::Request::selftest) return tests_.begin(std::move(client));
  if (request == control::Request::reload)
    return client.answer(control::encode_error("this box is closed, and takes up its configuration by a restart"));
  by_ = ClosedBy::zeroize;
  zeroize(configuration_, log_, {.request = request, .client = std::move(client)});
}

void ClosedBox::zeroize(const config::Configuration& configuration, EventLog& log, const Destruction& wanted) {
  const auto& client = wanted.client;
  const std::string subject = std::format("box '{}'", configuration.box.name);
  if (wanted.request == control::Request::factory_reset)
    log.alarm("FACTORY_RESET", subject, factory_reset_text(client.user()));
  ::sd_notify(0, "WATCHDOG=1");  // a TPM that does not answer is given up before the next is due
  const auto failures = destroy_sealed(configuration);
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
    closed.authentication_policy = to_string(policy_of(link.authentication));
    closed.device = "not opened";
    status.links.push_back(std::move(closed));
  }
  for (const auto& tunnel : configuration_.tunnels) {
    control::TunnelStatus closed;
    closed.name = tunnel.name;
    closed.link = tunnel.link;
    closed.interface = tunnel.interface;
    closed.state = "blocked";
    closed.key_source = to_string(vpn::KeySource::none);
    closed.authenticated_by = "nobody";
    status.tunnels.push_back(std::move(closed));
  }
  return status;
}

}  // namespace cloister::box
