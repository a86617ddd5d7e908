#include "crypto/tpm_bus.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <optional>
#include <string_view>

namespace cloister::crypto {
namespace {

/// "CloistTB".
constexpr std::uint64_t magic = 0x436C6F6973745442ULL;
constexpr std::size_t header_bytes = 10;  // TPM 2.0 part 1, 18.2: tag, size, code
constexpr std::size_t size_at = 2;

std::optional<std::string> after(std::string_view text, std::string_view begin) {
  if (!text.starts_with(begin)) return std::nullopt;
  return std::string{text.substr(begin.size())};
}

int unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  path.copy(address.sun_path, path.size());
  const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file >= 0 && ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return file;
  const int why = errno;
  if (file >= 0) ::close(file);
  errno = why;
  return -1;
}

int tcp_socket(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    errno = EINVAL;
    return -1;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
  const int file = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file >= 0 && ::connect(file, found->ai_addr, found->ai_addrlen) == 0) return file;
  const int why = errno;
  if (file >= 0) ::close(file);
  errno = why;
  return -1;
}

/// The open way; below 0, with errno, where there is none. Nothing where the name has none of the forms.
std::optional<int> connect_to(std::string_view name) {
  if (const auto device = after(name, "device:")) return ::open(device->c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (const auto path = after(name, "swtpm:path=")) return unix_socket(*path);
  const auto address = after(name, "swtpm:host=");
  const auto comma = address ? address->find(",port=") : std::string::npos;
  if (comma == std::string::npos) return std::nullopt;
  return tcp_socket(address->substr(0, comma), address->substr(comma + std::string_view{",port="}.size()));
}

TSS2_RC not_offered() { return TSS2_TCTI_RC_NOT_IMPLEMENTED; }

}  // namespace

TpmBus::TpmBus(int file, std::chrono::milliseconds patience) : file_{file}, patience_{patience} {
  face_.bus = this;
  face_.common.magic = magic;
  face_.common.version = 1;
  face_.common.transmit = &TpmBus::on_transmit;
  face_.common.receive = &TpmBus::on_receive;
  face_.common.finalize = [](TSS2_TCTI_CONTEXT*) {};
  face_.common.cancel = [](TSS2_TCTI_CONTEXT*) { return not_offered(); };
  face_.common.getPollHandles = [](TSS2_TCTI_CONTEXT*, TSS2_TCTI_POLL_HANDLE*, std::size_t*) { return not_offered(); };
  face_.common.setLocality = [](TSS2_TCTI_CONTEXT*, std::uint8_t) { return not_offered(); };
}

TpmBus::~TpmBus() { ::close(file_); }

Result<std::unique_ptr<TpmBus>> TpmBus::open(const std::string& name, std::chrono::milliseconds patience) {
  const auto file = connect_to(name);
  if (!file) return fail("expected 'device:/dev/tpmrm0', 'swtpm:path=SOCKET' or 'swtpm:host=ADDRESS,port=NUMBER'");
  if (*file < 0) return fail(std::strerror(errno));
  return std::unique_ptr<TpmBus>{new TpmBus{*file, patience}};
}

TSS2_RC TpmBus::on_transmit(TSS2_TCTI_CONTEXT* context, std::size_t size, const std::uint8_t* command) {
  return reinterpret_cast<Face*>(context)->bus->transmit({command, size});
}

TSS2_RC TpmBus::on_receive(TSS2_TCTI_CONTEXT* context, std::size_t* size, std::uint8_t* answer, std::int32_t) {
  auto& bus = *reinterpret_cast<Face*>(context)->bus;
  if (const TSS2_RC code = bus.receive(); code != TSS2_RC_SUCCESS) return code;
  const std::size_t room = *size;
  *size = bus.answered_;
  if (answer == nullptr) return TSS2_RC_SUCCESS;
  if (room < bus.answered_) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
  std::copy_n(bus.answer_.begin(), bus.answered_, answer);
  bus.answered_ = 0;
  return TSS2_RC_SUCCESS;
}

TSS2_RC TpmBus::broken(std::string why) {
  fault_ = std::move(why);
  return TSS2_TCTI_RC_IO_ERROR;
}

TSS2_RC TpmBus::transmit(std::span<const std::uint8_t> command) {
  if (!fault_.empty()) return TSS2_TCTI_RC_IO_ERROR;
  answered_ = 0;
  deadline_ = std::chrono::steady_clock::now() + patience_;
  // One write: a device takes a whole command or nothing; a socket's buffer is larger than any.
  auto written = ::send(file_, command.data(), command.size(), MSG_NOSIGNAL);
  if (written < 0 && errno == ENOTSOCK) written = ::write(file_, command.data(), command.size());
  if (written == static_cast<ssize_t>(command.size())) return TSS2_RC_SUCCESS;
  return broken(written < 0 ? std::format("it takes no command ({})", std::strerror(errno))
                            : std::string{"it takes half a command"});
}

bool TpmBus::complete() const {
  if (answered_ < header_bytes) return false;
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = (size << 8U) | answer_[size_at + i];
  return answered_ >= size;
}

/// A piece of the answer; false where no more comes in time.
bool TpmBus::read_some() {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
  pollfd waiting{file_, POLLIN, 0};
  const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<milliseconds::rep>(left, 0)));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) {
    broken(std::format("it gives {} within {} s: power the box off and on; where that does not help, replace the TPM",
                       answered_ == 0 ? "no answer" : "half an answer only",
                       std::chrono::duration<double>(patience_).count()));
    return false;
  }
  const auto got = ::read(file_, answer_.data() + answered_, answer_.size() - answered_);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got > 0) {
    answered_ += static_cast<std::size_t>(got);
    return true;
  }
  broken(got < 0 ? std::format("it cannot be read ({})", std::strerror(errno))
                 : std::format("it has gone away {}: is it there (ls /dev/tpmrm0), does swtpm run",
                               answered_ == 0 ? "before it answered" : "in the middle of an answer"));
  return false;
}

TSS2_RC TpmBus::receive() {
  if (!fault_.empty()) return TSS2_TCTI_RC_IO_ERROR;
  while (!complete()) {
    if (answered_ == answer_.size()) return broken("its answer is longer than any there is");
    if (!read_some()) return TSS2_TCTI_RC_IO_ERROR;
  }
  return TSS2_RC_SUCCESS;
}

}  // namespace cloister::crypto
