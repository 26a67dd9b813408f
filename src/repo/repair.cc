#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "codec/aead.h"
#include "repo/check.h"
#include "repo/internal/core.h"
#include "repo/internal/description.h"
#include "repo/internal/mend_records.h"
#include "repo/internal/object.h"

/// What the repository's redundancy is for: each thing that is kept twice is made good from the
/// other place.
namespace salvor::repo {
namespace {

/// The points whose descriptions lie in the packs. What can't be read is passed over.
std::vector<Point> points_in_packs(Repository::Core& core) {
  std::vector<Point> points;
  for (const PackId& id : core.list_packs(false)) {
    try {
      const PackDirectory directory = read_directory(core.backend, core.keys, id);
      if (directory.pack.kind != PackKind::tree) continue;
      for (const FrameInfo& frame : directory.frames) {
        if (frame.type != FrameType::point) continue;
        Bytes sealed(frame.stored);
        Bytes content;
        core.backend.get_range(pack_name(id), frame.offset, sealed);
        open_frame(core.keys, directory.pack, frame.type, frame.offset, sealed, frame.content,
                   content);
        points.push_back(decode_point(content));
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
  }
  return points;
}

void mend_description(Repository::Core& core, std::vector<std::string>& done) {
  const std::string& right = core.keys.ring().description;
  try {
    const Bytes stored = read_object(core.backend, kDescriptionName, 64U << 10U);
    if (as_text(stored) == right) return;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
  }
  core.backend.remove(kDescriptionName);
  core.backend.put_if_absent(kDescriptionName, as_bytes(right));
  done.push_back(std::string("wrote ") + kDescriptionName + " anew from the key ring");
}

/// What lies before the oldest entry that is kept.
void remove_old_log(Repository::Core& core) {
  std::vector<std::string> old;
  for (const char* prefix : {"log/", "checkpoint/"}) {
    core.backend.list(prefix, "", [&](const backend::Object& object) {
      const auto sequence = sequence_of_name(prefix, object.name);
      if (sequence && *sequence < core.log_state.first) old.push_back(object.name);
    });
  }
  for (const std::string& name : old) core.backend.remove(name);
}

/// After salvaging, the log goes on from a checkpoint at its newest entry.
void mend_log(Repository::Core& core, std::vector<std::string>& done) {
  try {
    core.log.load([](const std::string&, const std::string&) {}, true);
    return;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    core.log_state = core.salvaged_state(error);
  }
  LogState& state = core.log_state;
  // Entries that can't be followed must not be met again: the log begins anew behind them all. An
  // entry of its own comes first, so that a writer that still goes by the old log meets it.
  state.sequence = std::max<std::uint64_t>(state.sequence, 1);
  state.first = state.sequence + 1;
  state.sessions.clear();
  LogEntry entry;
  entry.type = EntryType::end;
  entry.session = random_id<SessionId>(core.rng);
  entry.result = EndResult::repair;
  core.log.append(state, std::move(entry));
  // Another writer may have had that number.
  state.first = state.sequence;
  core.log.replace_checkpoint(state);
  done.push_back("began the log anew with " + checkpoint_name(state.sequence) + ", which has " +
                 std::to_string(state.points.size()) + " recovery points");
}

struct RunsLeft {
  std::vector<IndexRunId> lost;
  PackSet named;
};

RunsLeft look_at_runs(Repository::Core& core) {
  RunsLeft left;
  for (const IndexRunId& run : core.log_state.runs) {
    try {
      for (const PackDirectory& directory : core.read_run(run)) {
        left.named.insert(directory.pack.id);
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      left.lost.push_back(run);
    }
  }
  return left;
}

/// The directories of the packs that no run names.
std::vector<PackDirectory> unnamed_packs(Repository::Core& core, const RunsLeft& left) {
  std::vector<PackDirectory> directories;
  const PackSet left_out = core.left_out_packs();
  for (const PackId& pack : core.list_packs(false)) {
    if (left.named.contains(pack) || left_out.contains(pack)) continue;
    try {
      directories.push_back(read_directory(core.backend, core.keys, pack));
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
  }
  return directories;
}

std::vector<IndexRunId> write_runs(Repository::Core& core,
                                   const std::vector<PackDirectory>& directories) {
  std::vector<IndexRunId> runs;
  std::vector<PackDirectory> part;
  std::size_t chunks = 0;
  const auto write = [&] {
    const auto run = random_id<IndexRunId>(core.rng);
    const std::string name = index_run_name(run);
    core.backend.put_if_absent(name, seal_object(core.keys, ObjectType::index_run, name,
                                                 encode_index_run(part), core.rng));
    runs.push_back(run);
    part.clear();
    chunks = 0;
  };
  for (const PackDirectory& directory : directories) {
    std::size_t count = 0;
    for (const FrameInfo& frame : directory.frames) count += frame.chunks.size();
    if (!part.empty() && chunks + count > kChunksPerRun) write();
    part.push_back(directory);
    chunks += count;
  }
  if (!part.empty()) write();
  return runs;
}

void mend_runs(Repository::Core& core, std::vector<std::string>& done) {
  const RunsLeft left = look_at_runs(core);
  if (left.lost.empty() && !core.salvaged) return;
  const std::vector<PackDirectory> directories = unnamed_packs(core, left);
  if (left.lost.empty() && directories.empty()) return;
  LogEntry entry;
  entry.type = EntryType::end;
  entry.session = random_id<SessionId>(core.rng);
  entry.result = EndResult::repair;
  entry.withdrawn_runs = left.lost;
  entry.runs = write_runs(core, directories);
  for (const IndexRunId& run : entry.runs) {
    done.push_back("wrote " + index_run_name(run) + " from the directories of the packs");
  }
  core.log.append(core.log_state, std::move(entry));
  for (const IndexRunId& run : left.lost) {
    core.backend.remove(index_run_name(run));
    done.push_back("withdrew " + index_run_name(run));
  }
}

/// Adds what only the packs know. What the log knows keeps its order, which is that of commitment;
/// of the rest the time is all that is known. One whose time is yet to come never gets to be the
/// newest by that.
void insert_found(std::vector<Point>& points, std::vector<Point> found, Time now) {
  std::stable_sort(found.begin(), found.end(),
                   [](const Point& a, const Point& b) { return a.time < b.time; });
  for (Point& point : found) {
    const bool known = std::any_of(points.begin(), points.end(),
                                   [&](const Point& other) { return other.id == point.id; });
    if (known) continue;
    const auto at = point.time > now
                        ? points.begin()
                        : std::find_if(points.begin(), points.end(),
                                       [&](const Point& other) { return other.time > point.time; });
    points.insert(at, std::move(point));
  }
}

}  // namespace

void Repository::Core::refuse_outdated_keys() {
  for (const char* prefix : {"log/", "checkpoint/", "index/"}) {
    std::vector<std::string> names;
    backend.list(prefix, "", [&](const backend::Object& object) { names.push_back(object.name); });
    for (const std::string& name : names) {
      std::uint32_t epoch = 0;  // damaged: it says nothing
      try {
        epoch = epoch_of_object(name, read_object(backend, name, kObjectBytesMax));
      } catch (const Error& error) {
        if (!is_damage(error)) throw;
      }
      if (epoch < keys.epochs()) continue;
      throw Error(
          ErrorCode::configuration,
          name + " is of key epoch " + std::to_string(epoch) +
              ", but this key slot has keys up to epoch " + std::to_string(keys.epochs() - 1),
          "the keys were rotated since the slot was made: restore keys/ from a newer copy of "
          "the repository, or use another passphrase or key file");
    }
  }
}

LogState Repository::Core::salvaged_state(const Error& why) {
  salvaged = true;
  note({Finding::Severity::damage, "log", why.message()});
  log::warning("{}: {}; using what the remaining log, the checkpoints and the packs say",
               backend.location(), why.message());
  LogState state = log.salvage(log_findings());
  insert_found(state.points, points_in_packs(*this), clock.now());
  state.mark_accepted();
  state.runs.clear();
  backend.list("index/", "", [&](const backend::Object& object) {
    const auto run = IndexRunId::parse(std::string_view(object.name).substr(6));
    if (run) state.runs.push_back(*run);
  });
  state.slots.clear();
  backend.list("keys/", "", [&](const backend::Object& object) {
    const auto slot = SlotId::parse(std::string_view(object.name).substr(5));
    if (slot) state.slots.push_back(*slot);
  });
  return state;
}

std::vector<std::string> repair(Repository& repository) {
  Repository::Core& core = repository.core();
  SALVOR_ASSERT(core.access == Access::repair);
  core.refuse_outdated_keys();
  std::vector<std::string> done;
  mend_description(core, done);
  mend_log(core, done);
  remove_old_log(core);
  for (std::string& line : core.log.mend_checkpoints()) done.push_back(std::move(line));
  mend_runs(core, done);
  mend_records(core, done);
  core.index_loaded = false;
  if (const std::size_t count = core.mend_point_descriptions(); count != 0) {
    done.push_back("wrote the descriptions of " + std::to_string(count) +
                   " recovery points anew from the log");
  }
  {
    const std::lock_guard lock(core.findings_mutex);
    core.findings.clear();
  }
  return done;
}

}  // namespace salvor::repo
