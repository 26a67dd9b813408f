#pragma once

#include "recovery/claim.h"
#include "recovery/execute.h"

/// What is asked before a run is resumed, undone, closed or abandoned.
namespace salvor::recovery::internal {

JournalEntry event(Event event, std::string data = {});
JournalEntry end_of_run(RunState state);

[[noreturn]] void refuse(const std::string& message, const std::string& hint = {});

/// Errors: refused, for a drill.
void require_restore(const Plan& plan);

/// Nobody else may carry the run out, nor may one of its commands that has outlived its process.
/// Errors: conflict: its process is alive; or is on another host, unless `takeover`.
void require_alone(const Journal& journal, const std::string& run, bool takeover);

/// Whether a record's run is over. One whose journal has rotten is passed over with a warning,
/// unless its process may be alive.   Lifetime: of what it refers to.
Claim::IsOver over_in(repo::Repository& repository, catalog::Catalog* catalog);

/// Has the service for a run. Where the newest claim has rotten, the journals say who restores it.
/// Where the repository can't be written to, and the journal allows it, there is no claim, as a
/// warning says: then only other runs of this machine are kept out.
/// Errors: conflict: another run has begun and is not over.
void begin_claim(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan,
                 const Journal& journal);

/// Ends the claim of a run whose journal has ended. Where the repository can't be written to, that
/// is left to catch_up().
void end_claim(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan);

/// The runs of a service that the repository lacks something of, with their journals. Empty
/// without a catalog.
struct UnwrittenRestore {
  Plan plan;
  Journal journal;
};
std::vector<UnwrittenRestore> unwritten_restores(repo::Repository& repository,
                                                 catalog::Catalog* catalog,
                                                 const std::string& service);

/// The same without writing.
void require_claimable(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan);

/// Errors: refused, always, with what the run has left.
[[noreturn]] void refuse_abandoned(const Journal& journal, const std::string& run);

/// Whether a run has put its data in the place of what was live, for all that its journal says.
bool may_have_replaced(const Journal& journal);

}  // namespace salvor::recovery::internal
