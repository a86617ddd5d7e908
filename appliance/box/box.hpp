#pragma once
/// The whole service, made from its configuration: data plane, links, control socket. Everything that can be found
/// wrong at the start is, before anything runs. A changed configuration is taken up while it runs: what did not change
/// goes on untouched. Whoever ends the box has wiped its secrets.

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "appliance/box/closed_box.hpp"
#include "appliance/box/configured.hpp"
#include "appliance/box/event_log.hpp"
#include "appliance/box/link_driver.hpp"
#include "appliance/box/memory_age.hpp"
#include "appliance/box/reload.hpp"
#include "appliance/box/tests_beside.hpp"
#include "appliance/box/traffic.hpp"
#include "appliance/control/server.hpp"
#include "appliance/drivers/memory_watch.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// Why there is no box: something else than its secrets is wanting, or those are what did not open.
struct NotOpened : Error {
  NotOpened(Error error, bool by_secrets = false) : Error{std::move(error)}, secrets{by_secrets} {}
  bool secrets;
};

class Box {
 public:
  /// `log` outlives it.
  [[nodiscard]] static std::expected<std::unique_ptr<Box>, NotOpened> open(boost::asio::io_context& io,
                                                                           Configured configured, EventLog& log);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  /// The service is about to end in good order.
  void on_stop();
  /// Takes up what the configuration file now says, or refuses it whole; the log says which.
  void reload() { begin_reload(std::nullopt); }
  /// By which it works.
  [[nodiscard]] const Configured& configured() const { return configured_; }

  /// Somebody has told the service to destroy all its secrets. The context was stopped: the box is to be ended, then
  /// what is sealed destroyed, then the client answered.
  [[nodiscard]] std::optional<Destruction> take_zeroize() { return std::exchange(zeroize_, std::nullopt); }
  /// A self-test has failed; the context was stopped: the box is to be ended, and stays closed.
  [[nodiscard]] bool untrusted() const { return untrusted_; }
  /// This machine's memory may be older than the world, and what is in it used already. Nothing passes any more, and the
  /// context was stopped: the box is to be ended, and opened anew on what disk and TPM have.
  [[nodiscard]] bool outlived() const { return outlived_; }

 private:
  Box(boost::asio::io_context& io, Configured configured, EventLog& log);
  [[nodiscard]] std::string answer(const control::Question& question, unsigned user);
  /// What is done at once, or an error.
  [[nodiscard]] Result<> obey(const control::Question& order, unsigned user);
  [[nodiscard]] Result<> allow_bootstrap(const std::string& link, unsigned user);
  [[nodiscard]] Result<> rekey(const std::string& tunnel, unsigned user);
  void on_held(control::Request request, control::HeldClient client);
  void begin_reload(std::optional<control::HeldClient> client);
  void on_prepared(Result<PreparedReload> prepared, const std::optional<control::HeldClient>& client);
  /// What could not be opened, for people; empty when all was.
  [[nodiscard]] std::string take_up(PreparedReload reload);
  [[nodiscard]] Result<> open_link(NewLink link);
  void close_link(const std::string& name);
  [[nodiscard]] LinkDriver* find_link(const std::string& name) const;
  void on_tested(const std::vector<control::TestResult>& results, const control::HeldClient& client);
  [[nodiscard]] drivers::MemoryWatch::Handlers memory_handlers();
  void on_memory_in_doubt(const std::optional<std::string>& why);
  [[nodiscard]] control::BoxStatus status() const;

  boost::asio::io_context& io_;
  Configured configured_;
  std::string name_;
  EventLog& log_;
  std::optional<Destruction> zeroize_;
  bool untrusted_ = false;
  bool outlived_ = false;
  bool reloading_ = false;
  // Waited for when all secrets are wiped.
  TestsBeside tests_;
  std::jthread reload_;  // prepares one
  Traffic traffic_;
  std::vector<std::unique_ptr<LinkDriver>> links_;
  std::set<std::string> missing_;  // links that are configured, and that a reload could not open
  std::unique_ptr<control::Server> control_;
  MemoryAge memory_age_{drivers::machine_clocks()};
  std::unique_ptr<drivers::MemoryWatch> memory_watch_;
};

}  // namespace cloister::box
