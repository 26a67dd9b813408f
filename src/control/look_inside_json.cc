#include "control/look_inside.h"

#include <fmt/format.h>

#include "control/internal/report_values.h"
#include "control/report_json.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const ListedEntry& listed) {
  const stores::Entry& entry = listed.entry;
  json object;
  put_path(object, "path", stores::path_of_key(listed.key));
  object["kind"] = std::string(name_of(entry.kind));
  object["mode"] = fmt::format("{:04o}", entry.mode);
  object["uid"] = entry.uid;
  object["gid"] = entry.gid;
  object["size"] = entry.size;
  object["mtime"] = format_time(entry.mtime);
  if (entry.kind == stores::EntryKind::symlink) put_path(object, "target", as_text(entry.target));
  if (entry.kind == stores::EntryKind::hard_link) {
    put_path(object, "target", stores::path_of_key(entry.target));
  }
  if (entry.unstable) object["unstable"] = true;
  return text_of(object, -1);
}

}  // namespace salvor::control
