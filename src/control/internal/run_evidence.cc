#include "control/internal/run_evidence.h"

#include <algorithm>

#include "control/internal/judge_status.h"

namespace salvor::control::internal {
void describe_outcome(const recovery::RunOutcome& outcome, evidence::EvidenceRecord& record) {
  record.result = name_of(outcome.state);
  for (const recovery::StepOutcome& step : outcome.steps) {
    record.phases.push_back({name_of(step.id), step.seconds, std::string(name_of(step.result))});
  }
  record.checks = outcome.checks;
  constexpr std::size_t kDeviationsMax = 100;
  record.deviations = outcome.deviations;
  if (record.deviations.size() > kDeviationsMax) {
    const std::size_t more = record.deviations.size() - kDeviationsMax;
    record.deviations.resize(kDeviationsMax);
    record.deviations.push_back("and " + std::to_string(more) + " more");
  }
  if (outcome.failure) record.deviations.push_back(outcome.failure->message());
}

void describe_run(const recovery::RunOutcome& outcome, const repo::Repository& repository,
                  evidence::EvidenceRecord& record) {
  const recovery::Plan& plan = outcome.plan;
  record.started = outcome.started;
  describe_outcome(outcome, record);
  if (const repo::Point* point = repository.find_point(plan.point)) {
    record.point = *point;
    for (std::string& line : lacks_of(nullptr, *point)) {
      record.not_covered.push_back(std::move(line));
    }
  }
  if (!plan.policy_sha256.empty()) record.policy_sha256 = plan.policy_sha256;
  record.rpo_objective_s = plan.rpo_s;
  record.rto_objective_s = plan.rto_s;
  record.rpo_measured_s = std::max(0.0, outcome.started.seconds_since(plan.point_time));
  // A restore of some stores proves nothing about the time that the whole service takes.
  const bool whole = plan.others.empty();
  if (outcome.state == catalog::RunState::succeeded && whole)
    record.rto_measured_s = outcome.recovery_seconds;
  if (!outcome.healthy && outcome.state != catalog::RunState::undone)
    record.deviations.emplace_back("the watch found that the service is not healthy");
  for (const recovery::OtherStore& store : plan.others) {
    record.not_covered.push_back("store " + store.name + ": not restored");
  }
  for (const checks::CheckOutcome& check : outcome.checks) {
    if (check.verdict == checks::Verdict::skipped) {
      record.not_covered.push_back("check " + check.name + ": " + check.actual);
    }
  }
  record.confirmed_by = plan.confirmed_by;
}

}  // namespace salvor::control::internal
