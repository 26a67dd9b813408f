#include "control/internal/recorded_run.h"

#include "control/internal/leave_evidence.h"

namespace salvor::control::internal {

RecordedRun::RecordedRun(const config::Config& config, Records& records, catalog::RunKind kind,
                         const std::string& service, const Caller& caller)
    : RecordedRun(config, records, kind, service, caller,
                  records.begin(kind, service, caller.trigger)) {}

RecordedRun::RecordedRun(const config::Config& config, Records& records, catalog::RunKind kind,
                         const std::string& service, const Caller& caller, catalog::RunId id)
    : records_(records),
      id_(std::move(id)),
      kind_(kind),
      evidence_(new_evidence(config, kind, service, id_.text, caller)) {}

void RecordedRun::opened(repo::Repository& repository) {
  repository_ = &repository;
  records_.file_under(id_, repository);
}

void RecordedRun::finish(catalog::RunState state, std::string_view summary_json,
                         std::string_view error) {
  const std::string service = evidence_.service;
  if (repository_ != nullptr) {
    leave_evidence(*repository_, records_, std::move(evidence_));
    // This catalog may not know a run that another host has begun.
    records_.take_up(id_, kind_, service);
    records_.file_under(id_, *repository_);
  }
  records_.finish(id_, state, summary_json, error);
}

void RecordedRun::fail(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  const bool is_stopped = known != nullptr && known->code() == ErrorCode::cancelled;
  evidence_.result = is_stopped ? "cancelled" : "failed";
  evidence_.deviations.emplace_back(error.what());
  finish(catalog::RunState::failed, failure_json_, error.what());
}

}  // namespace salvor::control::internal
