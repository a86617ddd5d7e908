// A manual says what a command line takes: all of it, and nothing that its formatters would take for instructions.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "manual/command_line.hpp"
#include "manual/manual.hpp"
#include "manual/roff.hpp"

namespace cloister::manual {
namespace {

using Catch::Matchers::ContainsSubstring;

/// A program with one of each.
struct Example {
  CLI::App app{"Waters plants.", "gardener"};
  Program program{.section = 1,
                  .description = {"It has a can."},
                  .exit_status = {{"0", "wet"}, {"2", "the command line is wrong"}},
                  .see_also = {"hose(1)"}};
  double litres = 1.5;
  std::string season = "spring";
  std::string file;
  std::vector<std::string> plants;

  Example() {
    app.require_subcommand(1);
    app.add_option("--can", file, "Which can");
    auto* water = app.add_subcommand("water", "Water some plants");
    water->add_subcommand("slowly", "Drop by drop");
    water->add_option("-l,--litres", litres, "How much")->check(CLI::Range(0.5, 10.0))->capture_default_str();
    water->add_option("--season", season, "When")->check(CLI::IsMember({"spring", "summer"}))->capture_default_str();
    water->add_option("--log", file, "Where it is noted")->required();
    water->add_option("plants", plants, "Which ones")->required();
    offer(app, program);
  }
};

TEST_CASE("Each command and option is in the manual, with its limits and its default", "[manual]") {
  const Example example;
  const auto page = markdown(example.app, example.program);
  CHECK_THAT(page,
             ContainsSubstring("## gardener\n\nWaters plants.\n\nIt has a can.\n\n    gardener [OPTIONS] COMMAND ..."));
  CHECK_THAT(page, ContainsSubstring("### gardener water\n\nWater some plants.\n\n"
                                     "    gardener water [OPTIONS] --log TEXT plants... [COMMAND ...]\n"));
  CHECK_THAT(page, ContainsSubstring("- `-l`, `--litres FLOAT`: How much. In [0.5 - 10]. Default: 1.5.\n"));
  CHECK_THAT(page, ContainsSubstring("- `--season TEXT`: When. One of spring, summer. Default: spring.\n"));
  CHECK_THAT(page, ContainsSubstring("Exit status: 0 wet; 2 the command line is wrong.\n"));
}

TEST_CASE("The option that prints the manual is in no manual", "[manual]") {
  const Example example;
  CHECK_THAT(markdown(example.app, example.program), !ContainsSubstring("--manual"));
  CHECK_THAT(example.app.help(), !ContainsSubstring("--manual"));
}

TEST_CASE("The manual is printed without the command that the program asks for", "[manual]") {
  Example example;
  try {
    example.app.parse("--manual markdown");
    FAIL("it was not printed");
  } catch (const CLI::CallForVersion& page) {
    CHECK(std::string{page.what()} + "\n" == markdown(example.app, example.program));
  }
}

TEST_CASE("A manual page has the sections of man-pages(7), and every hyphen as typed", "[manual]") {
  const Example example;
  const auto page = man_page(example.app, example.program);
  CHECK(page.starts_with(".TH GARDENER 1 "));
  CHECK_THAT(page, ContainsSubstring(".SH NAME\ngardener \\- waters plants\n"));
  CHECK_THAT(page, ContainsSubstring("\\fB\\-l\\fR, \\fB\\-\\-litres\\fR \\fIFLOAT\\fR\n"));
  CHECK_THAT(page, ContainsSubstring(".SH EXIT STATUS\n"));
  CHECK(page.ends_with(".SH SEE ALSO\nhose(1)\n"));
}

TEST_CASE("No text of a manual page is an instruction", "[manual]") {
  CHECK(roff(".so /etc/passwd") == "\\&.so /etc/passwd");
  CHECK(roff("'tis a \\fBtrap") == "\\(aqtis a \\efBtrap");
}

}  // namespace
}  // namespace cloister::manual
