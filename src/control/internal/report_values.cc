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

}  // namespace salvor::control::internal
