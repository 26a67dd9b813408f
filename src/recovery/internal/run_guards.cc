#include "recovery/internal/run_guards.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/process_identity.h"
#include "recovery/internal/journal_report.h"
#include "service/hooks.h"

namespace salvor::recovery::internal {
namespace {

/// Whether the process may be alive. A process on another host may always be.
bool may_be_alive(const Journal& journal, const std::string& host, const std::string& process) {
  const Liveness liveness = journal.liveness(process);
  if (liveness != Liveness::elsewhere) return liveness == Liveness::alive;
  // A host of our name with another boot: the process ended with that boot. With the same boot it
  // may run in another container.
  return host != host_name() || is_of_this_boot(process).value_or(true);
}

/// The last record that can be read, which says who wrote; null: none can be read.
const JournalEntry* last_readable(const Journal& journal) {
  const auto& entries = journal.entries();
  const auto found = std::find_if(entries.rbegin(), entries.rend(), [](const JournalEntry& entry) {
    return entry.event != Event::lost;
  });
  return found == entries.rend() ? nullptr : &*found;
}

bool is_over(repo::Repository& repository, catalog::Catalog* catalog, const ClaimRecord& record) {
  const Journal journal(repository, catalog, record.run, {}, Rotten::skip);
  if (journal.state()) return true;
  const std::string rot = journal.empty() ? "it is missing" : journal.rot();
  if (rot.empty()) return false;
  const JournalEntry* last = last_readable(journal);
  const bool alive = last != nullptr ? may_be_alive(journal, last->host, last->process)
                                     : may_be_alive(journal, record.host, record.process);
  if (alive) return false;
  log::warning(
      "the journal of run {} can't be read, so the run is ignored ({}); its workplaces lie beside "
      "the stores; abandon the run with salvor restore --abandon {} --confirm SERVICE",
      printable(record.run), rot, printable(record.run));
  return true;
}

/// Where the claim can't be read, the journals say whether a run is open.
void require_no_open_journal(repo::Repository& repository, const Plan& plan) {
  // This run itself has a journal by now.
  const auto open = open_restore(repository, plan.service, plan.run);
  if (!open || open->run.empty()) return;
  throw Error(ErrorCode::conflict,
              fmt::format("service {} is being restored by run {}, as its journal says (the claim "
                          "can't be read)",
                          printable(plan.service), open->run),
              ways_on_with(open->run, plan.service, open->is_running));
}

}  // namespace

JournalEntry event(Event event, std::string data) {
  JournalEntry entry;
  entry.event = event;
  entry.data = std::move(data);
  return entry;
}

JournalEntry end_of_run(RunState state) {
  return event(Event::ended, std::string(name_of(state)));
}

void refuse(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::refused, message, hint);
}

void require_restore(const Plan& plan) {
  if (plan.mode == service::Mode::restore) return;
  refuse("run " + plan.run + " was a drill, which touches nothing live",
         "begin a new drill with `salvor drill " + plan.service + "`");
}

void require_alone(const Journal& journal, const std::string& run, bool takeover) {
  service::require_no_running_hook(run);
  const JournalEntry* last = last_readable(journal);
  if (last == nullptr || last->process == own_process_identity() || journal.state()) return;
  if (journal.liveness(last->process) == Liveness::alive) {
    throw Error(ErrorCode::conflict,
                fmt::format("run {} is carried out by another process of this machine", run),
                "`salvor runs show --follow " + run + "` follows it; end that process first");
  }
  if (takeover || !may_be_alive(journal, last->host, last->process)) return;
  throw Error(ErrorCode::conflict,
              fmt::format("run {} was last carried out on host {}, where its process may be alive",
                          run, printable(last->host)),
              "when that host is certainly gone, add --takeover");
}

Claim::IsOver over_in(repo::Repository& repository, catalog::Catalog* catalog) {
  return [&repository, catalog](const ClaimRecord& record) {
    return is_over(repository, catalog, record);
  };
}

std::vector<UnwrittenRestore> unwritten_restores(repo::Repository& repository,
                                                 catalog::Catalog* catalog,
                                                 const std::string& service) {
  std::vector<UnwrittenRestore> restores;
  if (catalog == nullptr) return restores;
  std::vector<catalog::UnwrittenRun> runs;
  try {
    runs = catalog->unwritten_runs(repository.id().hex());
  } catch (const Error& error) {
    log::warning("which runs wait in the catalog can't be read: {}", error.message());
  }
  for (const catalog::UnwrittenRun& run : runs) {
    try {
      if (run.service != service) continue;
      Journal journal(repository, catalog, run.run, {}, Rotten::skip);
      if (journal.empty() || !journal.rot().empty()) continue;
      Plan plan = plan_in(journal, run.run);
      if (plan.mode == service::Mode::restore)
        restores.push_back({std::move(plan), std::move(journal)});
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unreachable || error.code() == ErrorCode::cancelled) throw;
      log::warning("run {}, which waits in the catalog, can't be read: {}", run.run,
                   error.message());
    }
  }
  return restores;
}

namespace {

/// A run that could write no claim is known from the catalog only.
void require_no_unwritten_run(repo::Repository& repository, catalog::Catalog* catalog,
                              const Plan& plan) {
  for (const UnwrittenRestore& other : unwritten_restores(repository, catalog, plan.service)) {
    if (other.plan.run == plan.run || other.journal.state()) continue;
    throw Error(
        ErrorCode::conflict,
        fmt::format("service {} is being restored by run {}, as the catalog of this machine says",
                    printable(plan.service), other.plan.run),
        ways_on_with(other.plan.run, plan.service, state_in(other.journal) == RunState::running));
  }
}

}  // namespace

void begin_claim(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan,
                 const Journal& journal) {
  require_no_unwritten_run(repository, catalog, plan);
  Claim claim(repository, plan.service);
  if (!claim.rot().empty()) require_no_open_journal(repository, plan);
  try {
    claim.begin(plan.run, over_in(repository, catalog));
  } catch (const Error& error) {
    const bool is_allowed = journal.allowed() != Unwritten::refuse;
    if (!error.unwritable() || !is_allowed || catalog == nullptr) throw;
    catalog->note_unwritten(repository.id().hex(), {plan.run, plan.service});
    // Where the journal waits as well, a warning has been given.
    if (journal.waits()) return;
    log::warning("{}; other hosts can't be kept out of service {}: begin no restore of it there",
                 error.message(), printable(plan.service));
  }
}

void end_claim(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan) {
  try {
    Claim(repository, plan.service).end(plan.run);
  } catch (const Error& error) {
    if (!error.unwritable()) throw;
    // The journal says that the run has ended, so its claim counts no more.
    if (catalog != nullptr) {
      catalog->note_unwritten(repository.id().hex(), {plan.run, plan.service});
    }
  }
}

void require_claimable(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan) {
  require_no_unwritten_run(repository, catalog, plan);
  Claim claim(repository, plan.service);
  if (!claim.rot().empty()) require_no_open_journal(repository, plan);
  claim.require_free_for(plan.run, over_in(repository, catalog));
}

void refuse_abandoned(const Journal& journal, const std::string& run) {
  std::string left;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event != Event::ended || entry.data != name_of(RunState::abandoned)) continue;
    for (const std::string& line : entry.deviations) left += "\n  " + printable(line);
  }
  refuse("run " + run + " was abandoned; it left:" + left,
         "look at what the run left, and remove by hand what nobody needs; the safety snapshot is "
         "still a point");
}

bool may_have_replaced(const Journal& journal) {
  const auto state = journal.state();
  if (state == RunState::succeeded || state == RunState::closed) return true;
  if (state == RunState::undone || state == RunState::failed) return false;
  return journal.began(StepKind::cut_over) || journal.empty() || !journal.rot().empty();
}

}  // namespace salvor::recovery::internal
