#include "appliance/cloisterctl/selftest.hpp"

#include <algorithm>
#include <format>
#include <iostream>
#include <vector>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {

int selftest(const std::string& socket, bool json) {
  const auto results = control::test(socket);
  if (!results) return failed(results.error());
  const bool passed = std::ranges::all_of(*results, &control::TestResult::passed);
  if (json) {
    print_json(*results);
  } else {
    std::vector<Row> rows{{"TEST", "RESULT", "MS", ""}};
    for (const auto& result : *results)
      rows.push_back(
          {result.name, result.passed ? "ok" : "FAILED", std::format("{:.1f}", result.milliseconds), result.text});
    std::cout << table(rows);
  }
  if (passed) return number(ExitStatus::done);
  return failed(
      "a self-test failed: the box is closed, and lets nothing pass ('cloisterctl events explain SELF_TEST_FAILED')");
}

}  // namespace cloister::cloisterctl
