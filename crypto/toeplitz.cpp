#include "crypto/toeplitz.hpp"

#include <algorithm>

#include "crypto/error.hpp"
#include "crypto/gf2x_kernel.hpp"

namespace cloister::crypto {
namespace {

using Words = std::span<const std::uint64_t>;

constexpr std::size_t base_words = 16;

/// Words of scratch that `karatsuba` needs for operands of `words` words, a power of two times base_words at most.
std::size_t scratch_words(std::size_t words) { return 4 * words + 64; }

/// out ⊕= a · b for operands of equal length, halving by Karatsuba: three products of half the length in place of four.
void karatsuba(const std::uint64_t* a, const std::uint64_t* b, std::size_t words, std::uint64_t* out,
               std::uint64_t* scratch) {
  if (words <= base_words || words % 2 != 0) return gf2x_kernel()(a, b, words, out);
  const std::size_t half = words / 2;
  std::uint64_t* product = scratch;          // words long
  std::uint64_t* rest = scratch + 2 * half;  // for the levels below

  std::fill_n(product, words, 0);
  karatsuba(a, b, half, product, rest);
  for (std::size_t i = 0; i < words; ++i) {
    out[i] ^= product[i];
    out[half + i] ^= product[i];
  }
  std::fill_n(product, words, 0);
  karatsuba(a + half, b + half, half, product, rest);
  for (std::size_t i = 0; i < words; ++i) {
    out[half + i] ^= product[i];
    out[words + i] ^= product[i];
  }
  std::uint64_t* sums = rest;  // the sums of the halves live beside the levels below
  for (std::size_t i = 0; i < half; ++i) {
    sums[i] = a[i] ^ a[half + i];
    sums[half + i] = b[i] ^ b[half + i];
  }
  karatsuba(sums, sums + half, half, out + half, rest + 2 * half);
}

/// The length at which pieces of an operand of `words` words are multiplied: few levels of halving, little padding.
std::size_t piece_words(std::size_t words) {
  std::size_t levels = 0;
  while ((words >> levels) > base_words) ++levels;
  const std::size_t unit = std::size_t{1} << levels;
  return (words + unit - 1) / unit * unit;
}

}  // namespace

void multiply_gf2x(Words a, Words b, std::span<std::uint64_t> out) {
  require(out.size() == a.size() + b.size(), "a product is as long as both its factors");
  std::ranges::fill(out, 0);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return;

  // The longer factor in pieces as long as the shorter one, the last piece filled up with zeros.
  const std::size_t piece = piece_words(a.size());
  SecretVector<std::uint64_t> shorter(piece);
  SecretVector<std::uint64_t> part(piece);
  SecretVector<std::uint64_t> product(2 * piece);
  SecretVector<std::uint64_t> scratch(scratch_words(piece));
  std::ranges::copy(a, shorter.begin());
  for (std::size_t at = 0; at < b.size(); at += piece) {
    const std::size_t taken = std::min(piece, b.size() - at);
    std::ranges::fill(part, 0);
    std::copy_n(b.begin() + static_cast<std::ptrdiff_t>(at), taken, part.begin());
    std::ranges::fill(product, 0);
    karatsuba(shorter.data(), part.data(), piece, product.data(), scratch.data());
    const std::size_t end = std::min(product.size(), out.size() - at);
    for (std::size_t i = 0; i < end; ++i) out[at + i] ^= product[i];
  }
}

SecretBits toeplitz_hash(const SecretBits& input, std::span<const std::uint64_t> seed, std::size_t output_bits) {
  const std::size_t n = input.size_bits();
  SecretBits out{output_bits};
  if (n == 0 || output_bits == 0) return out;
  require(seed.size() * 64 >= toeplitz_seed_bits(n, output_bits), "the Toeplitz seed is too short");

  // Bits n-1 … n+m-2 of the whole product. The output is made in runs, so that each run multiplies a window of the seed
  // by the input in pieces of the run's length: the part of the whole product that is not wanted is not computed.
  const std::size_t run_words = (output_bits + 63) / 64;
  const std::size_t input_words = (n + 63) / 64;
  const std::size_t shift = (n - 1) % 64;
  const Words bits = input.expose();
  SecretVector<std::uint64_t> piece(run_words);
  SecretVector<std::uint64_t> window(2 * run_words + 1);
  SecretVector<std::uint64_t> product(3 * run_words + 1);
  SecretVector<std::uint64_t> sum(run_words + 1);
  // Word w of the output (before the shift) is word first + w of the product, with first = (n-1) / 64.
  const std::size_t first = (n - 1) / 64;
  for (std::size_t at = 0; at < input_words; at += run_words) {
    const std::size_t taken = std::min(run_words, input_words - at);
    std::ranges::fill(piece, 0);
    std::copy_n(bits.begin() + static_cast<std::ptrdiff_t>(at), taken, piece.begin());
    // piece · x^(64·at) meets seed words first - at - run_words … first - at + run_words.
    for (std::size_t i = 0; i < window.size(); ++i) {
      const std::size_t position = first + i;
      const bool inside = position >= at + run_words && position - at - run_words < seed.size();
      window[i] = inside ? seed[position - at - run_words] : 0;
    }
    multiply_gf2x(piece, window, product);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] ^= product[run_words + i];
  }
  const auto words = out.fill();
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = shift == 0 ? sum[i] : (sum[i] >> shift) | (sum[i + 1] << (64 - shift));
  if (output_bits % 64 != 0) words.back() &= (std::uint64_t{1} << (output_bits % 64)) - 1;
  return out;
}

}  // namespace cloister::crypto
