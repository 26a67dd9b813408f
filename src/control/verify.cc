#include "control/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/counted.h"
#include "base/written_time.h"
#include "control/caller.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/missing_evidence.h"
#include "control/internal/older_copy.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/recorded_run.h"
#include "control/read_evidence.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"

namespace salvor::control {
namespace {

/// The object that a finding is about: "log" may be damaged because "log/7 is damaged".
std::string_view damaged_object(const repo::Finding& finding) {
  const std::string_view what = finding.what;
  const std::size_t end = what.find(" is damaged");
  const bool names_it = end != std::string_view::npos && what.find(' ') == end;
  return names_it ? what.substr(0, end) : std::string_view(finding.object);
}

/// Objects: one may be damaged in several places, and what it holds is damaged with it.
std::size_t count_damages(const repo::CheckReport& check) {
  std::set<std::string_view> objects;
  std::set<std::string_view> nodes;
  for (const repo::Finding& finding : check.findings) {
    if (finding.severity != repo::Finding::Severity::damage) continue;
    const std::string_view object = damaged_object(finding);
    (object.starts_with("tree node ") ? nodes : objects).insert(object);
  }
  // What else is damaged is why they can't be read.
  return objects.empty() ? nodes.size() : objects.size();
}

/// What people read has the zone of the machine everywhere.
std::string since_text(const std::string& text) {
  const auto time = parse_time(text);
  return time ? local_time(*time) : printable(text);
}

/// Lost records that a signed record names: they are known, and count as no damage.
void note_gaps(const evidence::EvidenceReport& chain, repo::CheckReport& check) {
  std::size_t count = 0;
  std::string since;
  for (const evidence::EvidenceGap& gap : chain.gaps) {
    if (gap.named_by == 0) continue;
    ++count;
    if (since.empty() || gap.since < since) since = gap.since;
  }
  if (count == 0) return;
  check.findings.push_back(
      {repo::Finding::Severity::note, internal::title_of_evidence(chain.service, 0),
       fmt::format(
           "{} record{} lost since {}, as a signed record says: `salvor evidence list {}` "
           "shows which",
           count, count == 1 ? " is" : "s are", since_text(since),
           chain.service.empty() ? std::string(kWholeRepository) : printable(chain.service))});
}

/// Which of its records can't be read now.
void note_unreadable(const evidence::EvidenceReport& chain, VerifyReport& report) {
  for (const evidence::EvidenceGap& gap : chain.gaps) {
    if (!gap.may_come_back || gap.named_by != 0) continue;
    report.unreadable.push_back(internal::title_of_evidence(chain.service, gap.record));
  }
}

/// Damage that only a reader of the evidence can see: a wrong signature, a chain that was cut off.
void check_evidence(const config::Config& config, repo::Repository& repository,
                    internal::Logbook& logbook, VerifyReport& report) {
  repo::CheckReport& check = report.check;
  for (const evidence::EvidenceReport& chain :
       internal::verify_chains(config, repository, logbook)) {
    note_gaps(chain, check);
    note_unreadable(chain, report);
    for (const evidence::EvidenceProblem& problem : chain.problems) {
      const bool known = std::any_of(
          check.findings.begin(), check.findings.end(), [&](const repo::Finding& finding) {
            return problem.what.find(finding.object) != std::string::npos;
          });
      if (known) continue;
      check.findings.insert(
          check.findings.begin(),
          {repo::Finding::Severity::damage,
           internal::title_of_evidence(chain.service, problem.record), problem.what});
    }
  }
}

void describe(const VerifyReport& report, evidence::EvidenceRecord& evidence) {
  const repo::CheckReport& check = report.check;
  const auto damaged = count_damages(check);
  checks::CheckOutcome outcome;
  outcome.name = check.data ? "every byte" : "structure";
  outcome.kind = "repository";
  outcome.verdict = check.sound() ? checks::Verdict::passed : checks::Verdict::failed;
  outcome.expected = "no damage";
  outcome.actual =
      fmt::format("{} damaged, of {}, {}, {}, {}", damaged, counted(check.points, "point"),
                  counted(check.packs, "pack"), counted(check.chunks, "chunk"),
                  counted(check.log_entries, "log entry", "log entries"));
  outcome.seconds = report.duration_s;
  evidence.checks.push_back(std::move(outcome));
  evidence.result = check.sound() ? "succeeded" : "failed";
  if (report.accepted) evidence.deviations.push_back(report.accepted->what);
  for (const std::string& line : report.repaired)
    evidence.deviations.push_back("repaired: " + line);
  for (const repo::Finding& finding : check.findings) {
    if (finding.severity != repo::Finding::Severity::damage) continue;
    evidence.deviations.push_back(fmt::format("{}: {}", finding.object, finding.what));
  }
  if (!check.data) {
    evidence.not_covered.emplace_back("the content of packs: only `verify --data` reads it");
  }
}

VerifyReport verify_opened(const config::Config& config, const VerifyRequest& request,
                           const Caller& caller, internal::Logbook& logbook,
                           repo::Repository& repository, const std::string& run) {
  Clock& clock = Clock::system();
  const Time start = clock.monotonic();
  VerifyReport report;
  report.location = repository.location();
  report.repository = repository.id().hex();
  report.repairs = request.repair;
  const bool accepts = !request.accept_older.empty();
  // A repair may make the log longer: remember the length that was found.
  const std::uint64_t found = repository.sequence();
  const auto accept = [&] {
    report.accepted = internal::accept_older_copy(config, repository, logbook, found, run, caller);
  };
  if (accepts && (!request.repair || internal::can_read_log(repository))) accept();
  if (request.repair) {
    report.repaired = repo::repair(repository);
    repository.refresh();
    if (accepts && !report.accepted) accept();
  }
  report.is_older = !internal::note_on_older_copy(repository, logbook).empty();
  if (request.repair) {
    // Until an older copy is accepted, records that it lacks are not lost.
    for (std::string& line :
         internal::repair_chains(config, repository, logbook, run, caller, !report.is_older)) {
      report.repaired.push_back(std::move(line));
    }
  }
  repo::CheckProgress progress;
  repo::CheckOptions options;
  options.data = request.data;
  options.head_seen = logbook.head(repository.id().hex()).value_or(0);
  options.progress = &progress;
  options.stop = caller.stop;
  const internal::ProgressTicker ticker(caller, [&progress] {
    PhaseProgress phase;
    phase.phase = "verify";
    phase.bytes = progress.bytes;
    phase.bytes_expected = progress.bytes_expected;
    return phase;
  });
  report.check = repo::check(repository, options);
  if (request.repair && report.check.has_bad_packs()) {
    for (std::string& line : repo::repair_packs(repository, report.check)) {
      report.repaired.push_back(std::move(line));
    }
    // Every byte that is left has been read just now, but for those that the medium does not give:
    // what these affect only a look at all of it finds.
    options.data = !report.check.unreadable_packs.empty();
    report.check = repo::check(repository, options);
    report.check.data = request.data;
  }
  if (report.check.sound()) logbook.note_head(repository.id().hex(), repository.sequence());
  check_evidence(config, repository, logbook, report);
  report.duration_s = clock.monotonic().seconds_since(start);
  return report;
}

/// Errors: not_found: another repository's older copy was meant.
void require_id(const VerifyRequest& request, const repo::Repository& repository) {
  const std::string id = repository.id().hex();
  if (request.accept_older.empty() || request.accept_older == id) return;
  throw Error(ErrorCode::not_found,
              fmt::format("there is no repository {} at {}, but {}",
                          printable(request.accept_older), printable(repository.location()), id),
              "compare the ids, and the place in the configuration; nothing was accepted");
}

}  // namespace

std::optional<Error> VerifyReport::damage() const {
  if (check.sound()) return std::nullopt;
  const std::string repair = fmt::format("salvor verify {}--repair", check.data ? "--data " : "");
  std::string hint;
  if (is_older) {
    hint =
        "put the newer copy of the repository in its place again, or accept this one; a repair "
        "comes after that";
  } else if (!repairs) {
    hint = fmt::format(
        "run {}: it repairs what can be repaired from the remaining objects, and removes no data; "
        "then run salvor backup, which stores again what the live data still has",
        repair);
  } else {
    hint =
        "the remaining objects do not have what is still damaged: run salvor backup, which "
        "stores again what the live data still has, and then salvor verify --data; another copy "
        "of the repository may have the rest";
    if (!check.data) {
      hint += "; to repair within packs, too, run salvor verify --data --repair";
    }
  }
  if (!is_older && !unreadable.empty()) {
    hint += fmt::format(
        "; {} can't be read now, and no repair says that it is lost: make the medium readable "
        "again, or, once it is sure that it is broken there, move that object out of the "
        "repository, and run salvor verify --repair",
        fmt::join(unreadable, ", "));
  }
  if (!check.unreadable_packs.empty()) {
    hint += fmt::format(
        "; the medium does not give {} now: make the medium readable again; or, once it is sure "
        "that it is broken there, put a copy of what can be read in its place (ddrescue makes "
        "one); then run salvor verify --data --repair, which takes what is sound in",
        fmt::join(check.unreadable_names(), ", "));
  }
  if (check.data && !check.affected.empty()) hint += "; the points that are not listed are whole";
  const std::size_t count = count_damages(check);
  return Error(ErrorCode::corruption,
               fmt::format("the repository is damaged: found {} damaged or missing object{}, "
                           "expected none",
                           count, count == 1 ? "" : "s"),
               hint);
}

VerifyReport verify(const config::Config& config, const VerifyRequest& request,
                    const Caller& caller) {
  internal::RunWarnings warnings(caller);
  internal::Logbook logbook(config);
  internal::Opened opened;
  internal::RecordedRun run(config, logbook, catalog::RunKind::verify, {}, caller, warnings);
  run.tell_began({});
  return run.carry_out([&] {
    opened = internal::open_repository(
        config, request.repair ? repo::Access::repair : repo::Access::inspect, caller.stop);
    run.opened(*opened.repository);
    require_id(request, *opened.repository);
    // A repair writes to the log. Refuse it for an older copy, which would become as long as the
    // newer one was. A log that has lost its last entries counts as an older copy.
    if (request.repair && request.accept_older.empty()) {
      internal::compare_head(*opened.repository, logbook, internal::ShorterLog::refuse);
    }
    VerifyReport report =
        verify_opened(config, request, caller, logbook, *opened.repository, run.id());
    // Not before: others may write on, and this copy would look like an older one.
    internal::settle_ended_restores(config, *opened.repository, logbook);
    report.run = run.id();
    describe(report, run.evidence());
    const auto damage = report.damage();
    run.finish(report, {damage ? catalog::RunState::failed : catalog::RunState::succeeded,
                        damage ? damage->message() : "", damage});
    return report;
  });
}

}  // namespace salvor::control
