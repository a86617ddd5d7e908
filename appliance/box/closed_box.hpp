#pragma once
/// What is left of the service once it has destroyed its secrets, where a self-test has failed, or where what its TPM
/// has sealed does not open: no link, no tunnel, no
/// interface open. It says so, until it is restarted.

#include <boost/asio/io_context.hpp>
#include <memory>

#include "appliance/box/event_log.hpp"
#include "appliance/box/tests_beside.hpp"
#include "appliance/control/server.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

enum class ClosedBy { zeroize, self_test, no_secrets };

/// Somebody wants all secrets destroyed, maybe as the first step of a factory reset, and waits for it.
struct Destruction {
  control::Request request = control::Request::zeroize;
  control::HeldClient client;
};

class ClosedBox {
 public:
  /// `configuration` and `log` outlive it.
  [[nodiscard]] static Result<std::unique_ptr<ClosedBox>> open(boost::asio::io_context& io,
                                                               const config::Configuration& configuration,
                                                               EventLog& log, ClosedBy by);
  ClosedBox(const ClosedBox&) = delete;
  ClosedBox& operator=(const ClosedBox&) = delete;

  /// Memory is wiped already, by whoever has ended the box: the rest is destroyed, and the client told.
  static void zeroize(const config::Configuration& configuration, EventLog& log, const Destruction& wanted);

 private:
  ClosedBox(boost::asio::io_context& io, const config::Configuration& configuration, EventLog& log, ClosedBy by);
  [[nodiscard]] std::string answer(const control::Question& question, unsigned user);
  void on_held(control::Request request, control::HeldClient client);
  [[nodiscard]] control::BoxStatus status() const;

  const config::Configuration& configuration_;
  EventLog& log_;
  ClosedBy by_;
  TestsBeside tests_;
  std::unique_ptr<control::Server> control_;
};

}  // namespace cloister::box
