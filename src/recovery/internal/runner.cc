#include "recovery/internal/runner.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "checks/outcome_json.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/presence.h"
#include "recovery/internal/run_guards.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

service::HookContext hooks_of(const Plan& plan) {
  service::HookContext hooks;
  hooks.mode = plan.mode;
  hooks.run = plan.run;
  hooks.service = plan.service;
  hooks.point = plan.point_text();
  hooks.point_time = format_time(plan.point_time);
  hooks.directory = plan.directory;
  return hooks;
}

catalog::RunKind kind_of(const Plan& plan) {
  return plan.mode == service::Mode::drill ? catalog::RunKind::drill : catalog::RunKind::restore;
}

/// Whatever a step may throw, as an Error.
Error error_of(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  return {ErrorCode::failed, exception.what()};
}

JournalEntry entry(Event event, StepId step = {}, std::string data = {}) {
  JournalEntry entry;
  entry.event = event;
  entry.step = std::move(step);
  entry.data = std::move(data);
  return entry;
}

/// Undo and close do not need the point, which an older copy of the repository may lack.
const repo::Point& point_or_none(const repo::Repository& repository, const Plan& plan) {
  static const repo::Point kNone;
  const repo::Point* const point = repository.find_point(plan.point);
  return point == nullptr ? kNone : *point;
}

/// Whether any part of a workplace is left.
bool has_workplace(const stores::Replacement& replacement) {
  const stores::Location place = replacement.workplace();
  return place.is_path() ? std::filesystem::exists(place.path) : replacement.state().provisioned;
}

}  // namespace

void require_point(const repo::Repository& repository, const Plan& plan) {
  if (repository.find_point(plan.point) != nullptr) return;
  throw Error(ErrorCode::not_found,
              "the repository has no recovery point " + plan.point_text() + " any more",
              "`salvor points` lists the recovery points; undo what run " + plan.run +
                  " has begun with salvor restore --undo " + plan.run + " --confirm " +
                  plan.service);
}

Runner::Runner(repo::Repository& repository, StoreAccess& access, const Plan& plan,
               Journal& journal, const ExecuteOptions& options)
    : repository_(repository),
      journal_(journal),
      options_(options),
      context_{.plan = plan,
               .repository = repository,
               .access = access,
               .journal = journal,
               .point = point_or_none(repository, plan),
               .hooks = hooks_of(plan),
               .clock = *options.clock,
               .stop = options.stop,
               .progress = options.progress,
               .say = options.say ? options.say : [](const std::string&) {},
               .baseline = options.baseline,
               .no_safety_snapshot = options.no_safety_snapshot},
      steps_(make_steps(plan)),
      start_(options.clock->monotonic()) {
  allow_unwritten({});
}

void Runner::tell(const Step& step, StepResult result, double seconds, std::string error) const {
  if (!options_.on_step) return;
  StepOutcome how;
  how.id = step.id();
  how.result = result;
  how.seconds = seconds;
  how.error = std::move(error);
  const auto found =
      std::ranges::find_if(steps_, [&step](const auto& each) { return each.get() == &step; });
  options_.on_step(how, static_cast<std::size_t>(found - steps_.begin()) + 1, steps_.size());
}

void Runner::carry_out(Step& step) {
  tell(step, StepResult::began);
  outcomes_before_ = context_.outcomes.size();
  if (context_.stop.stop_requested()) {
    const bool drill = context_.plan.mode == service::Mode::drill;
    throw Error(ErrorCode::cancelled, "the run was stopped before " + step.name(),
                drill ? "" : "resume it with salvor restore --resume " + context_.plan.run);
  }
  allow_unwritten({});
  const bool begun = journal_.began(step.id());
  journal_.append(entry(Event::began, step.id(), begun ? "" : step.before(context_)));
  journal_.reach(step.name() + ":began");
  const Time start = context_.clock.monotonic();
  JournalEntry done = entry(Event::done, step.id(), step.run(context_));
  journal_.reach(step.name() + ":run");
  done.seconds = context_.clock.monotonic().seconds_since(start);
  const double seconds = done.seconds;
  done.deviations = new_deviations();
  allow_unwritten(step.id());
  journal_.append(std::move(done));
  context_.deviations.clear();
  note_duration(step.name(), seconds);
  tell(step, StepResult::done, seconds);
  journal_.reach(step.name() + ":done");
}

/// From the moment when only the journal is still written to the repository, the run continues
/// without it. `carried_out`: the step that has just ended.
void Runner::allow_unwritten(const StepId& carried_out) {
  if (context_.plan.mode == service::Mode::drill) {
    journal_.allow_unwritten(Unwritten::forgo, context_.plan.service);
  } else if (!wants_safety_snapshot(context_.plan) || carried_out == StepKind::safety_snapshot ||
             journal_.done(StepKind::safety_snapshot)) {
    journal_.allow_unwritten(Unwritten::keep, context_.plan.service);
  }
}

/// A journal record has room for this many. All were told as they came.
std::vector<std::string> Runner::new_deviations() const {
  constexpr std::size_t kDeviationsMax = 100;
  const auto& all = context_.deviations;
  std::vector<std::string> some(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kDeviationsMax)));
  if (all.size() > some.size()) {
    some.push_back("and " + std::to_string(all.size() - some.size()) + " more");
  }
  return some;
}

/// What the checks of the present step have found; empty: it has asked none.
std::string Runner::outcomes_of_step() const {
  const auto first = context_.outcomes.begin() + static_cast<std::ptrdiff_t>(outcomes_before_);
  if (first == context_.outcomes.end()) return {};
  return checks::json_of({first, context_.outcomes.end()});
}

/// What earlier processes of this run have found, then what this one has.
std::vector<checks::CheckOutcome> Runner::checks() const {
  std::vector<checks::CheckOutcome> checks;
  for (checks::CheckOutcome& earlier : checks_in(journal_)) {
    const bool again = std::ranges::any_of(context_.outcomes, [&](const checks::CheckOutcome& now) {
      return now.name == earlier.name && now.kind == earlier.kind && now.store == earlier.store;
    });
    if (!again) checks.push_back(std::move(earlier));
  }
  checks.insert(checks.end(), context_.outcomes.begin(), context_.outcomes.end());
  return checks;
}

void Runner::note_duration(const std::string& step, double seconds) {
  if (options_.catalog == nullptr) return;
  try {
    options_.catalog->note_step(context_.plan.service, kind_of(context_.plan), step, seconds);
  } catch (const Error& error) {
    // The only harm: later plans estimate without it.
    log::warning("the catalog can't be used, so it does not have the duration of {}: {}", step,
                 error.message());
  }
}

void Runner::take_up() {
  settle();
  for (const auto& step : steps_) {
    if (journal_.done(step->id())) step->take_up(context_);
  }
}

/// An interrupted exchange may hide workplaces that lie within a moved tree, so it is finished
/// first. Another host finds no token, and so moves nothing.
void Runner::settle() {
  if (!journal_.began(StepKind::cut_over)) return;
  const auto way = context_.undoing ? stores::Way::back : stores::Way::forth;
  const std::vector<Token> tokens = tokens_in(journal_);
  const auto& stores = context_.plan.stores;
  for (auto store = stores.rbegin(); store != stores.rend(); ++store) {
    if (store->delta_in_place) continue;
    const auto token = std::ranges::find(tokens, store->name, &Token::store);
    if (token != tokens.end() && !is_here(context_, *store, *token)) continue;
    context_.replacement_of(*store).settle(way);
  }
}

void Runner::require_here(stores::Way way) {
  context_.undoing = way == stores::Way::back;
  settle();
  internal::require_here(context_);
}

RunOutcome Runner::carry_out() {
  acted_ = true;
  // When taking up fails, the failure belongs to the next step that is not done.
  const auto next =
      std::ranges::find_if(steps_, [this](const auto& step) { return !journal_.done(step->id()); });
  Step* current = next == steps_.end() ? steps_.back().get() : next->get();
  try {
    take_up();
    for (const auto& each : steps_) {
      current = each.get();
      if (journal_.done(current->id())) continue;
      carry_out(*current);
    }
  } catch (const std::exception& exception) {
    // The boundary of a run.
    return failed(error_of(exception), *current);
  }
  if (context_.plan.mode == service::Mode::drill) return finished_drill(std::nullopt);
  return ended(RunState::succeeded);
}

RunOutcome Runner::failed(const Error& error, const Step& step) {
  // Another process has the run now: touch nothing any more.
  if (journal_.lost()) throw error;
  tell(step, StepResult::failed, 0, error.message());
  const bool is_stopped = error.code() == ErrorCode::cancelled;
  const bool guarded = step.is_guard() && context_.plan.mode == service::Mode::restore;
  // A stop that ended the step must not stop the undo, nor may the repository.
  if (guarded) context_.stop = {};
  if (guarded) journal_.allow_unwritten(Unwritten::keep, context_.plan.service);
  try {
    JournalEntry failure = entry(Event::failed, step.id());
    failure.error = error.message();
    failure.data = outcomes_of_step();
    failure.deviations = new_deviations();
    journal_.append(std::move(failure));
    context_.deviations.clear();
    if (context_.plan.mode == service::Mode::drill) return finished_drill(error);
    if (guarded) {
      undo_all();
      RunOutcome outcome = ended(RunState::failed);
      outcome.failure = error;
      return outcome;
    }
  } catch (const std::exception& second) {
    if (guarded && !journal_.lost()) undo_unjournalled();
    // Report the first error. The journal ends with the last record that could be written.
    log::warning("the end of run {} could not be handled: {}", context_.plan.run, second.what());
  }
  RunOutcome outcome = this->outcome(is_stopped ? RunState::interrupted : RunState::failed);
  outcome.failure = error;
  return outcome;
}

void Runner::undo_unjournalled() {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (!journal_.began((*step)->id())) continue;
    try {
      (*step)->undo(context_);
    } catch (const std::exception& exception) {
      log::warning("step {} could not be undone: {}", (*step)->name(), exception.what());
    }
  }
}

RunOutcome Runner::finished_drill(const std::optional<Error>& failure) {
  if (!journal_.done(StepKind::tear_down)) tear_down_drill();
  const auto& checks = context_.outcomes;
  const bool good = std::ranges::all_of(checks, &checks::CheckOutcome::good);
  const bool proved = std::ranges::any_of(checks, [](const checks::CheckOutcome& outcome) {
    return outcome.verdict == checks::Verdict::passed;
  });
  RunOutcome outcome = ended(failure || !good || !proved ? RunState::failed : RunState::succeeded);
  outcome.failure = failure;
  if (!failure && !good) {
    outcome.failure.emplace(ErrorCode::checks_failed, "the restored copy fails its checks");
  } else if (!failure && !proved) {
    outcome.failure.emplace(ErrorCode::checks_failed, "no check passed: the drill proves nothing",
                            "add a check that asks the restored copy: it mentions SALVOR_STORE_…");
  }
  return outcome;
}

void Runner::tear_down_drill() {
  const auto& step = steps_.back();
  try {
    // Tear down also when the drill was stopped.
    context_.stop = {};
    carry_out(*step);
  } catch (const std::exception& exception) {
    log::warning("the drill left something behind: {}", exception.what());
  }
}

void Runner::undo_all() {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (!journal_.began((*step)->id())) continue;
    // The workplaces are about to go: note it, so that their absence is no error later.
    if ((*step)->id() == StepKind::provision) journal_.append(entry(Event::undoing, (*step)->id()));
    (*step)->undo(context_);
    journal_.reach((*step)->name() + ":undo-run");
    journal_.append(entry(Event::undone, (*step)->id()));
    tell(**step, StepResult::undone);
    journal_.reach((*step)->name() + ":undone");
  }
}

RunOutcome Runner::undo() {
  context_.undoing = true;
  acted_ = true;
  try {
    take_up();
    undo_all();
  } catch (const std::exception& exception) {
    if (journal_.lost()) throw;
    RunOutcome outcome = this->outcome(RunState::interrupted);
    outcome.failure = error_of(exception);
    return outcome;
  }
  return ended(RunState::undone);
}

RunOutcome Runner::close() {
  // Journal the end first: nobody must undo a run whose old data is half removed.
  journal_.allow_unwritten(Unwritten::keep, context_.plan.service);
  if (journal_.state() != RunState::closed) {
    // Before that, require that there is old data to give up.
    for (const StorePlan& store : context_.plan.stores) {
      if (!store.delta_in_place) context_.replacement_of(store).try_discard_old();
    }
    // Whoever is killed from here on has closed the run, and the next one tells of it.
    if (options_.on_begin) options_.on_begin(context_.plan);
    ended(RunState::closed);
    acted_ = true;
  }
  for (const StorePlan& store : context_.plan.stores) {
    remove_token(context_, store);
    if (store.delta_in_place) continue;
    stores::Replacement& replacement = context_.replacement_of(store);
    if (!take_for_removal(replacement)) continue;
    replacement.discard_old();
    journal_.reach("close:" + store.name);
  }
  return outcome(RunState::closed);
}

RunOutcome Runner::discard_kept() {
  for (const StorePlan& store : context_.plan.stores) {
    if (store.delta_in_place) continue;
    stores::Replacement& replacement = context_.replacement_of(store);
    if (take_for_removal(replacement)) replacement.discard_copy();
  }
  return outcome(RunState::undone);
}

bool Runner::take_for_removal(const stores::Replacement& replacement) {
  if (!has_workplace(replacement)) return false;
  removed_.push_back(replacement.workplace().text);
  acted_ = true;
  return true;
}

RunOutcome Runner::ended(RunState state) {
  journal_.append(end_of_run(state));
  if (context_.plan.mode == service::Mode::restore) {
    end_claim(repository_, options_.catalog, context_.plan);
  }
  journal_.reach("ended");
  return outcome(state);
}

std::vector<std::string> Runner::workplaces() {
  std::vector<std::string> found;
  for (const StorePlan& store : context_.plan.stores) {
    if (store.delta_in_place) continue;
    const stores::Replacement& replacement = context_.replacement_of(store);
    if (has_workplace(replacement)) found.push_back(replacement.workplace().text);
  }
  return found;
}

RunOutcome Runner::outcome(RunState state) {
  RunOutcome outcome = outcome_in(journal_, context_.plan, state);
  outcome.acted = acted_;
  outcome.checks = checks();
  for (const std::string& line : context_.deviations) outcome.deviations.push_back(line);
  if (outcome.state == RunState::undone) outcome.kept = workplaces();
  outcome.removed = removed_;
  outcome.call_seconds = options_.clock->monotonic().seconds_since(start_);
  return outcome;
}

}  // namespace salvor::recovery::internal
