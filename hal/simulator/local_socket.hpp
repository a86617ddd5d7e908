#pragma once
/// Unix stream sockets and character devices by path, non-blocking and closed on exec: the wire of the simulated fibre.

#include <memory>
#include <string>
#include <utility>

#include "crypto/error.hpp"

namespace cloister::hal::simulator {

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor = -1) : descriptor_{descriptor} {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// "No such file or directory" and the like, for an errno value.
[[nodiscard]] std::string system_message(int error);

[[nodiscard]] Result<FileDescriptor> connect_local(const std::string& path);
/// What is at `path`: connected where it is a socket, opened where it is a character device.
[[nodiscard]] Result<FileDescriptor> open_node(const std::string& path);
[[nodiscard]] bool is_character_device(const FileDescriptor& file);

/// A listening socket that removes its path when it goes. A path that a living process listens on is refused; one that
/// a dead process has left behind is taken over.
class LocalListener {
 public:
  [[nodiscard]] static Result<LocalListener> open(const std::string& path);
  LocalListener(LocalListener&&) noexcept = default;
  LocalListener& operator=(LocalListener&&) noexcept = default;
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  ~LocalListener();
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// The next waiting connection, or an empty descriptor when there is none.
  [[nodiscard]] FileDescriptor accept() const;

 private:
  LocalListener(FileDescriptor socket, std::string path);
  FileDescriptor socket_;
  std::unique_ptr<const std::string> path_;  // empty once moved from
};

}  // namespace cloister::hal::simulator
