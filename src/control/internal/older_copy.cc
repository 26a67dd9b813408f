#include "control/internal/older_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/process_identity.h"
#include "control/internal/leave_evidence.h"
#include "recovery/execute.h"

namespace salvor::control::internal {
namespace {

using nlohmann::json;

/// The services of which this machine has seen longer evidence, and how long.
std::map<std::string, std::uint64_t> shorter_chains(repo::Repository& repository,
                                                    Logbook& logbook) {
  std::map<std::string, std::uint64_t> shorter;
  const std::string prefix = evidence_memory(repository, "");
  for (const std::string& name : logbook.heads_below(prefix)) {
    const std::string service = name.substr(prefix.size());
    const std::uint64_t seen = logbook.head(name).value_or(0);
    if (evidence::head_of(repository, service).sequence < seen) shorter[service] = seen;
  }
  return shorter;
}

/// The restores that this machine has recorded of the repository, the oldest first.
std::vector<std::string> restores_known(catalog::Catalog& catalog, const std::string& repository) {
  catalog::RunFilter filter;
  filter.kind = catalog::RunKind::restore;
  filter.repository = repository;
  filter.limit = std::numeric_limits<std::int32_t>::max();
  std::vector<std::string> runs;
  for (const catalog::RunRow& row : catalog.runs(filter)) runs.push_back(row.id.text);
  std::ranges::reverse(runs);
  return runs;
}

std::vector<std::string> deviations_of(const OlderCopy& older) {
  std::vector<std::string> lines = {older.what};
  lines.insert(lines.end(), older.lost.begin(), older.lost.end());
  for (const std::string& run : older.resumed) {
    lines.push_back("written back from this machine's catalog: restore " + run);
  }
  return lines;
}

/// The safety snapshots of a restore that the repository does not have.
std::vector<std::string> lost_safety_points(repo::Repository& repository, const std::string& run) {
  std::vector<std::string> lost;
  const auto outcome = recovery::find_run(repository, run);
  if (!outcome) return lost;
  for (const repo::PointId& id : outcome->safety_points) {
    if (repository.find_point(id) != nullptr) continue;
    lost.push_back(
        fmt::format("recovery point {}, the safety snapshot of restore {}", id.hex(), run));
  }
  return lost;
}

/// Whether this host has signed already, in the repository's own evidence, that it accepts a copy
/// that lacks all of that.
bool is_signed(repo::Repository& repository, const std::string& host,
               const std::vector<std::string>& lost) {
  bool is_found = false;
  evidence::read_chain(repository, "", [&](const evidence::StoredEvidence& stored) {
    if (is_found || !stored.problem.empty()) return;
    try {
      const json statement = parse_json(evidence::summarise(stored.envelope).statement);
      const json& predicate = statement.at("predicate");
      if (predicate.value("kind", json()) != "accept") return;
      if (predicate.value("host", json()) != host) return;
      const json lines = predicate.value("deviations", json::array());
      is_found = std::ranges::all_of(lost, [&lines](const std::string& line) {
        return std::find(lines.begin(), lines.end(), json(line)) != lines.end();
      });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption) throw;
    }
  });
  return is_found;
}

/// Signs in a chain that the copy is accepted, and takes its end as the one to compare with. False:
/// the chain can't be continued now, and `older` says so.
bool accept_chain(repo::Repository& repository, Logbook& logbook, evidence::EvidenceRecord record,
                  OlderCopy& older) {
  record.kind = "accept";
  record.result = "succeeded";
  record.ended = Clock::system().now();
  record.confirmed_by = record.started_by;
  record.deviations = deviations_of(older);
  try {
    const evidence::EvidenceHead head = evidence::append(repository, record);
    logbook.set_head_back(evidence_memory(repository, record.service), head.sequence);
    return true;
  } catch (const Error& error) {
    if (!evidence::is_chain_unreadable(error)) throw;
    older.refused.push_back(error.message() + "; " + error.hint());
    return false;
  }
}

}  // namespace

bool can_read_log(const repo::Repository& repository) {
  const auto findings = repository.findings();
  return std::ranges::none_of(findings, [](const repo::Finding& finding) {
    const bool is_log = finding.object == "log" || finding.object.starts_with("log/");
    return is_log && finding.severity == repo::Finding::Severity::damage;
  });
}

std::optional<OlderCopy> accept_older_copy(const config::Config& config,
                                           repo::Repository& repository, Logbook& logbook,
                                           std::uint64_t found, const std::string& run,
                                           const Caller& caller) {
  const std::string id = repository.id().hex();
  OlderCopy older;
  older.seen = logbook.head(id).value_or(0);
  older.found = found;
  if (logbook.catalog() == nullptr) return std::nullopt;
  const auto shorter = shorter_chains(repository, logbook);
  const bool has_shorter_log = older.seen > older.found;
  older.what = "an older copy of the repository was accepted: " +
               (has_shorter_log
                    ? fmt::format("its log ends at {}, and this machine had seen it at {}",
                                  older.found, older.seen)
                    : "its log is as long as this machine has seen it, but other records are not");
  if (has_shorter_log && !can_read_log(repository)) {
    throw Error(ErrorCode::corruption,
                "the repository's log is damaged, so that where it ends is not known",
                "add --repair");
  }
  older.resumed = recovery::put_back_runs(repository, *logbook.catalog(),
                                          restores_known(*logbook.catalog(), id));
  // If the copy was used since, its log may be long enough.
  if (!has_shorter_log && shorter.empty() && older.resumed.empty()) return std::nullopt;
  for (const auto& [service, seen] : shorter) {
    // Other hosts may have written records, and the copy may have got others since with the same
    // numbers.
    const std::uint64_t last = evidence::head_of(repository, service).sequence;
    older.lost.push_back(
        fmt::format("{} ends at record {}, and this machine had seen it at {}: at least {} {} lost",
                    title_of_evidence(service, 0), last, seen, seen - last,
                    seen - last == 1 ? "record is" : "records are"));
  }
  for (const std::string& restore : older.resumed) {
    for (std::string& line : lost_safety_points(repository, restore)) {
      older.lost.push_back(std::move(line));
    }
  }
  const auto accept = [&](const std::string& service) {
    auto record = new_evidence(config, catalog::RunKind::verify, service, run, caller);
    return accept_chain(repository, logbook, std::move(record), older);
  };
  // The repository's own chain says it in any case, but not a second time where only chains that
  // could not be continued before are left.
  const bool is_rest = !has_shorter_log && older.resumed.empty() && !shorter.contains("");
  const bool is_said = (is_rest && is_signed(repository, host_name(), older.lost)) || accept("");
  for (const auto& [service, seen] : shorter) {
    if (!service.empty()) accept(service);
  }
  // Write the loss into the evidence before the memory of it is given up.
  if (is_said) logbook.set_head_back(id, repository.sequence());
  return older;
}

}  // namespace salvor::control::internal
