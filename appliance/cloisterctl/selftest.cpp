#include "appliance/cloisterctl/selftest.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

int run_tests(const std::string& socket, bool json) {
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

}  // namespace

void offer_selftest(CLI::App& app, Invocation& invocation) {
  const auto json = std::make_shared<bool>(false);
  auto* selftest = app.add_subcommand(
      "selftest", "Have the box test its primitives, randomness, TPM and sealed state; where one fails it closes");
  selftest->add_flag("--json", *json, "For programs");
  invocation.on(selftest, [&invocation, json] { return run_tests(invocation.socket, *json); });
}

}  // namespace cloister::cloisterctl
