// A plan laid on a running link: the same file sets the fibre and is planned, and what comes of both is compared.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "appliance/cloisterctl/link_plan.hpp"
#include "config/link_model.hpp"
#include "hal/fibre/described_link.hpp"
#include "tests/lit_link.hpp"

namespace {
using namespace cloister;

constexpr double tolerance = 0.05;

void check_near(const char* what, double found, double planned) {
  INFO(what << ": planned " << planned << ", found " << found);
  CHECK(std::abs(found / planned - 1) < tolerance);
}

hal::simulator::SourceSettings source_of(const config::LinkModel& model, const distill::Parameters& parameters) {
  return {.clock_hz = model.clock_hz,
          .z_probability = model.distillation.key_basis_probability,
          .intensities = parameters.intensities,
          .probabilities = parameters.probabilities};
}

}  // namespace

TEST_CASE("A running link brings what was planned, within 5 %") {
  const auto* const name = GENERATE("ingaas-50km", "snspd-100km", "yuan-2018");
  INFO(name);
  auto model = config::find_link_model(name);
  REQUIRE(model);
  model->distillation.block_bits = 10'000'000;
  const auto plan = cloisterctl::report_link(*model, 0, 1).here.plan;
  REQUIRE(plan.secret_bits_per_second > 0);
  const auto& parameters = plan.account.parameters;
  auto glass = hal::fibre::parameters_of(*model);
  glass.dimmed_gates = 0.01;  // without it the receiver is suspect; it costs half a per cent of the clicks
  test::LitLink link{glass, source_of(*model, parameters), parameters, 5};
  link.shine(2);
  REQUIRE(link.keys() == 2);

  double secret = 0;
  for (const auto& [block, key, account, known, text] : link.ended) {
    secret += static_cast<double>(account.length_bits);
    check_near("QBER", account.key_qber(), plan.account.key_qber());
    check_near("tested bits", static_cast<double>(account.test.detections()),
               static_cast<double>(plan.account.test.detections()));
    check_near("parities", static_cast<double>(account.parity_bits), static_cast<double>(plan.account.parity_bits));
    for (std::size_t k = 0; k < distill::intensity_count(parameters.bound); ++k)
      check_near("detections of an intensity", static_cast<double>(account.key.n[k]),
                 static_cast<double>(plan.account.key.n[k]));
  }
  check_near("block time", link.seconds() / 2, plan.block_seconds);
  check_near("secret key rate", secret / link.seconds(), plan.secret_bits_per_second);
}
