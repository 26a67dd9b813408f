#include "control/runbook.h"

#include "control/caller.h"
#include "control/drill.h"
#include "control/internal/runbook_page.h"
#include "control/restore_in_place.h"
#include "control/service_status.h"
#include "control/version.h"
#include "control/whole_commands.h"

#include <fmt/format.h>

#include "base/fd.h"
#include "base/process_identity.h"
#include "config/silent_paths.h"
#include "control/internal/judge_status.h"

namespace salvor::control {
namespace {

using internal::RunbookData;
void describe_status(const service::Service& service, const ServiceStatus& status,
                     RunbookData& data) {
  data.status = status;
  data.gaps = status.not_covered;
  if (status.evidence_waiting > 0) {
    data.gaps.push_back(internal::waiting_text(status.evidence_waiting, service.name));
  }
  if (!service.writes) {
    data.gaps.emplace_back("nothing is configured that tells the application to stop writing");
  }
  if (status.drill_stale && !status.never_drilled) {
    data.gaps.push_back(fmt::format("no drill has succeeded within the last {}",
                                    human_duration(status.drill_limit_s)));
  }
  const bool is_last = status.failed_drill && status.last_drill &&
                       status.failed_drill->run == status.last_drill->run;
  if (status.failed_drill && !is_last) {
    data.gaps.push_back(fmt::format("the last drill of recovery point {} {}: run {}",
                                    status.failed_drill->point.hex(),
                                    name_of(status.failed_drill->state), status.failed_drill->run));
  }
  if (status.open_restore) {
    data.gaps.push_back(internal::open_restore_text(*status.open_restore, status.service,
                                                    status.restore_is_running));
  }
}

}  // namespace

RunbookReport runbook(const config::Config& config, const RunbookRequest& request,
                      const Caller& caller) {
  const service::Service& service = config.service(request.service);
  if (!request.file.empty()) {
    config::require_answers_of({{request.file, "the file of the runbook"}}, config, caller.stop);
  }
  const StatusReport status = control::status(config, service.name, caller);
  RunbookData data;
  data.version = version();
  data.updated = Clock::system().now();
  data.host = host_name();
  if (!service.shared) data.points_host = config.host;
  data.service = service;
  data.repository = config.repository;
  data.config_file = config.file.native();
  describe_status(service, status.services.front(), data);
  if (status.repository_failure) {
    data.gaps.push_back("the repository could not be opened when this was written: " +
                        status.repository_failure->message());
  }
  for (std::string& gap : data.gaps) gap = whole_commands(gap, data.config_file);
  RunbookReport report{service.name, render_runbook(data), {}};
  if (request.file.empty()) return report;
  report.file = std::filesystem::absolute(request.file).lexically_normal().native();
  constexpr mode_t kReadableByAll = 0644;
  write_file_atomically(report.file, as_bytes(report.markdown), kReadableByAll);
  return report;
}

}  // namespace salvor::control
