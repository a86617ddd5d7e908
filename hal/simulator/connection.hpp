#pragma once
/// One end of a fibre socket, or of a character device instead: bytes in, messages out, and a bounded queue of bytes to send. Never blocks.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"
#include "hal/simulator/local_socket.hpp"
#include "hal/simulator/protocol.hpp"

namespace cloister::hal::simulator {

class Connection {
 public:
  /// A message longer than `message_bytes_max` is refused before it is buffered.
  Connection(FileDescriptor socket, std::size_t message_bytes_max);

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// Takes what has arrived, as far as the buffer goes; views into earlier messages end here.
  void read();
  /// The other side has gone and nothing new came with the last `read`.
  [[nodiscard]] bool closed() const { return closed_; }
  /// The next whole message, or nothing yet; an error when the bytes are none, and then for ever.
  [[nodiscard]] Result<std::optional<Message>> next();
  /// Drops what has arrived up to these bytes, whose message is then the next; false when they have not come.
  [[nodiscard]] bool drop_until(std::span<const std::byte> bytes);

  /// Sends at once what the socket takes and keeps the rest for `flush`.
  void send(std::span<const std::byte> bytes);
  void flush();
  /// Forgets what is not sent yet, wherever in a message that begins.
  void drop_pending();
  [[nodiscard]] std::size_t pending_bytes() const { return outgoing_.size() - sent_; }

 private:
  [[nodiscard]] std::ptrdiff_t read_some(std::span<std::byte> out) const;
  [[nodiscard]] std::ptrdiff_t write_some(std::span<const std::byte> bytes) const;

  FileDescriptor socket_;
  std::size_t message_bytes_max_;
  crypto::SecretVector<std::byte> incoming_;  // [begin_, end_) is not parsed yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  crypto::SecretVector<std::byte> outgoing_;  // [sent_, size) is not sent yet
  std::size_t sent_ = 0;
  bool closed_ = false;
};

}  // namespace cloister::hal::simulator
