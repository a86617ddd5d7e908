#pragma once
/// `cloisterctl events` and `cloisterctl audit`: what happened, what it means, and whether the record of it is whole.
/// Each returns the program's exit status.

#include <string>
#include <vector>

namespace cloister::cloisterctl {

struct EventOptions {
  bool json = false;    // one object a line
  bool alarms = false;  // only these
  bool follow = false;  // then what comes, until Ctrl-C
};
int events_list(const std::string& socket, const EventOptions& options);

struct ExplainOptions {
  std::string code;  // empty: all, a line each
  bool json = false;
  bool markdown = false;
};
int events_explain(const ExplainOptions& options);

struct AuditOptions {
  std::vector<std::string> files;  // the parts in order; empty: those of the state directory
  std::string directory = "/var/lib/cloister";
  std::string head;  // a head that the journal has, and the log must lead through
  bool json = false;
};
int audit_show(const AuditOptions& options);
int audit_verify(const AuditOptions& options);

}  // namespace cloister::cloisterctl
