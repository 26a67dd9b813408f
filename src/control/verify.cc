#include <fmt/format.h>

#include "base/log.h"
#include "control/control.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

VerifyReport verify_recorded(const Config& config, const VerifyRequest& request,
                             const Caller& caller, internal::Records& records) {
  Clock& clock = Clock::system();
  const Time start = clock.monotonic();
  const internal::Opened opened = internal::open_repository(
      config, request.repair ? repo::Access::repair : repo::Access::inspect, caller.stop);
  repo::Repository& repository = *opened.repository;
  VerifyReport report;
  report.location = repository.location();
  if (request.repair) {
    report.repaired = repo::repair(repository);
    repository.refresh();
  }
  repo::CheckProgress progress;
  repo::CheckOptions options;
  options.data = request.data;
  options.head_seen = records.head(repository.id().hex()).value_or(0);
  options.progress = &progress;
  options.stop = caller.stop;
  const internal::ProgressTicker ticker(caller, [&progress] {
    PhaseProgress phase;
    phase.phase = "verify";
    phase.bytes = progress.bytes;
    phase.bytes_expected = progress.bytes_expected;
    return phase;
  });
  report.check = repo::check(repository, options);
  if (report.check.sound()) records.note_head(repository.id().hex(), repository.sequence());
  report.duration_s = clock.monotonic().seconds_since(start);
  return report;
}

}  // namespace

VerifyReport verify(const Config& config, const VerifyRequest& request, const Caller& caller) {
  internal::Records records(config);
  const catalog::RunId run = records.begin(catalog::RunKind::verify, {}, caller.trigger);
  try {
    VerifyReport report = verify_recorded(config, request, caller, records);
    report.run = run.text;
    const bool sound = report.check.sound();
    records.finish(run, sound ? catalog::RunState::succeeded : catalog::RunState::failed,
                   to_json(report), sound ? "" : "the repository is damaged");
    return report;
  } catch (const std::exception& error) {
    records.fail(run, error);
    throw;
  }
}

}  // namespace salvor::control
