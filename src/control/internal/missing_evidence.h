#pragma once

#include "config/config.h"
#include "control/internal/logbook.h"
#include "evidence/evidence.h"
#include "recovery/execute.h"

/// Evidence of restores whose process was killed between the end of the run and its record.
namespace salvor::control::internal {

/// Whether the chain of its service, and what waits for it, certainly lack the record of how this
/// restore has ended. Never throws: what can't be read may be that record.
bool lacks_evidence(repo::Repository& repository, Logbook& logbook,
                    const recovery::RunOutcome& outcome);

/// What a record says that is written later than its run has ended.
void mark_as_late(const recovery::RunOutcome& outcome, evidence::EvidenceRecord& record);

/// Leaves the evidence of this machine's restores that have ended, as their journals say, and whose
/// processes were killed before they could leave it; and tells the catalog how they have ended.
/// To be called by who writes to the repository anyway. Never throws.
void settle_ended_restores(const config::Config& config, repo::Repository& repository,
                           Logbook& logbook);

}  // namespace salvor::control::internal
