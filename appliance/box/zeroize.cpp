#include "appliance/box/zeroize.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <format>
#include <set>

#include "appliance/box/tpm_settings.hpp"
#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/drivers/vault.hpp"
#include "crypto/tpm.hpp"
#include "crypto/tpm_counter.hpp"

namespace cloister::box {
namespace {

/// Each, and what an interrupted write has left beside it.
std::set<std::string> sealed_files(const config::Configuration& configuration) {
  std::set<std::string> files;
  const auto add = [&files](const std::string& path) {
    if (!path.empty()) files.insert({path, path + ".new"});
  };
  add(configuration.box.identity);
  for (const auto& link : configuration.links) {
    add(link.bootstrap.psk);
    add(reserve_path(configuration, link));
    add(drivers::Vault::key_path(reserve_path(configuration, link)));
  }
  return files;
}

/// Without overwriting them: what they hold is under a key of the TPM, and a flash disk would not overwrite it in place.
void remove_files(const std::set<std::string>& files, std::vector<std::string>& failures) {
  std::set<std::string> directories;
  for (const auto& file : files) {
    if (::unlink(file.c_str()) == 0)
      directories.insert(std::filesystem::absolute(file).parent_path().string());
    else if (errno != ENOENT)
      failures.push_back(std::format("'{}' cannot be removed: {}", file, std::strerror(errno)));
  }
  for (const auto& path : directories) {
    const drivers::FileDescriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.get() < 0 || ::fsync(directory.get()) != 0)
      failures.push_back(std::format("'{}' cannot be synced: {}", path, std::strerror(errno)));
  }
}

void remove_counters(crypto::Tpm& tpm, const config::Configuration& configuration, std::vector<std::string>& failures) {
  for (const auto& link : configuration.links) {
    for (const auto counter : {session::Counter::own, session::Counter::granted}) {
      const auto removed =
          crypto::TpmCounter::remove(tpm, drivers::Vault::counter_index(link.name, link.peer, counter));
      if (!removed) failures.push_back(removed.error().message);
    }
  }
}

}  // namespace

std::string reserve_path(const config::Configuration& configuration, const config::Link& link) {
  return configuration.box.state_directory + "/" + link.name + ".reserve";
}

std::vector<std::string> destroy_sealed(const config::Configuration& configuration) {
  std::vector<std::string> failures;
  auto tpm = crypto::Tpm::open(tpm_settings(configuration.tpm));
  const auto ended = tpm ? tpm->end_generation() : Result<>{std::unexpected{tpm.error()}};
  if (!ended) failures.push_back(ended.error().message);
  remove_files(sealed_files(configuration), failures);
  if (tpm) remove_counters(*tpm, configuration, failures);
  return failures;
}

std::string factory_reset_text(unsigned user) {
  return std::format(
      "user {} returns this box to its factory state: its secrets are destroyed next, then all of '/var' with this log",
      user);
}

std::string zeroized_text(unsigned user, bool by_service) {
  return std::format(
      "user {} has destroyed all secrets of this box{}: make new ones ('cloisterctl psk' or 'enroll'), then {} the "
      "service",
      user, by_service ? "; its tunnels are blocked" : ", while the service did not run",
      by_service ? "restart" : "start");
}

std::string incomplete_text(const std::vector<std::string>& failures) {
  std::string text;
  for (const auto& failure : failures) text += (text.empty() ? "" : "; ") + failure;
  return text;
}

}  // namespace cloister::box
