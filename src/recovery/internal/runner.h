#pragma once

#include "recovery/claim.h"
#include "recovery/execute.h"
#include "recovery/internal/step.h"

namespace salvor::recovery::internal {

/// Errors: not_found: the point that a plan names is not in the repository.
void require_point(const repo::Repository& repository, const Plan& plan);

/// Carries out one plan, from wherever its journal says that it stands.
/// Threads: one.   Lifetime: shorter than the repository's, the access's and the journal's.
class Runner {
 public:
  Runner(repo::Repository& repository, StoreAccess& access, const Plan& plan, Journal& journal,
         const ExecuteOptions& options);

  /// Finishes what an interrupted exchange has begun to move, where it is, and looks for each
  /// workplace. Errors: refused: the workplaces that the journal says exist are not on this
  /// machine.
  void require_here(stores::Way way);

  /// Steps that are done are taken up, the others carried out.
  RunOutcome carry_out();

  /// Undoes whatever has begun, the last first.
  RunOutcome undo();

  /// Removes what was live before.
  RunOutcome close();

  /// Removes what an undo has kept: what was restored, and written since.
  RunOutcome discard_kept();

  /// What the journal says, without doing anything.
  RunOutcome outcome(RunState state);

 private:
  /// The workplaces that are still there, for people to look at or to close.
  std::vector<std::string> workplaces();
  /// Notes a workplace that is about to be removed; false: it is gone already.
  bool take_for_removal(const stores::Replacement& replacement);
  void carry_out(Step& step);
  void tell(const Step& step, StepResult result, double seconds = 0, std::string error = {}) const;
  void allow_unwritten(const StepId& carried_out);
  std::vector<std::string> new_deviations() const;
  std::vector<checks::CheckOutcome> checks() const;
  std::string outcomes_of_step() const;
  void note_duration(const std::string& step, double seconds);
  /// Has again what went with the process that ended before.
  void take_up();
  void settle();
  void undo_all();
  /// Where the repository is gone before anything was replaced, the service is not to stay locked:
  /// what the guards did is undone, though the journal can't be told.
  void undo_unjournalled();
  RunOutcome failed(const Error& error, const Step& step);
  RunOutcome finished_drill(const std::optional<Error>& failure);
  RunOutcome ended(RunState state);
  void tear_down_drill();

  repo::Repository& repository_;
  Journal& journal_;
  const ExecuteOptions& options_;
  RunContext context_;
  std::vector<std::unique_ptr<Step>> steps_;
  Time start_;
  std::vector<std::string> removed_;
  std::size_t outcomes_before_ = 0;  ///< how many of the outcomes earlier steps have found
  bool acted_ = false;
};

}  // namespace salvor::recovery::internal
