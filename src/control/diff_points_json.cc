#include "control/diff_points.h"

#include <array>

#include "control/internal/report_values.h"
#include "control/report_json.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

std::string_view name_of(Change change) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 4> kNames{"added", "removed", "modified", "metadata"};
  return kNames[static_cast<std::size_t>(change)];
}

}  // namespace

std::string to_json(const DiffEntry& entry) {
  json object = {{"store", printable(entry.store)}, {"change", std::string(name_of(entry.change))}};
  put_path(object, "path", stores::path_of_key(entry.key));
  object["size_before"] = entry.size_before;
  object["size_after"] = entry.size_after;
  return text_of(object, -1);
}

}  // namespace salvor::control
