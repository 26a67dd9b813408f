#include "control/internal/drill_history.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "control/internal/leave_evidence.h"
#include "control/service_status.h"
#include "evidence/evidence.h"
#include "evidence/statement_parts.h"

namespace salvor::control::internal {
namespace {

using catalog::RunState;
using evidence::list_in;
using evidence::number_in;
using evidence::part_in;
using evidence::string_in;
using nlohmann::json;

/// After this many records the search for a drill ends. They cover years.
constexpr std::uint64_t kRecordsMax = 5'000;

/// The members that the report of a drill and its evidence share.
void read_checks(const json& object, DrillSummary& summary) {
  for (const json& check : list_in(object, "checks")) {
    const std::string verdict = string_in(check, "verdict");
    const bool bad = verdict == name_of(checks::Verdict::failed) ||
                     verdict == "impossible";  // of an older version
    if (bad) summary.failed_checks.push_back(string_in(check, "name"));
  }
  for (const json& line : list_in(object, "not_covered")) {
    if (line.is_string()) summary.not_covered.push_back(line);
  }
}

void read_phases(const json& list, const char* name, DrillSummary& summary) {
  for (const json& phase : list) {
    const auto result = recovery::parse_step_result(string_in(phase, "result"));
    if (!result) continue;
    recovery::StepOutcome& outcome = summary.phases.emplace_back();
    outcome.id = recovery::parse_step(string_in(phase, name));
    outcome.result = *result;
    outcome.seconds = number_in(phase, "seconds").value_or(0);
  }
}

DrillSummary summary_of(const catalog::RunRow& row) {
  DrillSummary summary;
  summary.run = row.id.text;
  summary.time = row.started;
  summary.state = row.state;
  if (row.ended) summary.seconds = row.ended->seconds_since(row.started);
  const json report = try_parse_json(row.summary_json);
  if (!report.is_object()) return summary;
  // A failed drill has no recovery time: show how long all of it took, as its evidence does.
  const bool recovered = row.state == catalog::RunState::succeeded && report.contains("recovery_s");
  summary.seconds = number_in(report, recovered ? "recovery_s" : "seconds").value_or(0);
  summary.whole = report.value("whole", true);
  summary.point = repo::PointId::parse(string_in(report, "point")).value_or(repo::PointId());
  read_phases(list_in(report, "phases"), "name", summary);
  read_checks(report, summary);
  return summary;
}

DrillSummary summary_of(const evidence::EvidenceSummary& evidence) {
  DrillSummary summary;
  summary.run = evidence.run;
  summary.time = parse_time(evidence.started).value_or(Time{});
  summary.state = catalog::parse_run_state(evidence.result).value_or(RunState::failed);
  summary.point = repo::PointId::parse(evidence.point).value_or(repo::PointId());
  if (!evidence.was_late) summary.sequence = evidence.sequence;
  const json statement = try_parse_json(evidence.statement);
  const json& predicate = part_in(statement, "predicate");
  const json& measured = part_in(predicate, "measured");
  summary.seconds = number_in(measured, "rto_s").value_or(0);
  summary.whole = measured.contains("rto_s");
  if (!summary.whole) {
    const Time ended = parse_time(evidence.ended).value_or(summary.time);
    summary.seconds = ended.seconds_since(summary.time);
  }
  read_phases(list_in(measured, "phases"), "step", summary);
  read_checks(predicate, summary);
  return summary;
}

bool is_newer(const DrillSummary& drill, const DrillSummary& than) {
  if (drill.sequence != 0 && than.sequence != 0) return drill.sequence > than.sequence;
  // The true time of a drill from the future is not known.
  const Time now = Clock::system().now();
  const bool is_ahead = drill.time > now;
  return is_ahead == (than.time > now) ? drill.time > than.time : !is_ahead;
}

/// Of two drills that began at the same time, the first one that is offered counts.
void take_newer(const std::optional<DrillSummary>& other, std::optional<DrillSummary>& summary) {
  if (other && (!summary || is_newer(*other, *summary))) summary = other;
}

bool proves(const DrillSummary& drill) {
  return drill.state == RunState::succeeded && drill.whole;
}

/// One that was interrupted, or was not whole, says nothing of what can be restored.
bool is_verdict(const DrillSummary& drill) {
  return drill.state == RunState::failed || proves(drill);
}

/// Drills come in any order.
void take(const DrillSummary& drill, DrillHistory& history) {
  if (proves(drill)) take_newer(drill, history.last_success);
  take_newer(drill, history.last);
}

/// Whether no record before this one is of a run that began after `time`: they were written
/// earlier, though not always in the order of the runs, as one may have waited. Clocks of hosts
/// differ, and between the end of a run and its record others may be written.
bool is_end_of_search(const evidence::EvidenceSummary& evidence, Time time) {
  constexpr double kMargin_s = 24.0 * 3600;
  const auto ended = parse_time(evidence.ended);
  return !evidence.was_late && ended && time.seconds_since(*ended) > kMargin_s;
}

DrillHistory read_catalog(catalog::Catalog& catalog, const std::string& id,
                          const std::string& service) {
  DrillHistory history;
  catalog::RunFilter filter{
      .service = service, .kind = catalog::RunKind::drill, .limit = 1, .repository = id};
  // In the order in which they were recorded.
  for (const catalog::RunRow& row : catalog.runs(filter)) history.last = summary_of(row);
  // A drill of some stores proves nothing, but an older one may.
  constexpr std::size_t kLookedAt = 50;
  filter.state = RunState::succeeded;
  filter.limit = kLookedAt;
  for (const catalog::RunRow& row : catalog.runs(filter)) {
    DrillSummary drill = summary_of(row);
    if (history.last_success || !proves(drill)) continue;
    history.last_success = std::move(drill);
  }
  return history;
}

/// Shows `see` the records of a service, the newest first, until it says that it has seen enough.
/// `miss` is told the numbers of those that are damaged or lost: an older record may still answer.
void walk_back(repo::Repository& repository, const std::string& service,
               const std::function<bool(const evidence::EvidenceSummary& record)>& see,
               const std::function<void(std::uint64_t number)>& miss) {
  const std::uint64_t newest = evidence::head_of(repository, service).sequence;
  const std::uint64_t oldest = newest > kRecordsMax ? newest - kRecordsMax : 0;
  for (std::uint64_t number = newest; number > oldest; --number) {
    try {
      const auto envelope = evidence::find_envelope(repository, service, number);
      if (envelope && see(evidence::summarise(*envelope))) return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption) throw;
      miss(number);
    }
  }
}

bool is_of_drill(const evidence::EvidenceSummary& evidence) {
  return evidence.kind == name_of(catalog::RunKind::drill);
}

DrillHistory read_evidence(repo::Repository& repository, const std::string& service) {
  DrillHistory history;
  std::set<std::uint64_t> named;
  // Older records are of earlier drills, except records that had to wait.
  bool is_proved = false;
  const auto see = [&](const evidence::EvidenceSummary& evidence) {
    if (is_of_drill(evidence)) {
      const DrillSummary drill = summary_of(evidence);
      history.recorded.insert(drill.run);
      take(drill, history);
      is_proved = is_proved || (proves(drill) && !evidence.was_late);
    }
    named.insert(evidence.lost.begin(), evidence.lost.end());
    return history.last_success && is_end_of_search(evidence, history.last_success->time);
  };
  walk_back(repository, service, see, [&](std::uint64_t number) {
    if (!is_proved) ++(named.contains(number) ? history.lost : history.damaged);
  });
  return history;
}

/// Signed records that wait for the repository prove as much as those that it has: they say whose
/// they are, and of which repository.
void see_waiting(repo::Repository& repository, const std::string& service, Logbook& logbook,
                 const std::function<void(DrillSummary drill)>& see) {
  const auto waiting = waiting_evidence(repository.id().hex(), logbook);
  for (auto record = waiting.rbegin(); record != waiting.rend(); ++record) {
    if (record->service != service) continue;
    try {
      const auto evidence = evidence::summarise_waiting(repository, record->envelope);
      if (!is_of_drill(evidence)) continue;
      DrillSummary summary = summary_of(evidence);
      summary.evidence_waits = true;
      see(std::move(summary));
    } catch (const Error& error) {
      // The run that appends the record reports it.
      if (error.code() != ErrorCode::corruption) throw;
    }
  }
}

DrillHistory read_waiting(repo::Repository& repository, const std::string& service,
                          Logbook& logbook) {
  DrillHistory history;
  see_waiting(repository, service, logbook,
              [&](const DrillSummary& drill) { take(drill, history); });
  return history;
}

/// The newest drill of a point, and the newest of all, from several sources in any order.
class NewestDrill {
 public:
  using Counts = std::function<bool(const DrillSummary& drill)>;

  /// `counts`: the others are passed over.
  NewestDrill(const repo::PointId& point, Counts counts)
      : point_(point), counts_(std::move(counts)) {}

  const repo::PointId& point() const { return point_; }

  void see(const DrillSummary& drill) {
    if (counts_(drill)) take_newer(drill, drill.point == point_ ? of_point_ : other_);
  }
  void see(const NewestDrill& others) {
    for (const auto& drill : {others.of_point_, others.other_}) {
      if (drill) see(*drill);
    }
  }
  /// Drills that began before this can't be chosen any more; empty: each can. `point`: when the
  /// point was taken, as no drill of it is older.
  std::optional<Time> since(Time point) const {
    if (of_point_) return of_point_->time;
    if (!other_) return std::nullopt;
    return point_.is_zero() ? other_->time : std::min(point, other_->time);
  }
  std::optional<DrillSummary> choose() const { return of_point_ ? of_point_ : other_; }

 private:
  const repo::PointId point_;
  const Counts counts_;
  std::optional<DrillSummary> of_point_;
  std::optional<DrillSummary> other_;
};

/// `point`: when it was taken. Yields the runs that it has seen.
std::set<std::string> see_evidence(repo::Repository& repository, const std::string& service,
                                   Time point, NewestDrill& newest) {
  std::set<std::string> recorded;
  const auto see = [&](const evidence::EvidenceSummary& evidence) {
    if (is_of_drill(evidence)) {
      newest.see(summary_of(evidence));
      recorded.insert(evidence.run);
    }
    const auto since = newest.since(point);
    return since && is_end_of_search(evidence, *since);
  };
  walk_back(repository, service, see, [](std::uint64_t) {});
  return recorded;
}

/// The order of the drills in the evidence is known from the evidence only.
void see_catalog(catalog::Catalog& catalog, const std::string& id, const std::string& service,
                 const std::set<std::string>& recorded, NewestDrill& newest) {
  const catalog::RunFilter filter{
      .service = service, .kind = catalog::RunKind::drill, .repository = id};
  for (const catalog::RunRow& row : catalog.runs(filter)) {
    const bool is_told = row.state == RunState::running || recorded.contains(row.id.text);
    if (!is_told) newest.see(summary_of(row));
  }
}

/// What the catalog knows beyond the evidence: drills that still run, or could leave no evidence.
/// They prove nothing while the repository is there to prove it.
void add_unwritten(const DrillHistory& remembered, DrillHistory& history) {
  if (!remembered.last) return;
  if (!history.recorded.contains(remembered.last->run)) take_newer(remembered.last, history.last);
  // The catalog has more details of the same drill.
  if (history.last->run != remembered.last->run) return;
  const bool waits = history.last->evidence_waits;
  history.last = remembered.last;
  history.last->evidence_waits = waits;
}

}  // namespace

DrillHistory read_drill_history(Logbook& logbook, const std::string& id,
                                repo::Repository* repository, const std::string& service) {
  DrillHistory remembered;
  DrillHistory history;
  try {
    if (logbook.catalog() != nullptr && !id.empty()) {
      remembered = read_catalog(*logbook.catalog(), id, service);
    }
    if (repository == nullptr) return remembered;
    history = read_evidence(*repository, service);
    const DrillHistory waiting = read_waiting(*repository, service, logbook);
    take_newer(waiting.last, history.last);
    take_newer(waiting.last_success, history.last_success);
    add_unwritten(remembered, history);
  } catch (const Error& error) {
    log::warning("the history of the drills of {} can't be read: {}", service, error.message());
  }
  return history;
}

std::optional<DrillSummary> newest_drill(Logbook& logbook, repo::Repository& repository,
                                         const repo::Point& point) {
  NewestDrill newest(point.id, [](const DrillSummary&) { return true; });
  try {
    const std::set<std::string> recorded =
        see_evidence(repository, point.service, point.time, newest);
    if (logbook.catalog() != nullptr) {
      see_catalog(*logbook.catalog(), repository.id().hex(), point.service, recorded, newest);
    }
  } catch (const Error& error) {
    log::warning("the history of the drills of {} can't be read: {}", printable(point.service),
                 error.message());
  }
  return newest.choose();
}

std::optional<DrillSummary> newest_verdict(Logbook& logbook, const std::string& id,
                                           repo::Repository* repository, const std::string& service,
                                           const repo::Point* point) {
  NewestDrill newest(point == nullptr ? repo::PointId() : point->id, is_verdict);
  // A success that the catalog alone knows proves nothing where the repository is there.
  NewestDrill failures(newest.point(), [&](const DrillSummary& drill) {
    return is_verdict(drill) && (repository == nullptr || !proves(drill));
  });
  try {
    std::set<std::string> recorded;
    if (repository != nullptr) {
      recorded =
          see_evidence(*repository, service, point == nullptr ? Time{} : point->time, newest);
      see_waiting(*repository, service, logbook, [&](const DrillSummary& drill) {
        newest.see(drill);
        recorded.insert(drill.run);
      });
    }
    if (logbook.catalog() != nullptr && !id.empty()) {
      see_catalog(*logbook.catalog(), id, service, recorded, failures);
      newest.see(failures);
    }
  } catch (const Error& error) {
    log::warning("the history of the drills of {} can't be read: {}", printable(service),
                 error.message());
  }
  return newest.choose();
}

std::map<repo::PointId, std::string> failed_drills(Logbook& logbook, const std::string& id) {
  std::map<repo::PointId, std::string> failed;
  if (logbook.catalog() == nullptr) return failed;
  try {
    std::set<repo::PointId> told;
    for (const catalog::RunRow& row :
         logbook.catalog()->runs({.kind = catalog::RunKind::drill, .repository = id})) {
      const DrillSummary drill = summary_of(row);
      const bool counts = is_verdict(drill) && !drill.point.is_zero();
      if (!counts || !told.insert(drill.point).second) continue;
      if (drill.has_failed()) failed.emplace(drill.point, drill.run);
    }
  } catch (const Error& error) {
    log::warning("the history of the drills can't be read: {}", error.message());
  }
  return failed;
}

double drill_limit_s(const service::Service& service, Time now) {
  constexpr double kWithoutSchedule_s = 31.0 * 24 * 3600;
  constexpr double kIntervals = 1.5;
  constexpr int kLookedAt = 12;
  if (!service.schedule.drill) return kWithoutSchedule_s;
  // Schedules need not be regular: the longest pause counts.
  double longest_s = 0;
  Time at = service.schedule.drill->next_after(now, service.schedule.zone);
  for (int i = 0; i < kLookedAt; ++i) {
    const Time next = service.schedule.drill->next_after(at, service.schedule.zone);
    longest_s = std::max(longest_s, next.seconds_since(at));
    at = next;
  }
  return kIntervals * longest_s;
}

}  // namespace salvor::control::internal
