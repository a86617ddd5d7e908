#pragma once
/// The list of all events: what each code means and what an operator does about it. `cloisterctl events explain` and
/// docs/reference/events.md are made of it.

#include <span>
#include <string>
#include <string_view>

namespace cloister::control {

struct EventKind {
  std::string_view code;  // stable, "FIRST_KEY"
  bool alarm;
  std::string_view meaning;
  std::string_view remedy;  // empty: nothing is to be done
};

/// Sorted by code.
[[nodiscard]] std::span<const EventKind> event_kinds();
/// Upper and lower case are alike; null: there is none of that name.
[[nodiscard]] const EventKind* find_event_kind(std::string_view code);

/// All of them as the page docs/reference/events.md.
[[nodiscard]] std::string event_reference();

}  // namespace cloister::control
