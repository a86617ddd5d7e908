#pragma once
/// One end of the chain as a process: its half, a TCP connection to the other half, and what it measured.
///
///   u32 length │ u64 block │ u8 type │ payload        the frame of a message here; a real session adds its MAC

#include <cstdint>
#include <deque>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "tests/bench/recorded_light.hpp"

namespace cloister::bench {

struct Outcome {
  double wall_seconds = 0;
  double core_seconds = 0;
  std::uint64_t sifted_bits = 0;
  std::uint64_t secret_bits = 0;
  std::uint64_t errors = 0;
  std::vector<std::byte> keys;  // of all blocks, one after the other: for the comparison of both ends
  void add(const distill::Amplified& made);
};

class ChainEnd {
 public:
  /// `light` makes it Bob's end when `receives`. Takes the connected socket over.
  ChainEnd(distill::Chain& chain, RecordedLight& light, bool receives, int socket, double one_way_seconds);
  ~ChainEnd();
  ChainEnd(const ChainEnd&) = delete;
  ChainEnd& operator=(const ChainEnd&) = delete;
  /// Until so many blocks are made; the other end has all it needs by then.
  Outcome run(std::size_t blocks);

 private:
  struct Arrived {
    double due = 0;
    distill::Send message;
  };
  bool feed();
  bool drain(Outcome& outcome, std::size_t& blocks);
  bool deliver();
  void read();
  void write();
  void wait() const;

  distill::Chain& chain_;
  RecordedLight& light_;
  bool receives_;
  int socket_;
  double one_way_seconds_;
  std::size_t next_frame_ = 0;
  std::size_t wanted_ = 0;
  bool full_ = false;  // no frame is needed any more
  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
  std::size_t written_ = 0;
  bool gone_ = false;  // the other end has closed the connection
  std::deque<Arrived> arrived_;
};

}  // namespace cloister::bench
