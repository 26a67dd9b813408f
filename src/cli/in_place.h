#pragma once

#include <string>

#include "cli/invocation.h"
#include "control/caller.h"
#include "control/plan_restore.h"
#include "control/restore_in_place.h"

/// `restore` in place: the plan, the confirmation, and how it went.
namespace salvor::cli {

/// What the command line says of a restore in place.
struct InPlaceOptions {
  control::PlanRequest request;
  std::string confirm;
  bool plan = false;
  bool without_safety_snapshot = false;
  bool detach = false;
};

/// What the command line says of a run that is resumed, undone, closed or abandoned.
struct ContinueOptions {
  control::ContinueRequest request;
  control::InPlaceReport (*verb)(const control::Config&, const control::ContinueRequest&,
                                 const control::Caller&) = nullptr;
  bool detach = false;
};

/// Each returns the exit status.
int show_plan(Invocation& invocation, const InPlaceOptions& options);

/// Without a confirmation, and on a terminal, it shows the plan and asks for the service's name.
int restore_in_place(Invocation& invocation, const InPlaceOptions& options);

int continue_in_place(Invocation& invocation, const ContinueOptions& options);

/// How an open run ends that has failed or was interrupted: the commands.
std::string way_on_of(const control::RunOutcome& outcome);

/// How a step went, in words. What was planned is not run any more once the run has ended.
std::string result_of(const control::RunOutcome& outcome, const control::StepOutcome& step);

/// The steps of a run, for people.
void show_steps(Output& output, const control::RunOutcome& outcome);

/// The beginning of what a check that failed has printed, or of what it misses.
void show_first_lines(Output& output, const std::string& run, const control::CheckOutcome& check);

/// The checks that did not pass, and how many did.
void show_checks(Output& output, const control::RunOutcome& outcome);

}  // namespace salvor::cli
