#pragma once

#include "evidence/evidence.h"
#include "recovery/execute.h"

namespace salvor::control::internal {

/// Fills a record (of new_evidence()) with what a restore in place or a drill has done.
void describe_run(const recovery::RunOutcome& outcome, const repo::Repository& repository,
                  evidence::EvidenceRecord& record);

}  // namespace salvor::control::internal
