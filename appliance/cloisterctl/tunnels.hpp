#pragma once
/// `cloisterctl tunnel`. Each returns the program's exit status.

#include <string>

namespace cloister::cloisterctl {

int tunnel_list(const std::string& socket, bool json);
int tunnel_show(const std::string& socket, const std::string& name, bool json);
/// Orders a new key and waits, some seconds at most, until the tunnel has it.
int tunnel_rekey(const std::string& socket, const std::string& name, bool json);

}  // namespace cloister::cloisterctl
