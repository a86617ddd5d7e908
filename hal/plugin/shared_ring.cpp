#include "hal/plugin/shared_ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <new>
#include <utility>

#include "crypto/secret.hpp"

namespace cloister::hal::plugin {

using simulator::FileDescriptor;
using simulator::system_message;

SharedRing::SharedRing(FileDescriptor file, std::unique_ptr<std::byte, Unmap> memory, const Order& order)
    : file_{std::move(file)}, memory_{std::move(memory)}, order_{order} {}

void SharedRing::Unmap::operator()(std::byte* memory) const {
  crypto::wipe(std::span{memory, bytes});
  ::munmap(memory, bytes);
}

Result<SharedRing> SharedRing::make(const Order& order) {
  const auto bytes = ring_bytes(order);
  const auto failed = [] { return fail(std::format("cannot make the device's ring: {}", system_message(errno))); };
  FileDescriptor file{::memfd_create("detections", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (file.get() < 0 || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return failed();
  // Without the seals the other process could shorten the file under our mapping.
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return failed();
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return failed();
  std::unique_ptr<std::byte, Unmap> memory{static_cast<std::byte*>(mapped), Unmap{bytes}};
  if (::madvise(mapped, bytes, MADV_DONTDUMP) != 0) return failed();
  // Raw detections are secret: not swapped, where the service's own secret memory is not either.
  if (::mlock(mapped, bytes) != 0 && crypto::arena_kind() != crypto::ArenaKind::unlocked)
    return fail(std::format("cannot lock the device's ring of {} MiB in memory: {}: raise the service's LimitMEMLOCK",
                            bytes >> 20, system_message(errno)));
  new (mapped) Header{};
  SharedRing ring{std::move(file), std::move(memory), order};
  ring.header().order = order;
  return ring;
}

std::span<const std::byte> SharedRing::body() const {
  return {memory_.get() + header_bytes, memory_.get_deleter().bytes - header_bytes};
}

std::string text_of(const Text& shared) {
  Text own{};
  std::memcpy(own.data(), shared.data(), own.size());
  std::string text{own.data(), ::strnlen(own.data(), own.size())};
  for (auto& character : text)
    if (character < ' ' || character > '~') character = '?';
  return text;
}

}  // namespace cloister::hal::plugin
