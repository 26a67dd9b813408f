#include "control/version.h"

#include "control/internal/report_values.h"
#include "repo/format.h"

namespace salvor::control {

std::string_view version() {
  return SALVOR_VERSION;
}

std::uint32_t format_version() {
  return repo::kFormatVersion;
}

std::string version_json() {
  return internal::text_of({{"version", std::string(version())}, {"format", format_version()}});
}

}  // namespace salvor::control
