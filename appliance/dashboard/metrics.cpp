#include "appliance/dashboard/metrics.hpp"

#include <algorithm>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <format>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "appliance/dashboard/metrics_table.hpp"

namespace cloister::dashboard {
namespace {

/// Metrics of one name must stand together, so the samples are gathered by name first.
using Families = std::map<std::string_view, std::string>;
using Labels = std::string;  // `link="a",state="up"`

void append_label(Labels& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels += std::format("{}=\"", name);
  for (const char letter : value) {
    if (letter == '\\' || letter == '"') labels += '\\';
    if (letter == '\n')
      labels += "\\n";
    else
      labels += letter;
  }
  labels += '"';
}

Labels joined(const Labels& one, std::string_view other) {
  return one.empty() || other.empty() ? one + std::string{other} : std::format("{},{}", one, other);
}

std::string sample(std::string_view name, const Labels& labels, std::string_view value) {
  return labels.empty() ? std::format("{} {}\n", name, value) : std::format("{}{{{}}} {}\n", name, labels, value);
}

const Metric* metric_of(std::string_view field) {
  const auto* found = std::ranges::find(metrics, field, &Metric::field);
  return found == metrics.end() ? nullptr : found;
}

template <class Struct>
using Members = boost::describe::describe_members<Struct, boost::describe::mod_public>;

class Walk {
 public:
  explicit Walk(Families& families) : families_{families} {}

  template <class Struct>
  void structure(const Struct& value, const std::string& prefix, const Labels& labels) {
    std::map<std::string_view, Labels> info;  // by metric; its labels come from several fields
    boost::mp11::mp_for_each<Members<Struct>>([&](auto member) {
      const std::string field = prefix + member.name;
      const auto& content = value.*member.pointer;
      if constexpr (std::same_as<std::decay_t<decltype(content)>, std::string>) {
        const auto* metric = metric_of(field);
        if (metric == nullptr) return;
        if (metric->kind == Kind::info) {
          append_label(info.try_emplace(metric->name, labels).first->second, metric->label, content);
          return;
        }
        Labels all = labels;
        append_label(all, metric->label, content);
        families_[metric->name] += sample(metric->name, all, "1");
      } else {
        visit(content, field, labels);
      }
    });
    for (const auto& [name, all] : info) families_[name] += sample(name, all, "1");
  }

 private:
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void visit(Number value, const std::string& field, const Labels& labels) {
    const auto* metric = metric_of(field);
    if (metric == nullptr) return;
    const std::string text = std::integral<Number> && metric->scale == 1
                                 ? std::format("{}", +value)
                                 : std::format("{}", static_cast<double>(value) * metric->scale);
    families_[metric->name] += sample(metric->name, joined(labels, metric->label), text);
  }

  template <class Value>
  void visit(const std::optional<Value>& value, const std::string& field, const Labels& labels) {
    if (value) visit(*value, field, labels);
  }

  template <class Element>
  void visit(const std::vector<Element>& list, const std::string& field, const Labels& labels) {
    for (const auto& element : list) structure(element, field + ".", joined(labels, identity(element, field)));
  }

  template <class Struct>
    requires boost::describe::has_describe_members<Struct>::value
  void visit(const Struct& value, const std::string& field, const Labels& labels) {
    structure(value, field + ".", labels);
  }

  template <class Element>
  static Labels identity(const Element& element, const std::string& list) {
    Labels labels;
    for (const auto& identity : identities) {
      if (identity.list != list) continue;
      boost::mp11::mp_for_each<Members<Element>>([&](auto member) {
        const auto& content = element.*member.pointer;
        using Content = std::decay_t<decltype(content)>;
        if (identity.field != member.name) return;
        if constexpr (std::same_as<Content, std::string>)
          append_label(labels, identity.label, content);
        else if constexpr (std::same_as<Content, bool>)
          append_label(labels, identity.label, content ? "true" : "false");
      });
    }
    return labels;
  }

  Families& families_;
};

}  // namespace

std::string render_metrics(const std::expected<control::BoxStatus, control::Failure>& status) {
  std::string out = std::format(
      "# HELP cloister_up Whether the service answers on its control socket.\n# TYPE cloister_up gauge\ncloister_up "
      "{}\n",
      status ? 1 : 0);
  if (!status) return out;
  Families families;
  Walk{families}.structure(*status, "", "");
  for (const auto& metric : metrics) {
    const auto samples = families.extract(metric.name);  // at the first field of that name; later ones find none
    if (samples.empty()) continue;
    out += std::format("# HELP {0} {1}\n# TYPE {0} {2}\n{3}", metric.name, metric.help,
                       metric.kind == Kind::counter ? "counter" : "gauge", samples.mapped());
  }
  return out;
}

}  // namespace cloister::dashboard
