#include "control/report_json.h"

#include "control/internal/report_values.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::json_of_error;
using internal::text_of;
using json = internal::ReportJson;

json json_of_check(const checks::CheckOutcome& check) {
  json object{{"name", printable(check.name)},
              {"kind", check.kind},
              {"store", check.store},
              {"verdict", name_of(check.verdict)},
              {"expected", printable(check.expected)},
              {"actual", printable(check.actual)},
              {"seconds", check.seconds},
              {"output", check.output}};
  if (check.missing) object["missing"] = *check.missing;
  if (check.orphans) object["orphans"] = *check.orphans;
  return object;
}

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
  json list = json::array();
  for (const checks::CheckOutcome& check : checks) list.push_back(json_of_check(check));
  return text_of(list);
}

}  // namespace salvor::control
