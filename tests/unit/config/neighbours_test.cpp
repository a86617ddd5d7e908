// conf.d: files that add to the first; what stands in two of them, or is no file of it, is named with its place.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/neighbours.hpp"
#include "config/parse.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

const std::string box = "box: {name: geneva}\n";

std::string link_of(const std::string& name) {
  return "links:\n  - {name: " + name +
         ", peer: paris, local_address: \"203.0.113.1:7400\", peer_address: "
         "\"203.0.113.2:7400\", bootstrap: {psk: /p}, device: {driver: simulator, role: bob}}\n";
}

std::string errors_of(const std::vector<TextFile>& files) {
  const auto parsed = parse(files);
  std::string all;
  if (!parsed)
    for (const auto& diagnostic : parsed.error()) all += to_string(diagnostic) + '\n';
  return all;
}

struct Directory {
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloister-conf-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    std::filesystem::create_directory(path / "conf.d");
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  Directory(Directory&&) = delete;
  Directory& operator=(Directory&&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream{path / name} << text; }
  [[nodiscard]] std::string file() const { return (path / "cloister.yaml").string(); }

  std::filesystem::path path;
};

TEST_CASE("Lists go on from file to file, and a section may stand in any of them", "[config]") {
  const auto parsed =
      parse({{"a", box + link_of("one")}, {"b", "# nothing\n"}, {"c", link_of("two") + "tpm: {tcti: x}\n"}});
  REQUIRE(parsed);
  REQUIRE(parsed->links.size() == 2);
  CHECK(parsed->links[0].name == "one");
  CHECK(parsed->links[1].name == "two");
  CHECK(parsed->tpm.tcti == "x");
  CHECK(parse({{"a", ""}, {"b", box}, {"c", link_of("one")}}));
}

TEST_CASE("Each error of several files names its file, line, column and text", "[config]") {
  struct Case {
    std::vector<TextFile> files;
    std::string says;
  };
  const std::string good = box + link_of("one");
  const std::vector<Case> cases{
      {{{"a", good}, {"b", "\n\nbox: {name: rome}\n"}},
       "b:3:1: box: stands in a:1 already: take one out\n  box: {name: rome}"},
      {{{"a", good}, {"b", "links: 5\n"}}, "b:1:1: links: stands in a:2 already: expected a list here too"},
      {{{"a", box + "links: 5\n"}, {"b", link_of("one")}}, "b:1:1: links: stands in a:2 already: take one out"},
      {{{"a", good}, {"b", "\n" + link_of("one")}}, "b:3:12: links[1].name: a link named 'one' stands in a:3 already"},
      {{{"a", good}, {"b", "\ntpm: {tctl: x}\n"}},
       "b:2:7: tpm: unknown key 'tctl': did you mean 'tcti'?\n  tpm: {tctl: x}"},
      {{{"a", good}, {"b", "tmp: {}\n"}}, "b:1:1: unknown key 'tmp': did you mean 'tpm'?"},
      {{{"a", good}, {"b", "x"}}, "b:1:1: expected keys and values"},
      {{{"a", good}, {"b", ""}, {"c", "tpm: {\n"}}, "c:2:1: this is not YAML"},
      {{{"a", good + "---\nx: 1\n"}, {"b", "y: 1\n---\nz: 1\n"}}, "b:2:1: a second YAML document begins here"},
      {{{"a", good}, {"b", "\ttpm: {}\n"}}, "b:1:1: a tab where spaces belong"},
      {{{"a", "# no box\n"}, {"b", link_of("one")}}, "b:1:1: box: is missing"},
      {{{"a", ""}, {"b", ""}}, "a: is empty"},
      {{{"a", good}, {"b", std::string(1U << 20U, '#')}}, "b: is more than 1 MiB with the files before it"},
  };
  for (const auto& [files, says] : cases) CHECK_THAT(errors_of(files), ContainsSubstring(says));
  const auto all = errors_of({{"a", good + "tpm: {x: 1}\n"}, {"b", "y: 1\n"}});
  CHECK(all.find("a:4:7") < all.find("b:1:1"));
}

TEST_CASE("No more files are taken than the limit says", "[config]") {
  std::vector<TextFile> files(64, {"more", "#\n"});
  files.front() = {"a", box + link_of("one")};
  CHECK(errors_of(files).empty());
  files.push_back({"last", "#\n"});
  CHECK_THAT(errors_of(files), ContainsSubstring("last: is one file more than the 64 that are taken"));
}

TEST_CASE("conf.d beside a file is read in the order of its names' bytes; what is not read is told", "[config]") {
  const Directory directory;
  directory.write("cloister.yaml", box);
  directory.write("conf.d/b.yaml", link_of("third"));
  directory.write("conf.d/B.yaml", link_of("second"));
  directory.write("conf.d/10.yaml", link_of("first"));
  for (const auto* name : {"b.yml", "b.yaml~", ".b.yaml.swp", ".b.yaml"})
    directory.write(std::string{"conf.d/"} + name, "x");
  std::filesystem::create_directory(directory.path / "conf.d/d.yaml");
  const auto loaded = load(directory.file());
  REQUIRE(loaded);
  REQUIRE(loaded->links.size() == 3);
  CHECK(loaded->links[0].name == "first");
  CHECK(loaded->links[1].name == "second");
  CHECK(loaded->links[2].name == "third");
  const auto neighbours = neighbours_of(directory.file());
  REQUIRE(neighbours);
  std::string told;
  for (const auto& [file, reason] : neighbours->ignored)
    told += std::filesystem::path{file}.filename().string() + ": " + reason + "\n";
  CHECK(told ==
        ".b.yaml: its name begins with '.'\nb.yaml~: its name does not end in '.yaml'\n"
        "b.yml: its name does not end in '.yaml'\nd.yaml: it is not a file\n");
}

TEST_CASE("'tpm' alone is read before there is a box, and what is wrong in it is told", "[config]") {
  const Directory directory;
  directory.write("cloister.yaml", "tpm: {pcrs: [11], policy_key: /p, unchanged_pcrs: [9, 7]}\nlinks: not yet\n");
  const auto tpm = load_tpm(directory.file());
  REQUIRE(tpm);
  CHECK(tpm->pcrs == std::vector{11U});
  CHECK(tpm->unchanged_pcrs == std::vector{7U, 9U});
  CHECK_FALSE(load(directory.file()));
  directory.write("cloister.yaml", "tpm: {pcrs: [24], policy_key: /p}\n");
  CHECK_FALSE(load_tpm(directory.file()));
  CHECK_FALSE(load_tpm(directory.file() + "-not-there"));
  directory.write("cloister.yaml", "tmp: {pcrs: [11], policy_key: /p}\n");
  CHECK_FALSE(load_tpm(directory.file()));
  directory.write("cloister.yaml", box + link_of("one"));
  CHECK(load_tpm(directory.file()) == Tpm{});
}

TEST_CASE("A file of conf.d that cannot be read is an error, not less configuration", "[config]") {
  const Directory directory;
  directory.write("cloister.yaml", box + link_of("one"));
  std::filesystem::create_symlink("/nonexistent", directory.path / "conf.d/10.yaml");
  const auto loaded = load(directory.file());
  REQUIRE_FALSE(loaded);
  CHECK_THAT(to_string(loaded.error().front()), ContainsSubstring("conf.d/10.yaml: cannot be read"));

  std::filesystem::remove_all(directory.path / "conf.d");
  directory.write("conf.d", "");
  const auto other = load(directory.file());
  REQUIRE_FALSE(other);
  CHECK_THAT(to_string(other.error().front()), ContainsSubstring("conf.d: cannot be looked into"));
}

}  // namespace
}  // namespace cloister::config
