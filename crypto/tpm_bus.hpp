#pragma once
/// The way to a TPM: commands out, answers in, each within a time (a TCTI of the TSS 2.0 TCTI specification).
///
///   device:/dev/tpmrm0             the kernel's resource manager
///   swtpm:path=/run/tpm.socket     swtpm on a Unix socket
///   swtpm:host=127.0.0.1,port=2321 swtpm on a TCP port
///
/// The library's own TCTIs wait for ever; a TPM that hangs, or gives half an answer, would hold the whole service. After
/// a failure the bus is dead: what was left half said must not be taken for the answer to another command.

#include <tss2/tss2_tcti.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "crypto/error.hpp"

namespace cloister::crypto {

class TpmBus {
 public:
  /// `patience`: how long an answer may take, from its command to its last byte.
  [[nodiscard]] static Result<std::unique_ptr<TpmBus>> open(const std::string& name,
                                                            std::chrono::milliseconds patience);
  TpmBus(const TpmBus&) = delete;
  TpmBus& operator=(const TpmBus&) = delete;
  ~TpmBus();

  [[nodiscard]] TSS2_TCTI_CONTEXT* context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&face_); }
  /// What has gone wrong on the bus, for people; empty while it works.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  /// What the library calls; it hands itself back.
  struct Face {
    TSS2_TCTI_CONTEXT_COMMON_V1 common{};
    TpmBus* bus = nullptr;
  };
  static constexpr std::size_t answer_bytes_max = 4096;

  TpmBus(int file, std::chrono::milliseconds patience);
  static TSS2_RC on_transmit(TSS2_TCTI_CONTEXT* context, std::size_t size, const std::uint8_t* command);
  static TSS2_RC on_receive(TSS2_TCTI_CONTEXT* context, std::size_t* size, std::uint8_t* answer, std::int32_t timeout);
  TSS2_RC transmit(std::span<const std::uint8_t> command);
  TSS2_RC receive();
  [[nodiscard]] bool read_some();
  [[nodiscard]] bool complete() const;
  TSS2_RC broken(std::string why);

  Face face_;
  int file_;
  std::chrono::milliseconds patience_;
  std::string fault_;
  std::chrono::steady_clock::time_point deadline_;
  std::array<std::uint8_t, answer_bytes_max> answer_{};
  std::size_t answered_ = 0;
};

}  // namespace cloister::crypto
