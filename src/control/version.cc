#include "control/control.h"
#include "repo/format.h"

namespace salvor::control {

std::string_view version() {
  return SALVOR_VERSION;
}

std::uint32_t format_version() {
  return repo::kFormatVersion;
}

}  // namespace salvor::control
