#include "appliance/drivers/readiness.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace cloister::drivers {
namespace {

void raise(const FileDescriptor& event) {
  const std::uint64_t one = 1;
  REQUIRE(::write(event.get(), &one, sizeof one) == sizeof one);
}

std::vector<std::size_t> seen(Readiness& readiness) {
  const auto ready = readiness.wait();
  return {ready.begin(), ready.end()};
}

TEST_CASE("A descriptor that is off wakes nobody; what came to it meanwhile is there when it is on again",
          "[drivers]") {
  const FileDescriptor wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  const FileDescriptor first{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  const FileDescriptor second{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Readiness readiness{wake.get()};
  readiness.add(first.get(), 1);
  readiness.add(second.get(), 2);
  raise(first);
  raise(second);
  readiness.set(first.get(), 1, false);
  CHECK(seen(readiness) == std::vector<std::size_t>{2});
  readiness.set(second.get(), 2, false);
  raise(wake);
  CHECK(seen(readiness).empty());
  std::uint64_t woken = 0;
  REQUIRE(::read(wake.get(), &woken, sizeof woken) == sizeof woken);
  readiness.set(first.get(), 1, true);
  CHECK(seen(readiness) == std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace cloister::drivers
