#pragma once

#include "evidence/evidence.h"
#include "recovery/execute.h"

namespace salvor::control::internal {

/// Fills a record (of new_evidence()) with how a restore in place or a drill ended, its steps and
/// checks.
void describe_outcome(const recovery::RunOutcome& outcome, evidence::EvidenceRecord& record);

/// The same, and what else is to be said of a restore in place.
void describe_run(const recovery::RunOutcome& outcome, const repo::Repository& repository,
                  evidence::EvidenceRecord& record);

}  // namespace salvor::control::internal
