#include <limits>

#include "base/error.h"
#include "catalog/catalog.h"

/// Records that wait until their repository can be written to.
namespace salvor::catalog {

void Catalog::keep_evidence(std::string_view repository_id, const WaitingEvidence& evidence) {
  const std::lock_guard lock(*mutex_);
  SALVOR_ASSERT(evidence.after <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  Statement(database_,
            "INSERT INTO waiting_evidence (repository, service, envelope, reason, after) "
            "VALUES (?, ?, ?, ?, ?)")
      .bind(repository_id)
      .bind(evidence.service)
      .bind(evidence.envelope)
      .bind(evidence.reason)
      .bind(static_cast<std::int64_t>(evidence.after))
      .step();
}

std::vector<WaitingEvidence> Catalog::waiting_evidence(std::string_view repository_id) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_,
                  "SELECT number, service, envelope, reason, after FROM waiting_evidence "
                  "WHERE repository = ? ORDER BY number");
  query.bind(repository_id);
  std::vector<WaitingEvidence> waiting;
  while (query.step()) {
    waiting.push_back({query.integer(0), query.text(1), query.text(2), query.text(3),
                       static_cast<std::uint64_t>(query.integer(4))});
  }
  return waiting;
}

void Catalog::forget_evidence(std::int64_t number) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "DELETE FROM waiting_evidence WHERE number = ?").bind(number).step();
}

void Catalog::note_unwritten(std::string_view repository_id, const UnwrittenRun& run) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "INSERT INTO unwritten_runs VALUES (?, ?, ?) ON CONFLICT (run) DO NOTHING")
      .bind(run.run)
      .bind(repository_id)
      .bind(run.service)
      .step();
}

std::vector<UnwrittenRun> Catalog::unwritten_runs(std::string_view repository_id) {
  const std::lock_guard lock(*mutex_);
  Statement query(database_,
                  "SELECT run, service FROM unwritten_runs WHERE repository = ? ORDER BY run");
  query.bind(repository_id);
  std::vector<UnwrittenRun> runs;
  while (query.step()) runs.push_back({query.text(0), query.text(1)});
  return runs;
}

void Catalog::forget_unwritten(std::string_view run) {
  const std::lock_guard lock(*mutex_);
  Statement(database_, "DELETE FROM unwritten_runs WHERE run = ?").bind(run).step();
}

}  // namespace salvor::catalog
