#include "control/report_json.h"

#include "control/internal/report_values.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::json_of_error;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const Error& error) {
  return text_of({{"error", json_of_error(error)}});
}

std::string json_of_texts(const std::vector<std::pair<std::string, std::string>>& members) {
  json object = json::object();
  for (const auto& [name, value] : members) object[name] = value;
  return text_of(object);
}

std::string to_json(const std::vector<checks::CheckOutcome>& checks) {
  return text_of(internal::json_of_checks(checks));
}

}  // namespace salvor::control
