#include "appliance/box/collector.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <format>
#include <optional>
#include <thread>
#include <utility>

#include "appliance/box/back_off.hpp"
#include "appliance/distill/external_chain.hpp"
#include "crypto/crash.hpp"
#include "crypto/random.hpp"

namespace cloister::box {
namespace asio = boost::asio;
namespace etsi014 = hal::etsi014;
using boost::system::error_code;
using namespace std::chrono_literals;
namespace {

constexpr auto figures_interval = 250ms;
/// Between two looks at a KME that has not made enough keys yet.
constexpr auto look_again_after = 2000ms;
/// Two KMEs tell each other of a key in their own time.
constexpr int attempts_max = 5;
/// All attempts of Bob's, with the pauses between them: then Alice has waited long enough.
constexpr auto offer_stands_for = attempts_max * etsi014::fetch_takes_at_most + 30s;

std::string what_was(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& problem) {
    return std::format("fetching keys from the KME failed within this box: {}", problem.what());
  } catch (...) {
    return "fetching keys from the KME failed within this box";
  }
}

}  // namespace

struct Collector::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io_context, KeySource keys_from, Handlers callbacks)
      : io{io_context},
        source{std::move(keys_from)},
        handlers{std::move(callbacks)},
        chain{source.alice ? distill::ExternalRole::alice : distill::ExternalRole::bob, random} {}

  asio::io_context& io;
  KeySource source;
  Handlers handlers;
  crypto::SystemRandom random;
  distill::ExternalChain chain;
  asio::cancellation_signal give_up;  // the fetch, whose frame goes with the context
  asio::io_context context{1};
  asio::steady_timer report{context};
  asio::steady_timer pause{context};
  asio::steady_timer deadline{context};                 // of the fetch
  asio::steady_timer offered{context};                  // how long Alice waits for Bob
  std::optional<distill::Wish> wish;                    // Bob's
  std::shared_ptr<std::vector<hal::FinishedKey>> held;  // of it, by all attempts
  int attempts = 0;                                     // at it
  BackOff back_off;
  std::uint64_t generation = 0;
  bool busy = false;  // a fetch, or a pause
  bool demanded = false;
  bool closed = false;   // on the I/O thread: nobody listens any more
  std::string reported;  // what was said of the KME last; empty: it answers
  std::string state = "not asked yet";
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
  std::thread thread;

  template <class Function>
  void to_io(Function function) {
    asio::post(io, [self = shared_from_this(), function = std::move(function)]() mutable {
      if (!self->closed) function(*self);
    });
  }

  /// Whatever there is to do now.
  void proceed() {
    if (busy || generation == 0) return;
    if (auto next = chain.next_wish()) {
      wish = std::move(next);
      held = std::make_shared<std::vector<hal::FinishedKey>>();
      attempts = 0;
      back_off.reset();
    }
    if (wish && wish->offer.key_bits != source.kme.key_bits) return refuse_size();
    if (wish) return fetch_named();
    if (demanded && chain.wants_fresh_keys()) fetch_fresh();
  }

  void fetch_fresh() {
    fetch(etsi014::fresh_keys(source.kme, source.keys_of_block),
          [this](etsi014::Keys<etsi014::FreshKeys> got) { on_fresh(std::move(got)); });
  }

  void refuse_size() {
    chain.on_named_keys(wish->block,
                        fail(std::format("the peer offers keys of {} bits, and 'key_size' of the link is {} "
                                         "here: set the same on both boxes",
                                         wish->offer.key_bits, source.kme.key_bits)));
    drain();
  }

  void fetch_named() {
    ++attempts;
    fetch(etsi014::named_keys(source.kme, wish->offer.ids, wish->offer.at_once, held),
          [this](const etsi014::Keys<void>& got) { on_named(got); });
  }

  /// What comes for a session that has ended is wiped. Whatever is thrown is a failure as any other.
  template <class T, class Function>
  void fetch(asio::awaitable<etsi014::Keys<T>> keys, Function then) {
    busy = true;
    deadline.expires_after(etsi014::fetch_takes_at_most);
    deadline.async_wait([this](error_code error) {
      if (!error && deadline.expiry() <= std::chrono::steady_clock::now()) end_fetch();
    });
    auto done = [this, at = generation, then = std::move(then)](const std::exception_ptr& thrown,
                                                                etsi014::Keys<T> got) {
      deadline.expires_at(asio::steady_timer::time_point::max());
      busy = false;
      if (thrown) got = std::unexpected{etsi014::Failure{.message = what_was(thrown)}};
      if (at == generation && generation != 0) then(std::move(got));
      proceed();
    };
    asio::co_spawn(context, std::move(keys), asio::bind_cancellation_slot(give_up.slot(), std::move(done)));
  }

  void end_fetch() { give_up.emit(asio::cancellation_type::terminal); }

  void on_fresh(etsi014::Keys<etsi014::FreshKeys> got) {
    if (!got && got.error().waits) return wait_for_more(got.error().message);
    if (!got) return lose(got.error().message);
    const auto left = got->left_there;
    const auto taken = chain.on_fresh_keys(std::move(got->keys), static_cast<std::uint16_t>(got->at_once));
    if (!taken) return lose(taken.error().message);
    find(std::format("answers; it had {} more keys", left));
    drain();
    offered.expires_after(offer_stands_for);
    offered.async_wait([this, offer = chain.offered()](error_code error) {
      if (error || !offer) return;
      chain.give_up(*offer,
                    std::format("the peer has said nothing of the keys that were offered for {} s: look at its KME",
                                std::chrono::seconds{offer_stands_for}.count()));
      drain();
    });
  }

  void on_named(const etsi014::Keys<void>& got) {
    if (!wish) return;  // the block was dropped meanwhile
    if (!got && attempts < attempts_max) return lose(got.error().message);
    const auto block = wish->block;
    const auto keys = held;
    forget_wish();
    if (got) {
      find("answers");
      chain.on_named_keys(block, std::move(*keys));
    } else {
      report_loss(got.error().message);
      chain.on_named_keys(block, fail(got.error().message));
    }
    drain();
  }

  /// Where something was wrong, only keys show that it is not any more.
  void wait_for_more(const std::string& why) {
    state = why;
    rest(BackOff::jittered(look_again_after, random));
  }

  void lose(const std::string& problem) {
    report_loss(problem);
    rest(back_off.next(random));
  }

  void report_loss(const std::string& problem) {
    state = problem;
    if (std::exchange(reported, problem) == problem) return;
    to_io([problem](Impl& self) { self.handlers.device_lost(problem); });
  }

  void find(std::string said) {
    state = std::move(said);
    if (std::exchange(reported, {}).empty()) return;
    to_io([](Impl& self) { self.handlers.device_found(); });
  }

  void rest(std::chrono::milliseconds delay) {
    busy = true;
    pause.expires_after(delay);
    pause.async_wait([this](error_code error) {
      if (error) return;
      busy = false;
      proceed();
    });
  }

  void drain() {
    while (auto action = chain.next_action()) {
      if (std::holds_alternative<distill::Amplified>(*action)) back_off.reset();
      if (std::holds_alternative<distill::Dropped>(*action)) on_dropped();
      auto shared = std::make_shared<distill::Action>(std::move(*action));
      to_io([shared, at = generation](Impl& self) { self.handlers.action(at, std::move(*shared)); });
    }
  }

  /// The next block might end as this one did, and its keys cost others something.
  void on_dropped() {
    forget_wish();
    if (source.alice && !busy) rest(back_off.next(random));
  }

  /// A session begins or has ended: what was under way for another is of no use.
  void turn_to(std::uint64_t session) {
    generation = session;
    forget_wish();
    offered.cancel();
    end_fetch();
  }

  void forget_wish() {
    wish.reset();
    held.reset();
  }

  void report_figures() {
    to_io([figures = chain.figures(), device = DeviceReport{reported.empty(), "KME: " + state, {}}](Impl& self) {
      self.handlers.figures(figures, device);
    });
    report.expires_after(figures_interval);
    report.async_wait([this](error_code error) {
      if (!error) report_figures();
    });
  }
};

Collector::Collector(asio::io_context& io, KeySource source, Handlers handlers)
    : impl_{std::make_shared<Impl>(io, std::move(source), std::move(handlers))} {
  asio::post(impl_->context, [impl = impl_.get()] { impl->report_figures(); });
  impl_->thread = std::thread{[impl = impl_.get()] {
    crypto::wipe_on_overflow();
    impl->context.run();
  }};
}

Collector::~Collector() {
  impl_->closed = true;
  impl_->context.stop();
  impl_->thread.join();
}

void Collector::start(std::uint64_t generation, wire::BlockId first) {
  asio::post(impl_->context, [impl = impl_.get(), generation, first] {
    impl->turn_to(generation);
    impl->chain.start(first);
    impl->proceed();
  });
}

void Collector::stop() {
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->turn_to(0);
    impl->chain.stop();
  });
}

void Collector::deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                        std::vector<std::byte> payload) {
  asio::post(impl_->context, [impl = impl_.get(), generation, block, type, payload = std::move(payload)] {
    if (generation != impl->generation) return;
    const auto taken = impl->chain.on_message(block, type, payload);
    impl->drain();
    if (!taken) {
      impl->to_io(
          [generation, what = taken.error().message](Impl& self) { self.handlers.protocol_error(generation, what); });
      return;
    }
    impl->proceed();
  });
}

void Collector::demand(bool wanted) {
  asio::post(impl_->context, [impl = impl_.get(), wanted] {
    impl->demanded = wanted;
    impl->proceed();
  });
}

}  // namespace cloister::box
