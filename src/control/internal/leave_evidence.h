#pragma once

#include <string>
#include <vector>

#include "control/caller.h"
#include "control/internal/logbook.h"
#include "evidence/evidence.h"

/// Every run leaves evidence (docs/evidence.md).
namespace salvor::control::internal {

/// What every record begins with: who, where, when, and under which objectives and policy.
/// `service`: empty for what concerns the repository; it need not be configured.
evidence::EvidenceRecord new_evidence(const config::Config& config, catalog::RunKind kind,
                                      const std::string& service, const std::string& run,
                                      const Caller& caller);

/// Closes the record now, appends it, and remembers the head of its chain. What waits in the
/// catalog comes before it; where the repository can't be written to, or the last record of the
/// chain can't be read now, the record waits there, too.
/// Where neither can be done there is a warning: a run that did what it should did not fail. Never
/// throws.
void leave_evidence(repo::Repository& repository, Logbook& logbook,
                    evidence::EvidenceRecord record);

/// Brings to the repository what waits in the catalog: journals and claims of restores, evidence.
/// Evidence that waits for one chain alone, whose last record can't be read now, keeps that of the
/// others not back. Yields why something still waits; empty: nothing does. Never throws.
std::optional<Error> catch_up(repo::Repository& repository, Logbook& logbook);

/// The records of evidence that wait for this repository (its id), in order. Never throws.
std::vector<catalog::WaitingEvidence> waiting_evidence(const std::string& repository_id,
                                                       Logbook& logbook);

/// The facts that a new recovery point of the service gets, so that its log tells when the end of
/// the evidence was cut off. Never throws.
std::map<std::string, std::string> evidence_facts(repo::Repository& repository,
                                                  const std::string& service);

/// "evidence of shop", "record 3 of the evidence of shop": what a finding is about.
std::string title_of_evidence(const std::string& service, std::uint64_t record);

/// The services that there is, or should be, evidence of; the repository's own ("") first.
std::vector<std::string> services_with_evidence(const config::Config& config,
                                                repo::Repository& repository);

/// What the catalog remembers the end of a service's chain under; the service is behind the prefix.
std::string evidence_memory(const repo::Repository& repository, std::string_view service);
/// How many records of the chain this machine has seen.
std::uint64_t evidence_seen(const repo::Repository& repository, const std::string& service,
                            Logbook& logbook);

/// Makes the chains verify again that have lost records (recovery/evidence.h); what was done, a
/// line each. `with_ends`: also where the end is cut off, as far as this machine remembers it.
/// Errors: unreachable; no_space; failed.
std::vector<std::string> repair_chains(const config::Config& config, repo::Repository& repository,
                                       Logbook& logbook, const std::string& run,
                                       const Caller& caller, bool with_ends);

/// Verifies every chain, also against what this machine remembers.   Errors: unreachable.
std::vector<evidence::EvidenceReport> verify_chains(const config::Config& config,
                                                    repo::Repository& repository, Logbook& logbook);

}  // namespace salvor::control::internal
