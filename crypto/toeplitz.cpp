#include "crypto/toeplitz.hpp"

#include <algorithm>
#include <vector>

#include "crypto/additive_transform.hpp"
#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

using Words = std::span<const std::uint64_t>;

constexpr std::size_t chunk_bits = 32;
/// Points whose products are summed at a time over all blocks, so that they stay in the cache.
constexpr std::size_t tile_points = 256;

std::uint64_t chunk_at(Words words, std::size_t index) {
  const std::size_t word = index / 2;
  return word < words.size() ? (words[word] >> (chunk_bits * (index % 2))) & 0xFFFFFFFFU : 0;
}

/// How a product is cut: blocks of the input and of the output have `block` chunks, and a transform holds a window of
/// the seed for a pair of them. Of a product of the two, the terms from `clean` on are free of what wraps round.
struct Cut {
  unsigned log_points;
  std::size_t block;
  std::size_t clean;
  std::size_t inputs;
  std::size_t outputs;
};

Cut cut_for(unsigned log_points, std::size_t wrap_terms, std::size_t input_chunks, std::size_t output_chunks) {
  // What wraps round reaches term block + wrap_terms - 2; an output block and one chunk before it lie behind that.
  const std::size_t block = ((std::size_t{1} << log_points) - wrap_terms) / 2;
  return {log_points, block, block + wrap_terms - 1, (input_chunks + block - 1) / block,
          (output_chunks + block - 1) / block};
}

/// The transform's size that costs least: a level of a transform costs about three sums of products.
Cut cheapest_cut(std::size_t input_chunks, std::size_t output_chunks) {
  std::vector<Cut> cuts;
  for (const auto& [log_points, wrap_terms] : {std::pair{8U, 1UZ}, {12U, 256UZ}, {16U, 1UZ}})
    cuts.push_back(cut_for(log_points, wrap_terms, input_chunks, output_chunks));
  return *std::ranges::min_element(cuts, {}, [](const Cut& cut) {
    const auto points = static_cast<double>(std::size_t{1} << cut.log_points);
    const auto transforms = static_cast<double>(2 * (cut.inputs + cut.outputs) - 1);
    return points * (transforms * cut.log_points + static_cast<double>(cut.inputs * cut.outputs) / 3);
  });
}

using Spectrum = SecretVector<std::uint64_t>;

/// Spectra, tile by tile: what is summed together lies together. Side by side, each at its own multiple of half a
/// mebibyte, their tiles would drive each other out of the cache.
template <class Memory>
class Tiles {
 public:
  Tiles(std::size_t spectra, std::size_t points)
      : spectra_{spectra}, tile_{std::min(points, tile_points)}, memory_(spectra * points) {}
  void store(std::size_t index, std::span<const std::uint64_t> spectrum) {
    for (std::size_t at = 0; at < spectrum.size(); at += tile_)
      std::ranges::copy(spectrum.subspan(at, tile_), memory_.data() + offset(index, at));
  }
  /// From point `at`, a multiple of the tile, on.
  [[nodiscard]] const std::uint64_t* tile(std::size_t index, std::size_t at) const {
    return memory_.data() + offset(index, at);
  }
  [[nodiscard]] std::size_t tile_size() const { return tile_; }

 private:
  [[nodiscard]] std::size_t offset(std::size_t index, std::size_t at) const { return spectra_ * at + index * tile_; }

  std::size_t spectra_;
  std::size_t tile_;
  Memory memory_;
};

Tiles<Spectrum> spectra_of_input(const Cut& cut, const AdditiveTransform& transform, Words bits) {
  Tiles<Spectrum> tiles{cut.inputs, transform.points()};
  Spectrum spectrum(transform.points());
  for (std::size_t q = 0; q < cut.inputs; ++q) {
    std::ranges::fill(spectrum, 0);
    for (std::size_t i = 0; i < cut.block; ++i) spectrum[i] = chunk_at(bits, q * cut.block + i);
    transform.forward(spectrum);
    tiles.store(q, spectrum);
  }
  return tiles;
}

/// Output block b of input block q needs the seed around b - q blocks from `first_chunk`, the first one of the product
/// that holds output bits: as many windows as there are differences. Element t of a window and chunk j of an input block
/// meet in term t + j of their product.
Tiles<std::vector<std::uint64_t>> spectra_of_seed(const Cut& cut, const AdditiveTransform& transform, Words seed,
                                                  std::size_t first_chunk) {
  const std::size_t count = cut.inputs + cut.outputs - 1;
  Tiles<std::vector<std::uint64_t>> tiles{count, transform.points()};
  std::vector<std::uint64_t> window(transform.points());
  // A window's first chunk is first_chunk - 1 + (d - inputs + 1) · block - clean, which may be below 0.
  const std::size_t origin = 1 + (cut.inputs - 1) * cut.block + cut.clean;
  for (std::size_t d = 0; d < count; ++d) {
    for (std::size_t t = 0; t < window.size(); ++t) {
      const std::size_t position = first_chunk + d * cut.block + t;
      window[t] = position >= origin ? chunk_at(seed, position - origin) : 0;
    }
    transform.forward(window);
    tiles.store(d, window);
  }
  return tiles;
}

}  // namespace

SecretBits toeplitz_hash(const SecretBits& input, std::span<const std::uint64_t> seed, std::size_t output_bits,
                         const Gf64Kernel& kernel) {
  const std::size_t n = input.size_bits();
  SecretBits out{output_bits};
  if (n == 0 || output_bits == 0) return out;
  require(seed.size() * 64 >= toeplitz_seed_bits(n, output_bits), "the Toeplitz seed is too short");

  const std::size_t first_chunk = (n - 1) / chunk_bits;
  const std::size_t shift = (n - 1) % chunk_bits;
  const std::size_t output_chunks = (shift + output_bits + chunk_bits - 1) / chunk_bits;
  const Cut cut = cheapest_cut((n + chunk_bits - 1) / chunk_bits, output_chunks);
  const AdditiveTransform transform{cut.log_points, kernel};
  const auto inputs = spectra_of_input(cut, transform, input.expose());
  const auto windows = spectra_of_seed(cut, transform, seed, first_chunk);

  std::vector<Spectrum> outputs;
  for (std::size_t b = 0; b < cut.outputs; ++b) outputs.emplace_back(transform.points());
  std::vector<const std::uint64_t*> left(cut.inputs);
  std::vector<const std::uint64_t*> right(cut.inputs);
  for (std::size_t at = 0; at < transform.points(); at += inputs.tile_size()) {
    for (std::size_t q = 0; q < cut.inputs; ++q) left[q] = inputs.tile(q, at);
    for (std::size_t b = 0; b < cut.outputs; ++b) {
      for (std::size_t q = 0; q < cut.inputs; ++q) right[q] = windows.tile(b + cut.inputs - 1 - q, at);
      kernel.dot(outputs[b].data() + at, left.data(), right.data(), cut.inputs, inputs.tile_size());
    }
  }

  // A coefficient has 63 bits: its upper half lies over the chunk above.
  SecretVector<std::uint64_t> chunks((output_chunks + 1) / 2 + 1);
  for (std::size_t b = 0; b < cut.outputs; ++b) {
    transform.inverse(outputs[b]);
    const std::size_t end = std::min(cut.block, output_chunks - b * cut.block);
    for (std::size_t i = 0; i < end; ++i) {
      const std::uint64_t chunk =
          (outputs[b][cut.clean + 1 + i] & 0xFFFFFFFFU) ^ (outputs[b][cut.clean + i] >> chunk_bits);
      const std::size_t index = b * cut.block + i;
      chunks[index / 2] |= chunk << (chunk_bits * (index % 2));
    }
  }
  const auto words = out.fill();
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = shift == 0 ? chunks[i] : (chunks[i] >> shift) | (chunks[i + 1] << (64 - shift));
  if (output_bits % 64 != 0) words.back() &= (std::uint64_t{1} << (output_bits % 64)) - 1;
  return out;
}

}  // namespace cloister::crypto
