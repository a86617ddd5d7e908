#include "appliance/box/box.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <format>

#include "appliance/box/box_status.hpp"
#include "appliance/box/credentials.hpp"
#include "appliance/box/link_parts.hpp"
#include "appliance/box/self_test.hpp"
#include "crypto/crash.hpp"
#include "crypto/random.hpp"

namespace cloister::box {
namespace asio = boost::asio;
namespace {

std::set<std::string> names_of(const std::vector<config::Link>& links) {
  std::set<std::string> names;
  for (const auto& link : links) names.insert(link.name);
  return names;
}

std::string subject_of(const std::string& link) { return std::format("link '{}'", link); }

std::vector<control::ConfigurationChange> changes_of(const std::vector<config::Difference>& differences) {
  std::vector<control::ConfigurationChange> changes;
  for (const auto& difference : differences)
    changes.push_back({.path = difference.path, .before = difference.before, .after = difference.after});
  return changes;
}

/// For the log; the differences one by one are for who has asked.
std::string summary_of(const PreparedReload& reload) {
  if (reload.differences.empty() && reload.opened.empty()) return "nothing has changed";
  std::string text = std::format("{} settings have changed:", reload.differences.size());
  constexpr std::size_t named_max = 8;
  for (std::size_t i = 0; i < std::min(named_max, reload.differences.size()); ++i)
    text += std::format("{} {}", i == 0 ? "" : ",", reload.differences[i].path);
  if (reload.differences.size() > named_max) text += " …";
  return text + "; configuration: " + digest_of(reload.next.settings);
}

}  // namespace

std::expected<std::unique_ptr<Box>, NotOpened> Box::open(asio::io_context& io, Configured configured, EventLog& log) {
  std::unique_ptr<Box> box{new Box{io, std::move(configured), log}};
  const auto& configuration = box->configured_.configuration;
  // First, while there is nothing secret: a memory that is put back to a later moment hears of it.
  auto watch = drivers::MemoryWatch::open(io, box->memory_handlers());
  if (!watch) return std::unexpected{watch.error()};
  box->memory_watch_ = std::move(*watch);
  crypto::reseed_openssl();
  auto audit = AuditLog::open(configuration.box.state_directory, configuration.logging);
  if (!audit) return std::unexpected{audit.error()};
  log.audit_to(std::move(*audit));
  // Before anything else, so that a box that cannot start, for want of a secret, lets nothing out in clear either.
  auto traffic = Traffic::prepare(configuration, box->traffic_.standing());
  if (!traffic) return std::unexpected{traffic.error()};
  auto credentials = open_credentials(configuration, names_of(configuration.links));
  if (!credentials) return std::unexpected{NotOpened{credentials.error(), true}};
  auto links = make_links(configuration, std::move(*credentials), traffic->numbers);
  if (!links) return std::unexpected{links.error()};
  box->traffic_.apply(std::move(*traffic));
  for (auto& [name, link] : *links) {
    if (auto opened = box->open_link(std::move(link)); !opened)
      return fail(std::format("link '{}': {}", name, opened.error().message));
  }

  auto control = control::Server::open(
      io, configuration.box.control_socket,
      [raw = box.get()](const control::Question& question, unsigned user) { return raw->answer(question, user); },
      [raw = box.get()](control::Request request, control::HeldClient client) {
        raw->on_held(request, std::move(client));
      });
  if (!control) return fail(control.error());
  box->control_ = std::move(*control);
  log.info("STARTED", std::format("box '{}'", box->name_),
           std::format("started: links: {}, tunnels: {}, secret memory: {}, configuration: {}",
                       configuration.links.size(), configuration.tunnels.size(),
                       crypto::to_string(crypto::arena_kind()), digest_of(box->configured_.settings)));
  return box;
}

Box::Box(asio::io_context& io, Configured configured, EventLog& log)
    : io_{io},
      configured_{std::move(configured)},
      name_{configured_.configuration.box.name},
      log_{log},
      tests_{io, configured_.configuration,
             [this](const std::vector<control::TestResult>& results, const control::HeldClient& client) {
               on_tested(results, client);
             }} {}

/// Traffic ends first: the links' threads may be in the middle of a block, and are waited for.
Box::~Box() { traffic_.stop(); }

std::string Box::answer(const control::Question& question, unsigned user) {
  if (question.request == control::Request::status) return control::encode_answer(status());
  const auto done = obey(question, user);
  return done ? control::encode_done() : control::encode_error(done.error().message);
}

Result<> Box::obey(const control::Question& order, unsigned user) {
  if (order.request == control::Request::acknowledge) return log_.acknowledge(order.name, order.subject, user);
  if (order.request == control::Request::images_retired) return log_.images_retired(name_, order.name, user);
  if (order.request == control::Request::bootstrap) return allow_bootstrap(order.name, user);
  return rekey(order.name, user);
}

Result<> Box::allow_bootstrap(const std::string& name, unsigned user) {
  auto* link = find_link(name);
  if (link == nullptr) return fail(std::format("there is no link '{}': 'cloisterctl link' shows what there is", name));
  if (const auto allowed = link->allow_bootstrap(); !allowed)
    return fail(std::format("link '{}': {}", name, allowed.error().message));
  log_.info("BOOTSTRAP_ALLOWED", subject_of(name), std::format("user {} lets it bootstrap, once", user));
  return {};
}

Result<> Box::rekey(const std::string& tunnel, unsigned user) {
  for (const auto& link : links_) {
    const auto begun = link->rekey(tunnel);
    if (!begun) continue;
    if (!*begun) return fail(std::format("tunnel '{}': {}", tunnel, begun->error().message));
    log_.info("REKEY_ORDERED", std::format("tunnel '{}'", tunnel),
              std::format("user {} wants a new key before its time", user));
    return {};
  }
  return fail(std::format("there is no tunnel '{}': 'cloisterctl tunnel list' shows what there is", tunnel));
}

/// Whoever runs the context ends the box, which wipes its secrets.
void Box::on_held(control::Request request, control::HeldClient client) {
  if (request == control::Request::selftest) return tests_.begin(std::move(client));
  if (request == control::Request::reload) return begin_reload(std::move(client));
  zeroize_.emplace(request, std::move(client));
  io_.stop();
}

void Box::on_tested(const std::vector<control::TestResult>& results, const control::HeldClient& client) {
  const auto subject = std::format("box '{}'", name_);
  if (const auto failures = failed_tests(results); failures.empty()) {
    log_.info("SELF_TEST_PASSED", subject,
              std::format("{} self-tests passed, for user {}", results.size(), client.user()));
  } else {
    log_.alarm("SELF_TEST_FAILED", subject, self_test_alarm(failures));
    untrusted_ = true;
    io_.stop();
  }
  client.answer(control::encode_tests(results));
}

/// On a thread of its own, as far as it goes without touching anything.
void Box::begin_reload(std::optional<control::HeldClient> client) {
  if (std::exchange(reloading_, true)) {
    if (client) client->answer(control::encode_error("a reload is under way: try again"));
    return;
  }
  PresentBox present{.configured = configured_, .missing = missing_, .traffic = traffic_.standing()};
  reload_ = std::jthread{[this, present = std::move(present), held = std::move(client)]() mutable {
    crypto::wipe_on_overflow();
    auto prepared = std::make_shared<Result<PreparedReload>>(prepare_reload(present));
    auto shared = std::make_shared<std::optional<control::HeldClient>>(std::move(held));
    asio::post(io_, [this, prepared, shared] { on_prepared(std::move(*prepared), *shared); });
  }};
}

void Box::on_prepared(Result<PreparedReload> prepared, const std::optional<control::HeldClient>& client) {
  reloading_ = false;
  const auto subject = std::format("box '{}'", name_);
  if (!prepared) {
    log_.alarm("RELOAD_REFUSED", subject, prepared.error().message);
    if (client) client->answer(control::encode_error(prepared.error().message));
    return;
  }
  const auto changes = changes_of(prepared->differences);
  const auto summary = summary_of(*prepared);
  const auto failures = take_up(std::move(*prepared));
  log_.info("RELOADED", subject, client ? std::format("{}, by user {}", summary, client->user()) : summary);
  if (!client) return;
  client->answer(failures.empty() ? control::encode_changes(changes) : control::encode_error(failures));
}

/// What goes has no SAs any more before its numbers are others', and what comes has none before it has its numbers.
std::string Box::take_up(PreparedReload reload) {
  for (const auto& name : reload.changes.closed) close_link(name);
  for (auto& [name, tunnels] : reload.with_other_tunnels) {
    if (auto* link = find_link(name)) link->change_tunnels(std::move(tunnels.settings), tunnels.numbers);
  }
  traffic_.apply(std::move(reload.traffic));
  configured_ = std::move(reload.next);
  log_.follow(configured_.configuration.alarms, configured_.configuration.logging);
  for (const auto& link : links_) link->follow(configured_.configuration.alarms);
  for (const auto& link : configured_.configuration.links) {
    auto* open = find_link(link.name);
    if (open == nullptr) continue;
    open->follow(policy_of(link.bootstrap));
    open->read_vouchers();
  }
  missing_.clear();
  std::string failures;
  for (auto& [name, link] : reload.opened) {
    const auto opened = open_link(std::move(link));
    if (opened) {
      log_.info("LINK_OPENED", subject_of(name), "by a changed configuration");
      continue;
    }
    missing_.insert(name);
    log_.alarm("LINK_NOT_OPENED", subject_of(name), opened.error().message);
    failures += std::format("{}link '{}' could not be opened: {}: all else is taken up; mend it and reload again",
                            failures.empty() ? "" : "\n", name, opened.error().message);
  }
  return failures;
}

Result<> Box::open_link(NewLink link) {
  return LinkDriver::open(io_, std::move(link.settings), std::move(link.credentials), link.device, traffic_.plane(),
                          log_)
      .transform([&](std::unique_ptr<LinkDriver> opened) { links_.push_back(std::move(opened)); });
}

void Box::close_link(const std::string& name) {
  if (auto* link = find_link(name)) {
    link->change_tunnels({}, {});
    std::erase_if(links_, [&](const auto& each) { return each.get() == link; });
  }
  log_.info("LINK_CLOSED", subject_of(name), "its configuration is another, or gone; its keys are wiped");
}

LinkDriver* Box::find_link(const std::string& name) const {
  const auto found = std::ranges::find_if(links_, [&](const auto& link) { return link->name() == name; });
  return found == links_.end() ? nullptr : found->get();
}

drivers::MemoryWatch::Handlers Box::memory_handlers() {
  return {
      .kernel_event = [this](std::string_view event) { on_memory_in_doubt(memory_age_.on_kernel_event(event)); },
      .kernel_events_lost = [this] { on_memory_in_doubt(memory_age_.on_kernel_events_lost()); },
      .clock_set = [this](const drivers::MachineClocks& now) { on_memory_in_doubt(memory_age_.on_clock_set(now)); }};
}

/// Packets end before anything takes its time: the next one might have the number of one that was sent.
void Box::on_memory_in_doubt(const std::optional<std::string>& why) {
  if (!why || std::exchange(outlived_, true)) return;
  traffic_.stop();
  log_.alarm("MEMORY_RESTORED", std::format("box '{}'", name_),
             *why + "; all keys in memory are wiped, and the box begins anew on its sealed reserve");
  io_.stop();
}

void Box::on_stop() { log_.info("STOPPED", std::format("box '{}'", name_), "told to stop"); }

control::BoxStatus Box::status() const {
  auto status = status_of(name_, "running", log_);
  status.unknown_datagrams = traffic_.plane().unknown_datagrams();
  for (const auto& link : links_) {
    status.links.push_back(link->status());
    for (auto& tunnel : link->tunnel_status()) status.tunnels.push_back(std::move(tunnel));
  }
  return status;
}

}  // namespace cloister::box
