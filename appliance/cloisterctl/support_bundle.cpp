#include "appliance/cloisterctl/support_bundle.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <string>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/program_output.hpp"
#include "appliance/cloisterctl/support_pieces.hpp"
#include "appliance/cloisterctl/text_file.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct SupportOptions {
  std::string configuration = "/etc/cloister/cloister.yaml";
  std::string output;  // a .tar.gz; empty: one named after the time, in the working directory
  bool json = false;
};

constexpr std::chrono::seconds packing_patience{60};

/// A directory that nobody else can read, and that goes with this object.
class Workplace {
 public:
  static Result<Workplace> make() {
    std::error_code error;
    std::string path = std::filesystem::temp_directory_path(error).string() + "/cloister-support-XXXXXX";
    if (error || ::mkdtemp(path.data()) == nullptr)
      return fail(std::format("no directory for the bundle in '{}': set TMPDIR to one that can be written", path));
    return Workplace{std::move(path)};
  }
  Workplace(Workplace&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  ~Workplace() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit Workplace(std::string path) : path_{std::move(path)} {}
  std::string path_;
};

std::string manifest_of(const std::vector<SupportPiece>& pieces) {
  std::string text = std::format("Cloister support bundle, {:%FT%TZ}\n\nIn it:\n",
                                 std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  for (const auto& piece : pieces)
    if (piece.content) text += std::format("  {}: {}\n", piece.name, piece.what);
  text += "\nLeft out, and why:\n";
  for (const auto& piece : pieces)
    if (!piece.content) text += std::format("  {}: {}\n", piece.name, piece.content.error().message);
  return text +
         "\nNever in it: keys, sealed PSKs, the sealed identity, the sealed reserves and their keys, certificates' "
         "private keys.\n";
}

/// The bundle is for its maker alone, until he gives it away.
Result<> pack(const std::vector<SupportPiece>& pieces, const std::string& output) {
  const auto workplace = Workplace::make();
  if (!workplace) return std::unexpected{workplace.error()};
  const std::string name = "cloister-support";
  const std::string directory = workplace->path() + "/" + name;
  std::error_code error;
  if (!std::filesystem::create_directory(directory, error))
    return fail(std::format("'{}' cannot be made: {}", directory, error.message()));
  if (auto done = write_text(directory + "/manifest.txt", manifest_of(pieces)); !done) return done;
  for (const auto& piece : pieces) {
    if (!piece.content) continue;
    if (auto done = write_text(directory + "/" + piece.name, *piece.content); !done) return done;
  }
  const auto before = ::umask(077);
  const auto packed = output_of({"tar", "--create", "--gzip", "--file", output, "--directory", workplace->path(), name},
                                packing_patience);
  ::umask(before);
  if (!packed) return std::unexpected{packed.error()};
  if (packed->status != 0)
    return fail(std::format("the bundle '{}' cannot be written: {}: name another --output", output,
                            packed->said.substr(0, packed->said.find('\n'))));
  return {};
}

std::string name_by_time() {
  return std::format("cloister-support-{:%Y%m%dT%H%M%SZ}.tar.gz",
                     std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

int support_bundle(const std::string& socket, const SupportOptions& options) {
  const auto output = options.output.empty() ? name_by_time() : options.output;
  const auto pieces = fetch_support_pieces(socket, options.configuration);
  if (auto packed = pack(pieces, output); !packed) return failed(packed.error().message);
  json::array contents;
  json::array left_out;
  for (const auto& piece : pieces) {
    if (piece.content)
      contents.push_back({{"name", piece.name}, {"bytes", piece.content->size()}});
    else
      left_out.push_back({{"name", piece.name}, {"why", piece.content.error().message}});
    if (!options.json && !piece.content)
      std::cerr << std::format("left out: {}: {}\n", piece.name, piece.content.error().message);
  }
  if (options.json)
    std::cout << json::serialize(json::object{{"file", output}, {"contents", contents}, {"left_out", left_out}})
              << '\n';
  else
    std::cout << output << '\n';
  return number(ExitStatus::done);
}

}  // namespace

void offer_support_bundle(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<SupportOptions>();
  auto* support = app.add_subcommand("support-bundle",
                                     "Pack what somebody who helps needs to know into one file: no secret is in it");
  support->add_option("--output", options->output, "The file (default: cloister-support-TIME.tar.gz, here)");
  support->add_option("--config", options->configuration, "Configuration of the service")->capture_default_str();
  support->add_flag("--json", options->json, "For programs: what is in it and what is left out");
  invocation.on(support, [&invocation, options] { return support_bundle(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
