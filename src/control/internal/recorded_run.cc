#include "control/internal/recorded_run.h"

#include "control/internal/leave_evidence.h"
#include "control/internal/restores.h"

namespace salvor::control::internal {
namespace {

Error known_error(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  return known != nullptr ? *known : Error(ErrorCode::failed, error.what());
}

}  // namespace

RecordedRun::RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
                         const std::string& service, const Caller& caller, RunWarnings& warnings)
    : RecordedRun(config, logbook, kind, service, caller, warnings,
                  logbook.begin(kind, service, caller.trigger), true) {}

RecordedRun::RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
                         const std::string& service, const Caller& caller, RunWarnings& warnings,
                         catalog::RunId id)
    : RecordedRun(config, logbook, kind, service, caller, warnings, std::move(id), false) {}

RecordedRun::RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
                         const std::string& service, const Caller& caller, RunWarnings& warnings,
                         catalog::RunId id, bool is_new)
    : caller_(caller),
      warnings_(warnings),
      logbook_(logbook),
      id_(std::move(id)),
      kind_(kind),
      service_(service),
      is_new_(is_new),
      evidence_(new_evidence(config, kind, service, id_.text, caller)) {}

void RecordedRun::tell_began(std::vector<std::string> stores, std::string verb) {
  if (is_told_) return;
  if (verb.empty()) verb = name_of(kind_);
  caller_.tell(RunBegan{std::move(verb), id_.text, service_, std::move(stores)});
  is_told_ = true;
}

void RecordedRun::opened(repo::Repository& repository) {
  repository_ = &repository;
  logbook_.file_under(id_, repository);
}

void RecordedRun::leave_evidence() {
  if (repository_ == nullptr) return;
  evidence_.warnings = warnings_.lines();
  internal::leave_evidence(*repository_, logbook_, std::move(evidence_));
  // This catalog may not know a run that another host has begun.
  logbook_.take_up(id_, kind_, service_);
  logbook_.file_under(id_, *repository_);
}

void RecordedRun::record(RunEnd end, const std::string& summary_json) {
  logbook_.finish(id_, state_in_catalog(end.state), summary_json, end.error, end.ended);
  end_ = std::move(end);
}

void RecordedRun::fail(const std::exception& error) {
  RunEnd end{catalog::RunState::failed, error.what(), known_error(error)};
  if (is_new_) {
    const bool is_stopped = end.verdict->code() == ErrorCode::cancelled;
    evidence_.result = is_stopped ? "cancelled" : "failed";
    evidence_.deviations.emplace_back(error.what());
    leave_evidence();
    record(std::move(end), failure_json_);
  } else {
    stay(std::move(end));
  }
  tell_end();
}

void RecordedRun::tell_end() {
  warnings_.clear();
  if (!std::exchange(is_told_, false)) return;
  const auto& verdict = end_.verdict;
  caller_.tell(RunEnded{std::string(name_of(end_.state)),
                        verdict ? exit_status(verdict->code()) : 0, verdict});
}

}  // namespace salvor::control::internal
