#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/process_identity.h"
#include "catalog/catalog.h"
#include "catalog/internal/pid_space.h"

namespace salvor::catalog {
namespace {

constexpr std::int64_t kTimesMax = 20;

std::vector<double> times_of(Database& database, std::string_view service,
                             std::optional<RunKind> kind, std::string_view step) {
  std::string sql = "SELECT seconds FROM steps WHERE service = ? AND step = ?";
  if (kind) sql += " AND kind = ?";
  sql += " ORDER BY ended_ns DESC, rowid DESC LIMIT ?";
  Statement query(database, sql);
  query.bind(service).bind(step);
  if (kind) query.bind(name_of(*kind));
  query.bind(kTimesMax);
  std::vector<double> times;
  while (query.step()) times.push_back(query.real(0));
  return times;
}

}  // namespace

void Catalog::adopt_run(const RunId& id, RunKind kind, std::string_view service, Time started) {
  const std::lock_guard lock(*mutex_);
  Statement insert(database_,
                   "INSERT INTO runs VALUES (?, ?, ?, 'running', 'command', ?, NULL, '', '', ?, ?, "
                   "'') ON CONFLICT (id) DO NOTHING RETURNING id");
  insert.bind(id.text)
      .bind(name_of(kind))
      .bind(service)
      .bind(started.ns)
      .bind(own_process_identity())
      .bind(internal::own_pid_space());
  if (!insert.step()) return;
  insert.step();  // to the end, or the change is undone
  lock_run(id.text);
}

void Catalog::file_under(const RunId& id, std::string_view repository_id) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "UPDATE runs SET repository = ? WHERE id = ?")
      .bind(repository_id)
      .bind(id.text)
      .step();
}

void Catalog::note_location(std::string_view location, std::string_view repository_id) {
  const std::lock_guard lock(*mutex_);
  Statement(database_,
            "INSERT INTO locations VALUES (?, ?) ON CONFLICT (location) DO UPDATE "
            "SET repository = excluded.repository WHERE repository <> excluded.repository")
      .bind(location)
      .bind(repository_id)
      .step();
}

std::optional<std::string> Catalog::repository_at(std::string_view location) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_, "SELECT repository FROM locations WHERE location = ?");
  if (!query.bind(location).step()) return std::nullopt;
  return query.text(0);
}

void Catalog::append_journal(std::string_view run, std::uint64_t number, std::string_view record) {
  const std::lock_guard lock(*mutex_);
  SALVOR_ASSERT(number <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  Statement(database_, "INSERT INTO journals VALUES (?, ?, ?) ON CONFLICT (run, number) DO NOTHING")
      .bind(run)
      .bind(static_cast<std::int64_t>(number))
      .bind(record)
      .step();
}

std::vector<std::string> Catalog::journal(std::string_view run) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_, "SELECT record FROM journals WHERE run = ? ORDER BY number");
  query.bind(run);
  std::vector<std::string> records;
  while (query.step()) records.push_back(query.text(0));
  return records;
}

std::optional<std::string> Catalog::journal_record(std::string_view run, std::uint64_t number) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_, "SELECT record FROM journals WHERE run = ? AND number = ?");
  query.bind(run).bind(static_cast<std::int64_t>(number));
  if (!query.step()) return std::nullopt;
  return query.text(0);
}

void Catalog::note_step(std::string_view service, RunKind kind, std::string_view step,
                        double seconds) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "INSERT INTO steps VALUES (?, ?, ?, ?, ?)")
      .bind(service)
      .bind(name_of(kind))
      .bind(step)
      .bind(clock_->now().ns)
      .bind(seconds)
      .step();
}

std::optional<double> Catalog::step_seconds(std::string_view service, RunKind kind,
                                            std::string_view step) {
  const std::lock_guard lock(*mutex_);
  std::vector<double> times = times_of(database_, service, kind, step);
  if (times.empty()) times = times_of(database_, service, std::nullopt, step);
  if (times.empty()) return std::nullopt;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace salvor::catalog
