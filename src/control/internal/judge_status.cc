#include "control/internal/judge_status.h"
#include "control/internal/uncovered.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/drill.h"
#include "recovery/claim.h"

namespace salvor::control::internal {
namespace {

std::string duration_text(double seconds) {
  return human_duration(seconds);
}

/// Adds reasons in the order in which they are urgent.
class Judge {
 public:
  explicit Judge(ServiceStatus& status) : status_(status) {}

  void run() {
    ask_restores();
    for (const std::string& store : status_.silent) critical("NO ANSWER", store);
    ask_points();
    ask_drills();
    ask_coverage();
    ask_evidence();
    // Among reasons of the same health, that order stays.
    std::stable_sort(status_.reasons.begin(), status_.reasons.end(),
                     [](const Reason& a, const Reason& b) { return a.health > b.health; });
  }

 private:
  void critical(std::string word, std::string text) {
    status_.reasons.push_back({Health::critical, std::move(word), std::move(text)});
  }
  void warning(std::string word, std::string text) {
    status_.reasons.push_back({Health::warning, std::move(word), std::move(text)});
  }

  void ask_restores() {
    if (status_.open_restore) {
      critical("RESTORE OPEN", open_restore_text(*status_.open_restore, status_.service,
                                                 status_.restore_is_running));
    }
    if (!status_.held_by) return;
    if (status_.held_by == status_.open_restore) {
      critical("WRITES HELD", fmt::format("restore {} still has the writes of the service locked",
                                          *status_.held_by));
    } else {
      critical(
          "WRITES HELD",
          fmt::format("backup {} was ended while it had the writes of the service locked, and they "
                      "may still be locked: the next backup unlocks them, or writes.unlock does",
                      *status_.held_by));
    }
  }

  void ask_points() {
    if (!status_.points_known) {
      critical("UNKNOWN", "the recovery points are not known: the repository can't be opened");
      return;
    }
    if (!status_.older_note.empty()) critical("OLDER COPY", status_.older_note);
    if (!status_.suspect_note.empty()) critical("SUSPECT", status_.suspect_note);
    if (!status_.newest) {
      critical("NO BACKUP",
               status_.other_host
                   ? fmt::format("there is no recovery point of this host ({}), only of host {}: "
                                 "set host, or shared = true",
                                 status_.host, *status_.other_host)
                   : "there is no good recovery point: take one: salvor backup " +
                         printable(status_.service));
    } else if (!status_.rpo_met) {
      critical("TOO OLD", too_old());
    }
    if (status_.failed_backup) {
      const bool is_last = status_.failed_backup->id == status_.last_backup->id;
      warning("BACKUP FAILED",
              (is_last ? "the last backup failed: "
                       : "since this failure, only some of the stores were backed up: ") +
                  status_.failed_backup->error);
    }
    if (!status_.clock_note.empty()) warning("CLOCK", status_.clock_note);
  }

  std::string too_old() const {
    if (!status_.achieved_rpo_s) return "there is no recovery point of all stores";
    if (*status_.achieved_rpo_s <= static_cast<double>(status_.rpo_s.value_or(0))) {
      return "the age of the newest good recovery point is not known: its time is in the future";
    }
    return fmt::format("the newest good recovery point is {} old, and the objective is {}",
                       duration_text(*status_.achieved_rpo_s),
                       duration_text(static_cast<double>(status_.rpo_s.value_or(0))));
  }

  void ask_drills() {
    if (status_.failed_drill) {
      const DrillSummary& drill = *status_.failed_drill;
      const bool is_last = status_.last_drill && drill.run == status_.last_drill->run;
      std::string text = fmt::format("the last drill {}{}{}: run {}",
                                     is_last ? "" : "of recovery point " + drill.point.hex() + " ",
                                     drill.state == catalog::RunState::failed ? "" : "was ",
                                     name_of(drill.state), drill.run);
      for (const std::string& check : drill.failed_checks) {
        text += "; failed check: " + printable(check);
      }
      text += fmt::format(
          "; see what it found: salvor runs show {}; when its cause is gone, drill again: salvor "
          "drill {}",
          drill.run, printable(status_.service));
      critical("DRILL FAILED", std::move(text));
    }
    if (status_.proven_rto_s && !status_.rto_met) {
      critical("TOO SLOW", fmt::format("a restore takes {}, and the objective is {}",
                                       duration_text(*status_.proven_rto_s),
                                       duration_text(static_cast<double>(*status_.rto_s))));
    }
    if (!status_.evidence_note.empty()) warning("EVIDENCE", status_.evidence_note);
    if (!status_.drill_stale) return;
    warning("unproven",
            status_.never_drilled
                ? never_drilled_text(status_.service)
                : fmt::format("no drill has succeeded within the last {}: salvor drill {}",
                              duration_text(status_.drill_limit_s), printable(status_.service)));
  }

  void ask_coverage() {
    for (const std::string& store : status_.stores_without_point) {
      if (status_.newest) {
        warning("incomplete", fmt::format("store {} is not in the newest recovery point", store));
      }
    }
    for (const UncoveredPath& path : status_.uncovered) {
      warning("incomplete", describe(path));
    }
    for (const std::string& line : status_.lacks) warning("incomplete", line);
  }

  void ask_evidence() {
    if (status_.evidence_waiting == 0) return;
    warning("evidence waits", waiting_text(status_.evidence_waiting, status_.service));
  }

  ServiceStatus& status_;
};

/// The first of a store's missing things, in words.
std::string missing_of(const repo::Snapshot& snapshot) {
  constexpr std::size_t kNamedMax = 3;
  std::string named;
  for (std::size_t i = 0; i < std::min(snapshot.missing.size(), kNamedMax); ++i) {
    const repo::Missing& missing = snapshot.missing[i];
    if (i > 0) named += "; ";
    named += fmt::format("{} ({})", printable(stores::path_of_key(missing.key)),
                         printable(missing.reason));
  }
  const std::uint64_t count = snapshot.missing.size() + snapshot.missing_more;
  if (count > kNamedMax) named += fmt::format("; and {} more", count - kNamedMax);
  return named;
}

}  // namespace

std::string never_drilled_text(const std::string& service) {
  return "no drill was ever run, and nothing proves that the service can be restored: salvor "
         "drill " +
         printable(service);
}

std::string open_restore_text(const std::string& run, const std::string& service, bool is_running) {
  return fmt::format("restore {} is {}: {}", run, is_running ? "running" : "open",
                     recovery::ways_on_with(run, service, is_running));
}

std::string waiting_text(std::size_t count, const std::string& of) {
  return fmt::format(
      "{} record{} of the evidence of {} wait{} in this machine's catalog and {} not yet in the "
      "repository, which could not be written to: the next backup that can write appends {}",
      count, count == 1 ? "" : "s", printable(of), count == 1 ? "s" : "", count == 1 ? "is" : "are",
      count == 1 ? "it" : "them");
}

void judge(ServiceStatus& status) {
  Judge(status).run();
}

std::vector<std::string> lacks_of(const service::Service* service, const repo::Point& point) {
  std::vector<std::string> lines;
  for (const repo::Snapshot& snapshot : point.snapshots) {
    const std::uint64_t count = snapshot.missing.size() + snapshot.missing_more;
    if (count > 0) {
      lines.push_back(
          fmt::format("store {}: {} path{} could not be read, and {} not in recovery point {}: {}",
                      printable(snapshot.store), count, count == 1 ? "" : "s",
                      count == 1 ? "is" : "are", point.id.hex(), missing_of(snapshot)));
    }
  }
  if (service == nullptr) return lines;
  for (const service::Store& store : service->stores) {
    const std::vector<std::string> left_out = store.left_out();
    if (left_out.empty() || point.find(store.name) == nullptr) continue;
    lines.push_back(fmt::format("store {}: no recovery point has the excluded paths {}", store.name,
                                fmt::join(left_out, ", ")));
  }
  return lines;
}

}  // namespace salvor::control::internal

namespace salvor::control {

std::string_view name_of(Health health) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 3> kNames{"good", "warning", "critical"};
  return kNames[static_cast<std::size_t>(health)];
}

Health ServiceStatus::health() const {
  return reasons.empty() ? Health::good : reasons.front().health;
}

bool StatusReport::good() const {
  if (repository_failure) return false;
  return std::all_of(services.begin(), services.end(),
                     [](const ServiceStatus& service) { return service.health() == Health::good; });
}

}  // namespace salvor::control
