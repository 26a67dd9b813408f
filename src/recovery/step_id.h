#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which steps a restore or a drill can have, and how they are called. The table is steps.def:
///     journal.began(StepKind::cut_over)
///     journal.began({StepKind::restore_store, store.name})
/// Only here is a step a text: names are read from journals, evidence and the reports in the
/// catalog, and written there.
namespace salvor::recovery {

/// A kind of step. Most kinds have one step in a plan; some have one for each store or rebuild.
enum class StepKind {
  /// No step. A journal's record about the whole run has it.
  none,
#define STEP(kind, name, runs, purpose) kind,
#define STEP_AGAIN(kind, name, runs, purpose)
#include "recovery/steps.def"
  /// A step of another version.
  unknown,
};

/// One step of a run. A value.
struct StepId {
  StepKind kind = StepKind::none;
  /// The store, or the rebuild. Of an unknown step: its whole name. Else empty.
  std::string subject;

  StepId() = default;
  StepId(StepKind kind_, std::string subject_ = {}) : kind(kind_), subject(std::move(subject_)) {}
  bool operator==(const StepId&) const = default;
};

/// The name that journals, evidence and reports have, such as "restore-media". Empty: no step.
std::string name_of(const StepId& step);
/// The reverse, for every text.
StepId parse_step(std::string_view name);

/// The steps that validate restored data and remember what their checks have found, in order.
std::vector<StepId> checking_steps();
/// Whether the step comes after the verdict of the last check, when the service is back already.
bool is_afterwards(const StepId& step);

}  // namespace salvor::recovery
