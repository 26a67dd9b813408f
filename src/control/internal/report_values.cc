#include "control/internal/report_values.h"

#include "base/bytes.h"

namespace salvor::control::internal {

std::string text_of(const ReportJson& document, int indent) {
  return write_json(document, indent, InvalidUtf8::replace);
}

void put_path(ReportJson& object, const std::string& key, std::string_view raw) {
  std::string shown = printable(raw);
  if (shown != raw) object[key + "_hex"] = to_hex(as_bytes(raw));
  object[key] = std::move(shown);
}

ReportJson json_of_drill(const DrillSummary& drill) {
  ReportJson failed = ReportJson::array();
  for (const std::string& check : drill.failed_checks) failed.push_back(printable(check));
  return {{"run", drill.run},
          {"time", format_time(drill.time)},
          {"state", drill.state},
          {"seconds", drill.seconds},
          {"point", drill.point.empty() ? ReportJson(nullptr) : ReportJson(drill.point)},
          {"failed_checks", std::move(failed)},
          {"evidence_waits", drill.evidence_waits}};
}

}  // namespace salvor::control::internal
