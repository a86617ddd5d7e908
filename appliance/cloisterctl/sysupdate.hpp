#pragma once
/// systemd-sysupdate(8), which checks, fetches and installs a version of the appliance image:
///
///   SOURCE ── SHA256SUMS, signed (OpenPGP) ── a newer version? ── its files ──▶ the other slot of the disk, then the
///   kernel image, which the boot loader tries three times
///
/// What goes where the image says itself, in definitions whose source is left open (/usr/share/cloister/update).

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

inline constexpr const char* update_definitions = "/usr/share/cloister/update";

/// As a definition takes it: of a directory, absolute, or an https URL. An error: it is neither.
[[nodiscard]] Result<std::string> update_source(const std::string& given);
/// What `check-new` found, in what it said; none: nothing is newer. An error: it said neither.
[[nodiscard]] Result<std::optional<std::string>> version_available(std::string_view said);
/// Why it failed, in what it said, for people.
[[nodiscard]] std::string why_no_update(std::string_view said, const std::string& source);
/// How far it is, in per cent, as a notification (sd_notify(3)) says it; none: the notification is of something else.
[[nodiscard]] std::optional<unsigned> update_progress(std::string_view notification);

class ImageUpdate {
 public:
  /// An error: this is no appliance, or the source is none.
  [[nodiscard]] static Result<ImageUpdate> from(const std::string& source,
                                                const std::string& definitions = update_definitions);
  ImageUpdate(ImageUpdate&& other) noexcept;
  ImageUpdate& operator=(ImageUpdate&&) = delete;
  ~ImageUpdate();

  /// Reads the manifest alone. An error: there is none, or its signature is not good.
  [[nodiscard]] Result<std::optional<std::string>> newer() const;
  /// This version and no other. `progress` is called as it goes on, with per cent. An error: what runs is as it was; the
  /// other slot may be empty, as room is made before anything is fetched.
  [[nodiscard]] Result<> install(const std::string& version, const std::function<void(unsigned)>& progress) const;

 private:
  ImageUpdate(std::string source, std::string directory)
      : source_{std::move(source)}, directory_{std::move(directory)} {}
  std::string source_;
  std::string directory_;  // of the definitions; goes with this
};

/// Whether a version is later than another, as numbers between points count.
[[nodiscard]] bool is_later(const std::string& version, const std::string& than);

/// Where it is said that the boot loader counts the starts of what runs, and that it was found good (docs/image.md).
struct Verdict {
  std::string counted = "/sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
  std::string found_good = "/run/cloister-found-good";
};
/// An error: it is not known yet whether what runs is good, and an update would replace what would be fallen back to.
[[nodiscard]] Result<> may_replace_other(const Verdict& verdict = {});

/// Of the image that runs (os-release(5)). An error: this is no image.
[[nodiscard]] Result<std::string> running_version(const std::string& os_release = "/etc/os-release");

}  // namespace cloister::cloisterctl
