#include "config/plain_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <string>

namespace cloister::config {
namespace {

constexpr int depth_max = 32;

class Looker final : public YAML::EventHandler {
 public:
  explicit Looker(Report& report) : report_{report} {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2)
      report_.add(mark, "",
                  "a second YAML document begins here, or what is no YAML: expected one, of keys and values, without "
                  "'---' in between");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { look(mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report_.add(mark, "", "aliases are not taken: write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string&) override {
    look(mark, tag, anchor);
    // A quote that nobody closed takes the lines below into its text.
    const auto line = report_.line(mark.line);
    if (mark.column < 0 || static_cast<std::size_t>(mark.column) >= line.size()) return;
    const auto text = line.substr(static_cast<std::size_t>(mark.column));
    if ((text.front() == '"' || text.front() == '\'') && text.find(text.front(), 1) == std::string_view::npos)
      report_.add(mark, "", "a quote that is not closed on its line");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(mark, tag, anchor);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(mark, tag, anchor);
  }
  void OnMapEnd() override { --depth_; }

  [[nodiscard]] int documents() const { return documents_; }

 private:
  void look(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      report_.add(mark, "", "anchors ('&name') are not taken: write the value out where it is needed");
    if (!tag.empty() && tag != "?" && tag != "!") report_.add(mark, "", "tags ('!name') are not taken: leave it out");
  }
  void enter(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    look(mark, tag, anchor);
    if (++depth_ == depth_max) report_.add(mark, "", "nests deeper than any configuration of Cloister");
  }

  Report& report_;
  int depth_ = 0;
  int documents_ = 0;
};

}  // namespace

void expect_plain_yaml(std::string_view text, Report& report) {
  std::istringstream in{std::string{text}};
  int number = 0;
  for (std::string line; std::getline(in, line); ++number) {
    const auto first = line.find_first_not_of(' ');
    if (first == std::string::npos || line[first] != '\t') continue;
    YAML::Mark mark;
    mark.line = number;
    mark.column = static_cast<int>(first);
    report.add(mark, "", "a tab where spaces belong: YAML is indented by spaces only");
    return;
  }
  in = std::istringstream{std::string{text}};
  YAML::Parser parser{in};
  Looker looker{report};
  while (looker.documents() < 2 && parser.HandleNextDocument(looker)) {
  }
}

}  // namespace cloister::config
