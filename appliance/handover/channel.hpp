#pragma once
/// One connection between cloisterd and cloister-netd: whole messages, with descriptors (SCM_RIGHTS), over a local
/// SOCK_SEQPACKET socket. Nothing waits longer than `patience`.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::handover {

using drivers::FileDescriptor;

struct Message {
  std::vector<std::byte> bytes;  // empty: the other end has closed
  std::vector<FileDescriptor> descriptors;
};

class Channel {
 public:
  [[nodiscard]] static Result<Channel> connect(const std::string& path, std::chrono::seconds patience);
  /// Of a connection that was accepted.
  [[nodiscard]] static Channel accepted(FileDescriptor socket, std::chrono::seconds patience);

  [[nodiscard]] Result<> send(std::span<const std::byte> bytes, std::span<const FileDescriptor> descriptors = {}) const;
  [[nodiscard]] Result<Message> receive() const;
  /// Who is at the other end, as the kernel knows it.
  [[nodiscard]] std::optional<uid_t> peer_user() const;
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  explicit Channel(FileDescriptor socket) : socket_{std::move(socket)} {}
  FileDescriptor socket_;
};

}  // namespace cloister::handover
