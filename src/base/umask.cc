#include "base/umask.h"

#include <sys/stat.h>

#include <optional>

namespace salvor {
namespace {

constexpr mode_t kPrivate = 077;

std::optional<mode_t>& before() {
  static std::optional<mode_t> value;
  return value;
}

}  // namespace

void make_umask_private() {
  before() = ::umask(kPrivate);
}

mode_t inherited_umask() {
  if (before()) return *before();
  const mode_t present = ::umask(kPrivate);
  ::umask(present);
  return present;
}

}  // namespace salvor
