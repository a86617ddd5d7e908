#include "crypto/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace cloister {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fputs("cloister: internal error: ", stderr);
  std::fputs(what, stderr);
  std::fputs("\n", stderr);
  std::abort();
}

}  // namespace cloister
