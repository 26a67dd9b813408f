#include "control/internal/leave_evidence.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process_identity.h"
#include "control/internal/opened.h"
#include "control/internal/policy.h"
#include "control/service_status.h"
#include "control/version.h"

namespace salvor::control::internal {
namespace {

std::string name_of_user(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return fmt::format("uid {}", uid);
  }
  return found->pw_name;
}

/// Who started this process. SUDO_USER counts for root only, since anybody else could set it.
std::string started_by() {
  const uid_t uid = ::getuid();
  const char* behind = std::getenv("SUDO_USER");
  if (uid != 0 || behind == nullptr || *behind == '\0') return name_of_user(uid);
  return fmt::format("{} (through sudo, as {})", behind, name_of_user(uid));
}

}  // namespace

std::string evidence_memory(const repo::Repository& repository, std::string_view service) {
  return fmt::format("{}/evidence/{}", repository.id().hex(), service);
}

std::uint64_t evidence_seen(const repo::Repository& repository, const std::string& service,
                            Logbook& logbook) {
  return logbook.head(evidence_memory(repository, service)).value_or(0);
}

evidence::EvidenceRecord new_evidence(const config::Config& config, catalog::RunKind kind,
                                      const std::string& service, const std::string& run,
                                      const Caller& caller) {
  evidence::EvidenceRecord record;
  record.kind = name_of(kind);
  record.run = run;
  record.service = service;
  record.host = host_name();
  record.version = version();
  record.trigger = caller.trigger;
  record.started = Clock::system().now();
  record.started_by = started_by();
  record.told_started_by = caller.started_by;
  record.told_approved_by = caller.approved_by;
  if (!caller.started_by.empty() || !caller.approved_by.empty()) record.told_by_uid = ::getuid();
  if (const service::Service* known = config.find_service(service)) {
    record.policy_sha256 = policy_sha256(*known);
    record.rpo_objective_s = known->rpo_s;
    record.rto_objective_s = known->rto_s;
  }
  return record;
}

namespace {

/// Warns once that a chain can't be continued now, and says what to do.
void warn_of_chain(const Error& why) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  if (!told.insert(why.message()).second) return;
  log::warning("{}; evidence of it waits in this machine's catalog; {}", why.message(), why.hint());
}

void warn_of(const repo::Repository& repository, const Error& why) {
  if (evidence::is_chain_unreadable(why)) {
    warn_of_chain(why);
  } else if (why.unwritable()) {
    warn_unwritable(repository, why);
  }
}

/// In order. Ends at the first that can't be appended; where that is due to its chain alone, those
/// of the other chains go on. Yields the services of such chains, and why.
std::map<std::string, Error> append_what_waits(repo::Repository& repository, Logbook& logbook) {
  const Fd lock = logbook.lock_waiting();
  catalog::Catalog& catalog = *logbook.catalog();
  std::map<std::string, Error> stopped;
  // Ask what waits only now: another process may have appended it while we waited for the lock.
  for (const auto& waiting : catalog.waiting_evidence(repository.id().hex())) {
    if (stopped.contains(waiting.service)) continue;
    try {
      const evidence::EvidenceHead head = evidence::append_waiting(
          repository, {waiting.service, waiting.envelope, waiting.reason, waiting.after},
          evidence_seen(repository, waiting.service, logbook));
      logbook.note_head(evidence_memory(repository, waiting.service), head.sequence);
    } catch (const Error& error) {
      if (evidence::is_chain_unreadable(error)) {
        warn_of_chain(error);
        stopped.emplace(waiting.service, error);
        continue;
      }
      if (error.code() != ErrorCode::corruption) throw;
      log::warning("a record of evidence in the catalog of this machine is passed over, as {}",
                   error.message());
    }
    catalog.forget_evidence(waiting.number);
  }
  return stopped;
}

/// Yields that the repository, or this chain, can't be written to.   Errors: all others.
std::optional<Error> append_or_say_why(repo::Repository& repository, Logbook& logbook,
                                       const evidence::EvidenceRecord& record) {
  try {
    const std::uint64_t seen = evidence_seen(repository, record.service, logbook);
    const evidence::EvidenceHead head = evidence::append(repository, record, seen);
    logbook.note_head(evidence_memory(repository, record.service), head.sequence);
    return std::nullopt;
  } catch (const Error& error) {
    if (!error.unwritable()) throw;
    return error;
  }
}

/// Signs a record, and leaves it to a later run to append.   Errors: those of the catalog.
bool keep_waiting(repo::Repository& repository, Logbook& logbook,
                  const evidence::EvidenceRecord& record, const Error& why) {
  if (logbook.catalog() == nullptr) return false;
  catalog::WaitingEvidence waiting;
  waiting.service = record.service;
  waiting.envelope = evidence::seal_waiting(repository, record);
  waiting.reason = why.message();
  waiting.after = evidence::head_of(repository, record.service).sequence;
  logbook.catalog()->keep_evidence(repository.id().hex(), waiting);
  return true;
}

/// An older copy gets nothing until it is accepted: what is appended to it would take the numbers
/// of records that are lost with the newer one, and hide that they are.
std::optional<Error> older_copy_of(repo::Repository& repository, Logbook& logbook) {
  const std::string older = note_on_older_copy(repository, logbook);
  if (older.empty()) return std::nullopt;
  return Error(ErrorCode::corruption, "this is an older copy of the repository: " + older);
}

/// The records that still wait.
struct Waiting {
  std::optional<Error> why_all;         ///< of all that waits; empty: it was brought
  std::map<std::string, Error> chains;  ///< the services whose evidence alone waits, and why

  std::optional<Error> why_of(const std::string& service) const {
    const auto found = chains.find(service);
    return found == chains.end() ? why_all : std::optional(found->second);
  }
};

/// Never throws.
Waiting bring_what_waits(repo::Repository& repository, Logbook& logbook) {
  if (logbook.catalog() == nullptr) return {};
  if (auto older = older_copy_of(repository, logbook)) return {std::move(older), {}};
  try {
    recovery::catch_up(repository, *logbook.catalog());
    if (!waiting_evidence(repository.id().hex(), logbook).empty()) {
      return {std::nullopt, append_what_waits(repository, logbook)};
    }
    return {};
  } catch (const std::exception& exception) {
    const auto* known = dynamic_cast<const Error*>(&exception);
    Error error = known != nullptr ? *known : Error(ErrorCode::failed, exception.what());
    if (!error.unwritable()) {
      log::warning("what waits in the catalog could not be written to the repository: {}",
                   error.message());
    }
    return {std::move(error), {}};
  }
}

}  // namespace

std::optional<Error> catch_up(repo::Repository& repository, Logbook& logbook) {
  const Waiting waits = bring_what_waits(repository, logbook);
  if (waits.why_all || waits.chains.empty()) return waits.why_all;
  return waits.chains.begin()->second;
}

std::vector<catalog::WaitingEvidence> waiting_evidence(const std::string& repository_id,
                                                       Logbook& logbook) {
  if (logbook.catalog() == nullptr || repository_id.empty()) return {};
  try {
    return logbook.catalog()->waiting_evidence(repository_id);
  } catch (const Error& error) {
    log::warning("the evidence that waits in the catalog can't be read: {}", error.message());
    return {};
  }
}

void leave_evidence(repo::Repository& repository, Logbook& logbook,
                    evidence::EvidenceRecord record) {
  record.ended = Clock::system().now();
  try {
    // Append the waiting records first: the chain is in the order of the runs.
    const Waiting waits = bring_what_waits(repository, logbook);
    auto why = waits.why_of(record.service);
    const bool is_older = older_copy_of(repository, logbook).has_value();
    // Waiting journals do not hold evidence back.
    const bool is_free =
        waits.why_all && !is_older && waiting_evidence(repository.id().hex(), logbook).empty();
    if (!why || is_free) {
      why = append_or_say_why(repository, logbook, record);
    }
    if (!why) return;
    warn_of(repository, *why);
    if (keep_waiting(repository, logbook, record, *why)) return;
    log::warning("no evidence could be written of run {}: {}", record.run, why->message());
  } catch (const std::exception& error) {
    log::warning("the evidence of run {} could not be written: {}", record.run, error.what());
  }
}

std::map<std::string, std::string> evidence_facts(repo::Repository& repository,
                                                  const std::string& service) {
  try {
    const evidence::EvidenceHead head = evidence::head_of(repository, service);
    if (head.sequence == 0) return {};
    return {{std::string(evidence::kEvidenceHeadFact), evidence::to_fact(head)}};
  } catch (const Error& error) {
    log::warning("the evidence can't be read: {}", error.message());
    return {};
  }
}

std::string title_of_evidence(const std::string& service, std::uint64_t record) {
  const std::string whole = service.empty() ? "the repository" : printable(service);
  if (record == 0) return "the evidence of " + whole;
  return fmt::format("record {} of the evidence of {}", record, whole);
}

std::vector<std::string> services_with_evidence(const config::Config& config,
                                                repo::Repository& repository) {
  std::set<std::string> services = {""};
  for (const service::Service& service : config.services) services.insert(service.name);
  for (const repo::Point& point : repository.points()) services.insert(point.service);
  for (const std::string& service : evidence::services_in(repository)) {
    services.insert(service);
  }
  return {services.begin(), services.end()};
}

std::vector<std::string> repair_chains(const config::Config& config, repo::Repository& repository,
                                       Logbook& logbook, const std::string& run,
                                       const Caller& caller, bool with_ends) {
  std::vector<std::string> done;
  for (const std::string& service : services_with_evidence(config, repository)) {
    const std::uint64_t seen = with_ends ? evidence_seen(repository, service, logbook) : 0;
    auto record = new_evidence(config, catalog::RunKind::verify, service, run, caller);
    for (std::string& line : evidence::repair_chain(repository, std::move(record), seen)) {
      done.push_back(std::move(line));
    }
    logbook.note_head(evidence_memory(repository, service),
                      evidence::head_of(repository, service).sequence);
  }
  return done;
}

std::vector<evidence::EvidenceReport> verify_chains(const config::Config& config,
                                                    repo::Repository& repository,
                                                    Logbook& logbook) {
  std::vector<evidence::EvidenceReport> reports;
  for (const std::string& service : services_with_evidence(config, repository)) {
    reports.push_back(
        evidence::verify_chain(repository, service, evidence_seen(repository, service, logbook)));
  }
  return reports;
}

}  // namespace salvor::control::internal
