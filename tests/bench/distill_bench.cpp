// How fast one core distils, both parties together. Prints a figure a line, as JSON.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <format>
#include <iostream>
#include <random>

#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/cascade.hpp"
#include "appliance/distill/chain.hpp"
#include "crypto/random.hpp"
#include "crypto/toeplitz.hpp"
#include "tests/synthetic_light.hpp"
#include "tests/toeplitz_definition.hpp"

namespace {
using namespace cloister;
using Clock = std::chrono::steady_clock;

constexpr int repetitions = 5;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(const std::string& name, double value, const std::string& unit) {
  std::cout << std::format("{{\"name\": \"{}\", \"value\": {:.6g}, \"unit\": \"{}\"}}\n", name, value, unit)
            << std::flush;
}

crypto::SecretBits random_bits(std::size_t bits, std::mt19937_64& chance) {
  crypto::SecretBits out{bits};
  for (auto& word : out.fill()) word = chance();
  for (std::size_t i = bits; i < 64 * out.expose().size(); ++i) out.fill()[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  return out;
}

void cascade(double qber) {
  constexpr std::size_t bits = 1'000'000;
  std::mt19937_64 chance{42};
  std::vector<double> efficiency;
  std::vector<double> throughput;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const auto alice = random_bits(bits, chance);
    auto bob = alice.slice(0, bits);
    std::size_t errors = 0;
    for (std::size_t i = 0; i < bits; ++i) {
      if (static_cast<double>(chance() >> 11U) * 0x1p-53 >= qber) continue;
      bob.flip(i);
      ++errors;
    }
    std::size_t disclosed = 0;
    const auto start = Clock::now();
    distill::CascadeReference reference{alice.expose(), 7};
    distill::CascadeCorrector corrector{bob, 7, qber};
    for (;;) {
      const auto step = corrector.next_step();
      if (step.done) break;
      require(!step.failed, "Cascade did not end");
      if (step.pass_block_words) {
        const auto parities = reference.begin_pass(*step.pass_block_words);
        disclosed += parities.size();
        require(corrector.on_pass_parities(parities), "parities");
        continue;
      }
      std::vector<bool> answers;
      for (const auto& question : step.questions) answers.push_back(*reference.answer(question));
      disclosed += answers.size();
      require(corrector.on_answers(answers), "answers");
    }
    throughput.push_back(bits / seconds_since(start));
    efficiency.push_back(static_cast<double>(disclosed) /
                         (bits * distill::binary_entropy(static_cast<double>(errors) / bits)));
    require(std::ranges::equal(alice.expose(), bob.expose()), "Cascade left an error");
  }
  print(std::format("cascade/qber={}/efficiency", qber), median(efficiency), "leaked bits per n h(Q)");
  print(std::format("cascade/qber={}/throughput", qber), median(throughput), "bit/s");
}

/// Input bits a second, the drawing of the seed counted; 1,000 bits of the output are checked against the definition.
void amplify(std::size_t bits, int times) {
  constexpr int positions = 1000;
  std::mt19937_64 chance{43};
  crypto::SystemRandom random;
  const auto input = random_bits(bits, chance);
  const std::size_t length = bits * 2 / 5;
  std::vector<std::uint64_t> seed((crypto::toeplitz_seed_bits(bits, length) + 63) / 64);
  std::vector<double> throughput;
  for (int repetition = 0; repetition < times; ++repetition) {
    const auto start = Clock::now();
    random.fill(std::as_writable_bytes(std::span{seed}));
    const auto key = crypto::toeplitz_hash(input, seed, length);
    throughput.push_back(static_cast<double>(bits) / seconds_since(start));
    if (repetition > 0) continue;
    for (int check = 0; check < positions; ++check) {
      const std::size_t i = chance() % length;
      require(key.get(i) == test::toeplitz_bit(input, seed, i), "an output bit is not the definition's");
    }
  }
  print(std::format("amplify/bits={}/throughput", bits), median(throughput), "bit/s");
}

/// The whole chain, both halves in turn on this core; messages go through their encoding, but over no network.
void chain(double qber) {
  constexpr double z_probability = 0.7;
  distill::Parameters parameters;
  parameters.intensities = {0.5, 0.15};
  parameters.probabilities = {0.6, 0.4};
  test::SyntheticSource source{parameters, z_probability, 44};
  crypto::SystemRandom random;
  const auto alice = distill::make_alice_chain(parameters, source, random);
  const auto bob = distill::make_bob_chain(parameters, random);
  alice->start({1});
  bob->start({1});
  std::mt19937_64 chance{45};
  hal::Slot slot = 0;
  std::uint64_t secret = 0;
  int blocks = 0;
  double busy = 0;
  while (blocks < 3) {
    auto frame = test::detect(source, slot, 100'000, z_probability, qber, chance);
    const auto start = Clock::now();
    if (bob->wants_frame()) bob->on_frame(std::move(frame));
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& [from, to] : {std::pair{bob.get(), alice.get()}, std::pair{alice.get(), bob.get()}}) {
        while (auto action = from->next_action()) {
          moved = true;
          if (const auto* send = std::get_if<distill::Send>(&*action))
            require(to->on_message(send->block, send->type, send->payload).has_value(), "message");
          else if (const auto* made = std::get_if<distill::Amplified>(&*action); made != nullptr && from == bob.get()) {
            secret += made->key.size_bits();
            ++blocks;
          }
        }
      }
    }
    busy += seconds_since(start);
  }
  print(std::format("chain/qber={}/secret", qber), static_cast<double>(secret) / busy, "bit/s");
}

}  // namespace

int main() {
  for (const double qber : {0.005, 0.01, 0.02, 0.03, 0.05}) cascade(qber);
  amplify(1'000'000, 21);
  amplify(10'000'000, 5);
  amplify(100'000'000, 3);
  chain(0.005);
}
