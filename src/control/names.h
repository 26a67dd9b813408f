#pragma once

#include "backup/backup.h"
#include "catalog/run.h"
#include "checks/checks.h"
#include "evidence/evidence.h"
#include "evidence/statement_parts.h"
#include "recovery/execute.h"
#include "recovery/space.h"
#include "repo/check.h"
#include "repo/point.h"
#include "repo/repository.h"
#include "service/hooks.h"
#include "service/service.h"
#include "stores/entry.h"
#include "stores/sink.h"
#include "stores/target.h"

/// The types of lower folders that reports hold, under the names that callers use: they need no
/// other folder for them.
namespace salvor::control {

/// What a backup could not read.
using backup::Unreadable;

/// Runs, as this machine's catalog has them.
using catalog::RunFilter;
using catalog::RunRow;
using catalog::RunState;

/// What came of checks.
using checks::CheckOutcome;
using checks::count_checks;
using checks::in_words;
using checks::Verdict;

/// Records of evidence, and how to read their statements.
using evidence::EvidenceGap;
using evidence::EvidenceProblem;
using evidence::EvidenceReport;
using evidence::EvidenceSummary;
using evidence::Gaps;
using evidence::list_in;
using evidence::number_in;
using evidence::part_in;
using evidence::text_in;

/// A run, its plan and its steps.
using recovery::FileSystemSpace;
using recovery::RunOutcome;
using recovery::StepOutcome;
using recovery::StepResult;
using recovery::StorePlan;

/// Recovery points, keys, and what `verify` found in the repository.
using repo::Affected;
using repo::CheckReport;
using repo::Finding;
using repo::Missing;
using repo::Point;
using repo::SlotInfo;
using repo::SlotKind;
using repo::Snapshot;

/// What a service asks of its data.
using service::Check;
using service::Mode;
using service::Reference;

/// What a store holds, and what is at its place.
using stores::Entry;
using stores::EntryKind;
using stores::Holder;
using stores::path_of_key;
using stores::SinkReport;
using stores::TargetIdentity;

}  // namespace salvor::control
