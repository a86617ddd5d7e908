#pragma once
/// A file that only grows, line by line, and is put away under another name when it is full.

#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

class LineFile {
 public:
  struct Opened;
  /// Makes it where it is not there, readable by its owner alone. What a power cut has left without a line feed at the
  /// end is cut off.
  [[nodiscard]] static Result<Opened> open(const std::string& path);

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// The line is on the disk when this returns.
  [[nodiscard]] Result<> append(std::string_view line);
  /// The file goes to `old_path`, which is replaced; a new one begins.
  [[nodiscard]] Result<> put_away(const std::string& old_path);

 private:
  LineFile(std::string path, FileDescriptor file, std::uint64_t bytes)
      : path_{std::move(path)}, file_{std::move(file)}, bytes_{bytes} {}
  std::string path_;
  FileDescriptor file_;
  std::uint64_t bytes_;
};

struct LineFile::Opened {
  LineFile file;
  std::string lines;  // what was there, each with its line feed
};

}  // namespace cloister::drivers
