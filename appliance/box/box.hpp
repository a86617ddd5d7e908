#pragma once
/// The whole service, made from its configuration: data plane, links, control socket. Everything that can be found
/// wrong at the start is, before anything runs. Whoever ends the box has wiped its secrets.

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/box/event_log.hpp"
#include "appliance/box/link_driver.hpp"
#include "appliance/box/tests_beside.hpp"
#include "appliance/control/server.hpp"
#include "appliance/drivers/data_plane.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// Why there is no box: something else than its secrets is wanting, or those are what did not open.
struct NotOpened : Error {
  NotOpened(Error error, bool by_secrets = false) : Error{std::move(error)}, secrets{by_secrets} {}
  bool secrets;
};

class Box {
 public:
  /// `configuration` and `log` outlive it.
  [[nodiscard]] static std::expected<std::unique_ptr<Box>, NotOpened> open(boost::asio::io_context& io,
                                                                           const config::Configuration& configuration,
                                                                           EventLog& log);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  /// The service is about to end in good order.
  void on_stop();

  /// Somebody has told the service to destroy all its secrets. The context was stopped: the box is to be ended, then
  /// what is sealed destroyed, then the client answered.
  [[nodiscard]] std::optional<control::HeldClient> take_zeroize() { return std::exchange(zeroize_, std::nullopt); }
  /// A self-test has failed; the context was stopped: the box is to be ended, and stays closed.
  [[nodiscard]] bool untrusted() const { return untrusted_; }

 private:
  Box(boost::asio::io_context& io, const config::Configuration& configuration, EventLog& log);
  [[nodiscard]] std::string answer(const control::Question& question, unsigned user);
  [[nodiscard]] Result<> rekey(const std::string& tunnel, unsigned user);
  void on_held(control::Request request, control::HeldClient client);
  void on_tested(const std::vector<control::TestResult>& results, const control::HeldClient& client);
  [[nodiscard]] control::BoxStatus status() const;

  boost::asio::io_context& io_;
  const config::Configuration& configuration_;
  std::string name_;
  EventLog& log_;
  std::optional<control::HeldClient> zeroize_;
  bool untrusted_ = false;
  TestsBeside tests_;  // waited for when all secrets are wiped
  std::unique_ptr<drivers::DataPlane> plane_;
  std::vector<std::unique_ptr<LinkDriver>> links_;
  std::unique_ptr<control::Server> control_;
};

}  // namespace cloister::box
