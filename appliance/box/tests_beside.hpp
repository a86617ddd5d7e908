#pragma once
/// The self-tests on demand, on a thread of their own: traffic, status and watchdog go on while a TPM takes its time.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "appliance/box/self_test.hpp"
#include "appliance/control/server.hpp"
#include "config/model.hpp"
#include "crypto/crash.hpp"

namespace cloister::box {

class TestsBeside {
 public:
  /// The last thing that is done with a client: it is answered in there.
  using Done = std::function<void(const std::vector<control::TestResult>&, const control::HeldClient&)>;

  /// `io` and `configuration` outlive it; the tests are by what it says when they begin; `done` is called in the context.
  TestsBeside(boost::asio::io_context& io, const config::Configuration& configuration, Done done)
      : io_{io}, configuration_{configuration}, done_{std::move(done)} {}

  void begin(control::HeldClient client) {
    if (std::exchange(running_, true))
      return client.answer(control::encode_error("a self-test is under way: try again"));
    thread_ = std::jthread{[this, configuration = configuration_, held = std::move(client)]() mutable {
      crypto::wipe_on_overflow();
      auto results = test_all(configuration);
      boost::asio::post(io_, [this, results = std::move(results), held = std::move(held)] {
        running_ = false;
        done_(results, held);
      });
    }};
  }

 private:
  boost::asio::io_context& io_;
  const config::Configuration& configuration_;
  Done done_;
  bool running_ = false;
  std::jthread thread_;
};

}  // namespace cloister::box
