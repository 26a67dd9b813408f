#include "catalog/catalog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process_identity.h"
#include "catalog/internal/opening.h"
#include "catalog/internal/pid_space.h"
#include "catalog/internal/run_lock.h"

namespace salvor::catalog {

std::string internal::own_pid_space() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/ns/pid", ignored).native();
}

namespace {

using internal::own_pid_space;

constexpr std::size_t kDurationsMax = 20;
constexpr std::string_view kColumns =
    "id, kind, service, state, trigger, started_ns, ended_ns, summary_json, error, repository, "
    "EXISTS (SELECT 1 FROM journals WHERE run = id)";

/// Whether the process that carried a run out is certainly gone. The catalog belongs to one
/// machine, so a process of another boot is gone. For a process in another container only the lock
/// tells.
bool is_gone(const std::filesystem::path& locks, std::string_view run, std::string_view process,
             std::string_view pid_space) {
  const auto by_lock = internal::liveness_by_lock(locks, run, process);
  if (by_lock) return *by_lock == Liveness::dead;
  return liveness_of(process) != Liveness::alive && pid_space == own_pid_space();
}

template <class Value>
Value known(std::optional<Value> value, const std::string& name) {
  if (value) return *value;
  throw Error(ErrorCode::corruption, "the catalog has an unknown word: " + printable(name));
}

RunRow row_of(const Statement& query) {
  RunRow row;
  row.id.text = query.text(0);
  row.kind = known(parse_run_kind(query.text(1)), query.text(1));
  row.service = query.text(2);
  row.state = known(parse_run_state(query.text(3)), query.text(3));
  row.trigger = query.text(4);
  row.started = Time{query.integer(5)};
  if (!query.is_null(6)) row.ended = Time{query.integer(6)};
  row.summary_json = query.text(7);
  row.error = query.text(8);
  row.repository = query.text(9);
  row.has_journal = query.integer(10) != 0;
  return row;
}

bool is_id_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
  });
}

}  // namespace

Catalog Catalog::open(const std::filesystem::path& path, const CatalogOptions& options) {
  internal::OpenedDatabase opened = internal::open_database(path, *options.clock);
  return {std::move(opened.users), std::move(opened.database), path.parent_path() / "runs",
          options};
}

Catalog::Catalog(Fd users, Database database, std::filesystem::path locks,
                 const CatalogOptions& options)
    : users_(std::move(users)),
      database_(std::move(database)),
      lock_directory_(std::move(locks)),
      clock_(options.clock),
      rng_(options.rng) {}

Catalog::Catalog(Catalog&& other) noexcept = default;
Catalog::~Catalog() = default;

/// As long as the run has no lock, the identity of its process says whether it lives.
void Catalog::lock_run(const std::string& run) {
  if (locks_.contains(run)) return;
  try {
    locks_.emplace(run, internal::RunLock(lock_directory_, run));
  } catch (const Error& error) {
    log::debug("run {} has no lock: {}", run, error.message());
  }
}

Liveness Catalog::liveness(std::string_view run, std::string_view process) const {
  return internal::liveness_by_lock(lock_directory_, run, process).value_or(liveness_of(process));
}

RunId Catalog::begin_run(RunKind kind, std::string_view service, std::string_view trigger) {
  const std::lock_guard lock(*mutex_);
  const Time now = clock_->now();
  RunId id = make_run_id(now, *rng_);
  Statement(database_, "INSERT INTO runs VALUES (?, ?, ?, 'running', ?, ?, NULL, '', '', ?, ?, '')")
      .bind(id.text)
      .bind(name_of(kind))
      .bind(service)
      .bind(trigger)
      .bind(now.ns)
      .bind(own_process_identity())
      .bind(own_pid_space())
      .step();
  lock_run(id.text);
  return id;
}

void Catalog::require_run(const RunId& id) {
  Statement query(database_, "SELECT 1 FROM runs WHERE id = ?");
  if (query.bind(id.text).step()) return;
  throw Error(ErrorCode::not_found, fmt::format("no run {} in the catalog", printable(id.text)),
              "`salvor runs` lists the runs");
}

void Catalog::resume_run(const RunId& id) {
  const std::lock_guard lock(*mutex_);
  mark_interrupted();
  Statement update(database_,
                   "UPDATE runs SET state = 'running', ended_ns = NULL, error = '', process = ?, "
                   "pid_space = ? WHERE id = ? AND state <> 'running' RETURNING id");
  update.bind(own_process_identity()).bind(own_pid_space()).bind(id.text);
  if (update.step()) {
    update.step();  // to the end, or the change is undone
    lock_run(id.text);
    return;
  }
  require_run(id);
  throw Error(ErrorCode::conflict, fmt::format("run {} is running", printable(id.text)),
              "wait until the run has ended, or end its process");
}

void Catalog::finish_run(const RunId& id, RunState state, std::string_view summary_json,
                         std::string_view error, std::optional<Time> ended) {
  const std::lock_guard lock(*mutex_);
  SALVOR_ASSERT(state != RunState::running && state != RunState::abandoned);
  require_run(id);
  Statement(database_,
            "UPDATE runs SET state = ?, ended_ns = ?, summary_json = ?, error = ? WHERE id = ?")
      .bind(name_of(state))
      .bind(ended.value_or(clock_->now()).ns)
      .bind(summary_json)
      .bind(error)
      .bind(id.text)
      .step();
  if (const auto held = locks_.find(id.text); held != locks_.end()) {
    held->second.end();
    locks_.erase(held);
  }
}

void Catalog::change_state(const RunId& id, RunState state) {
  const std::lock_guard lock(*mutex_);
  SALVOR_ASSERT(state != RunState::running && state != RunState::abandoned);
  require_run(id);
  Statement(database_, "UPDATE runs SET state = ? WHERE id = ?")
      .bind(name_of(state))
      .bind(id.text)
      .step();
}

void Catalog::mark_interrupted() {
  struct Gone {
    std::string id;
    std::string process;
    bool can_be_resumed = false;
  };
  std::vector<Gone> gone;
  {
    Statement query(database_,
                    "SELECT id, process, pid_space, kind = ? AND EXISTS (SELECT 1 FROM journals "
                    "WHERE run = id) FROM runs WHERE state = 'running'");
    query.bind(name_of(RunKind::restore));
    while (query.step()) {
      if (!is_gone(lock_directory_, query.text(0), query.text(1), query.text(2))) continue;
      gone.push_back({query.text(0), query.text(1), query.integer(3) != 0});
    }
  }
  for (const Gone& run : gone) {
    // Compare the process once more: another one may have resumed the run meanwhile.
    Statement(database_,
              "UPDATE runs SET state = 'interrupted', error = ? "
              "WHERE id = ? AND process = ? AND state = 'running'")
        .bind("its process ended and recorded no result")
        .bind(run.id)
        .bind(run.process)
        .step();
    // A run that can be resumed keeps its lock file: the resume asks it about the process.
    if (!run.can_be_resumed) internal::remove_lock(lock_directory_, run.id);
  }
}

std::vector<RunRow> Catalog::runs(const RunFilter& filter) {
  const std::lock_guard lock(*mutex_);
  mark_interrupted();
  std::string sql = fmt::format("SELECT {} FROM runs WHERE 1", kColumns);
  if (filter.service) sql += " AND service = ?";
  if (filter.kind) sql += " AND kind = ?";
  if (filter.state) sql += " AND state = ?";
  if (filter.repository) sql += " AND repository = ?";
  // In the order of recording: a clock may have been ahead.
  sql += " ORDER BY rowid DESC LIMIT ?";
  Statement query(database_, sql);
  if (filter.service) query.bind(*filter.service);
  if (filter.kind) query.bind(name_of(*filter.kind));
  if (filter.state) query.bind(name_of(*filter.state));
  if (filter.repository) query.bind(*filter.repository);
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  query.bind(static_cast<std::int64_t>(std::min(filter.limit, kMost)));
  std::vector<RunRow> rows;
  while (query.step()) rows.push_back(row_of(query));
  return rows;
}

std::optional<RunRow> Catalog::run(std::string_view id_or_prefix) {
  const std::lock_guard lock(*mutex_);
  if (!is_id_text(id_or_prefix)) return std::nullopt;
  mark_interrupted();
  // '~' comes after every character of an id.
  Statement query(database_, fmt::format("SELECT {} FROM runs WHERE id >= ? AND id < ? || '~' "
                                         "ORDER BY id LIMIT 2",
                                         kColumns));
  query.bind(id_or_prefix).bind(id_or_prefix);
  if (!query.step()) return std::nullopt;
  RunRow first = row_of(query);
  if (first.id.text == id_or_prefix || !query.step()) return first;
  throw Error(ErrorCode::usage,
              fmt::format("several runs begin with {}: {}, {}, …", id_or_prefix, first.id.text,
                          query.text(0)),
              "write more of the id");
}

std::optional<DurationStatistics> Catalog::durations(std::string_view service, RunKind kind) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_,
                  "SELECT ended_ns - started_ns FROM runs WHERE service = ? AND kind = ? "
                  "AND state IN ('succeeded', 'closed') AND ended_ns IS NOT NULL "
                  "ORDER BY started_ns DESC, rowid DESC LIMIT ?");
  query.bind(service).bind(name_of(kind)).bind(static_cast<std::int64_t>(kDurationsMax));
  std::vector<double> durations_s;
  // A clock that was set back must not make a run of negative length.
  while (query.step()) {
    durations_s.push_back(std::max(0.0, static_cast<double>(query.integer(0)) / 1e9));
  }
  if (durations_s.empty()) return std::nullopt;
  DurationStatistics statistics;
  statistics.count = durations_s.size();
  statistics.last_s = durations_s.front();
  std::sort(durations_s.begin(), durations_s.end());
  const std::size_t middle = durations_s.size() / 2;
  statistics.median_s = durations_s.size() % 2 == 1
                            ? durations_s[middle]
                            : (durations_s[middle - 1] + durations_s[middle]) / 2;
  statistics.longest_s = durations_s.back();
  return statistics;
}

void Catalog::note_head(std::string_view repository_id, std::uint64_t sequence) {
  const std::lock_guard lock(*mutex_);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  SALVOR_ASSERT(sequence <= kMost);
  Statement(database_,
            "INSERT INTO heads VALUES (?, ?) ON CONFLICT (repository) DO UPDATE "
            "SET sequence = max(sequence, excluded.sequence)")
      .bind(repository_id)
      .bind(static_cast<std::int64_t>(sequence))
      .step();
}

void Catalog::set_head_back(std::string_view repository_id, std::uint64_t sequence) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "UPDATE heads SET sequence = min(sequence, ?) WHERE repository = ?")
      .bind(static_cast<std::int64_t>(sequence))
      .bind(repository_id)
      .step();
}

std::vector<std::string> Catalog::heads_below(std::string_view prefix) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_,
                  "SELECT repository FROM heads WHERE substr(repository, 1, length(?)) = ? "
                  "ORDER BY repository");
  query.bind(prefix).bind(prefix);
  std::vector<std::string> names;
  while (query.step()) names.push_back(query.text(0));
  return names;
}

std::optional<std::uint64_t> Catalog::head(std::string_view repository_id) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_, "SELECT sequence FROM heads WHERE repository = ?");
  if (!query.bind(repository_id).step()) return std::nullopt;
  return static_cast<std::uint64_t>(query.integer(0));
}

}  // namespace salvor::catalog
