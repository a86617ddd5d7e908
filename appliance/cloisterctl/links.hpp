#pragma once
/// `cloisterctl link list` and `show`. Each returns the program's exit status.

#include <string>

namespace cloister::cloisterctl {

int link_list(const std::string& socket, bool json);
int link_show(const std::string& socket, const std::string& name, bool json);

}  // namespace cloister::cloisterctl
