#include "repo/check.h"

#include <algorithm>
#include <map>

#include "base/worker_pool.h"
#include "base/written_time.h"
#include "codec/aead.h"
#include "repo/internal/checker.h"
#include "repo/internal/object.h"

namespace salvor::repo {
void Checker::damage(const std::string& object, const std::string& what) {
  const std::lock_guard lock(mutex_);
  report_.findings.push_back({Finding::Severity::damage, object, what});
}

void Checker::note(const std::string& object, const std::string& what) {
  const std::lock_guard lock(mutex_);
  report_.findings.push_back({Finding::Severity::note, object, what});
}

void Checker::check_slots() {
  std::vector<std::string> stored;
  core_.backend.list("keys/", "",
                     [&](const backend::Object& object) { stored.push_back(object.name); });
  for (const SlotId& slot : core_.log_state.slots) {
    const std::string name = slot_name(slot);
    if (std::find(stored.begin(), stored.end(), name) == stored.end()) {
      damage(name, "it is missing: who holds only that key can't open the repository");
    }
  }
  for (const std::string& name : stored) {
    const auto& slots = core_.log_state.slots;
    const bool valid = std::any_of(slots.begin(), slots.end(),
                                   [&](const SlotId& slot) { return slot_name(slot) == name; });
    if (!valid) note(name, "it is not in use: a change of keys was interrupted");
  }
}

void Checker::check_log() {
  const auto ignored = [](const std::string&, const std::string&) {};
  // Others may have appended since the repository was opened.
  std::uint64_t newest = core_.log_state.sequence;
  try {
    const LogState state = core_.log.load(ignored, true);
    report_.log_entries = state.sequence;
    newest = std::max(newest, state.sequence);
    for (const OpenSession& open : state.sessions) {
      note(log_name(state.sequence + 1),
           "a session of " + open.host + " begun at " + local_time(open.time) +
               (open.committed ? " has committed and not ended: its writer was stopped, or this "
                                 "entry is missing"
                               : " has not ended: it is running, or was stopped"));
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    damage("log", error.message());
  }
  if (newest < options_.head_seen) {
    damage(log_name(newest + 1),
           "it is missing: this machine has seen the log up to " + log_name(options_.head_seen));
  }
}

void Checker::check_checkpoints() {
  std::vector<std::uint64_t> found;
  std::vector<std::string> names;
  core_.backend.list("checkpoint/", "",
                     [&](const backend::Object& object) { names.push_back(object.name); });
  for (const std::string& name : names) {
    const auto sequence = sequence_of_name("checkpoint/", name);
    if (!sequence) continue;
    found.push_back(*sequence);
    try {
      const Bytes stored = read_object(core_.backend, name, kObjectBytesMax);
      const Bytes content = open_object(core_.keys, ObjectType::checkpoint, name, stored);
      if (decode_state(content, name).sequence != *sequence) {
        damage(name, "it is of another sequence");
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      damage(name, error.message());
    }
  }
  const std::uint64_t first = core_.log_state.first;
  for (std::uint64_t due = (first + kCheckpointEvery - 1) / kCheckpointEvery * kCheckpointEvery;
       due <= core_.log_state.sequence; due += kCheckpointEvery) {
    if (std::find(found.begin(), found.end(), due) != found.end()) continue;
    if (due == core_.log_state.sequence) {
      note(checkpoint_name(due), "it is not there yet: the next writer makes it");
    } else {
      damage(checkpoint_name(due), "it is missing; the log still says all that it said");
    }
  }
}

void Checker::check_runs() {
  std::vector<std::string> listed;
  core_.backend.list("index/", "",
                     [&](const backend::Object& object) { listed.push_back(object.name); });
  for (const IndexRunId& run : core_.log_state.runs) {
    const std::string name = index_run_name(run);
    std::erase(listed, name);
    try {
      for (const PackDirectory& directory : core_.read_run(run)) {
        named_[directory.pack.id] = directory.pack.size;
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      damage(name, error.code() == ErrorCode::not_found ? "it is missing" : error.message());
    }
  }
  for (const std::string& name : listed) note(name, "it is not in use");
}

void Checker::damaged_pack(const PackId& id, const std::string& what) {
  damage(pack_name(id), what);
  const std::lock_guard lock(mutex_);
  const auto& known = report_.damaged_packs;
  if (std::find(known.begin(), known.end(), id) == known.end()) {
    report_.damaged_packs.push_back(id);
  }
}

/// It is not replaced: its bytes are there, and only this medium knows them.
void Checker::unreadable_pack(const PackId& id, const std::string& what) {
  damage(pack_name(id), what);
  const std::lock_guard lock(mutex_);
  std::erase(report_.damaged_packs, id);
  report_.unreadable_packs.push_back(id);
}

void Checker::distrust(const PackDirectory& directory) {
  const std::lock_guard lock(mutex_);
  for (const FrameInfo& frame : directory.frames) {
    for (const ChunkInfo& chunk : frame.chunks) bad_.insert(chunk.id);
  }
}

/// The chunks of a pack that can't be read from it.
std::vector<ChunkId> Checker::damaged_chunks(const PackDirectory& directory, ByteView object) {
  std::vector<ChunkId> bad;
  Bytes content;
  for (const FrameInfo& frame : directory.frames) {
    try {
      if (std::uint64_t{frame.offset} + frame.stored > object.size()) {
        throw_damaged(pack_name(directory.pack.id), "it is cut short");
      }
      open_frame(core_.keys, directory.pack, frame.type, frame.offset,
                 object.subspan(frame.offset, frame.stored), frame.content, content);
    } catch (const Error& error) {
      damaged_pack(directory.pack.id, error.message());
      for (const ChunkInfo& chunk : frame.chunks) bad.push_back(chunk.id);
      continue;
    }
    std::size_t offset = 0;
    for (const ChunkInfo& chunk : frame.chunks) {
      if (core_.keys.chunk_id(frame.type, ByteView(content).subspan(offset, chunk.length)) !=
          chunk.id) {
        damaged_pack(directory.pack.id,
                     "chunk " + chunk.id.hex() + " has other content than its id says");
        bad.push_back(chunk.id);
      }
      offset += chunk.length;
    }
  }
  return bad;
}

/// All of a pack; empty: it can't be had, and that is reported.
std::optional<Bytes> Checker::read_pack(const PackId& id, std::uint64_t size) {
  const std::string name = pack_name(id);
  if (size > kPackBytesMax) {
    damaged_pack(id, name + " is damaged: it is too long");
    return std::nullopt;
  }
  try {
    return core_.backend.get(name, kPackBytesMax);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    if (error.code() == ErrorCode::not_found) {
      damage(name, "it is missing");
    } else {
      unreadable_pack(id, error.message());
    }
    return std::nullopt;
  }
}

void Checker::check_pack_bytes(const PackInfo& pack, std::uint64_t size) {
  const std::optional<Bytes> object = read_pack(pack.id, size);
  if (!object) {
    // Each of them is tried on its own, where a point needs it.
    for (const PackDirectory& directory : core_.directories_of({pack.id})) distrust(directory);
    return;
  }
  if (options_.progress != nullptr) options_.progress->bytes += size;
  try {
    const PackDirectory directory = parse_pack(core_.keys, pack.id, *object);
    const std::vector<ChunkId> bad = damaged_chunks(directory, *object);
    const std::lock_guard lock(mutex_);
    bad_.insert(bad.begin(), bad.end());
    if (bad.empty() && left_out_.contains(pack.id)) report_.readable_again.push_back(pack.id);
    return;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    damaged_pack(pack.id, error.message());
  }
  // The directory or the sum is gone; the index still says where the chunks should be.
  for (const PackDirectory& directory : core_.directories_of({pack.id})) {
    const std::vector<ChunkId> bad = damaged_chunks(directory, *object);
    const std::lock_guard lock(mutex_);
    bad_.insert(bad.begin(), bad.end());
  }
}

void Checker::check_packs() {
  std::map<PackId, std::uint64_t> listed;
  core_.backend.list("packs/", "", [&](const backend::Object& object) {
    const auto id = pack_of_name(object.name);
    if (!id) {
      note(object.name, "it is not an object of this repository");
      return;
    }
    listed[*id] = object.size_bytes;
    report_.pack_bytes += object.size_bytes;
  });
  report_.packs = listed.size();
  report_.chunks = core_.chunks().chunks();
  std::vector<PackId> lost;
  for (const auto& [id, size] : named_) {
    const auto found = listed.find(id);
    if (found == listed.end()) {
      missing_packs_.push_back(id);
      lost.push_back(id);
    } else if (found->second != size) {
      damaged_pack(id, "it has " + std::to_string(found->second) + " bytes, expected " +
                           std::to_string(size));
      if (!options_.data) lost.push_back(id);
    }
  }
  for (const PackDirectory& directory : core_.directories_of(lost)) distrust(directory);
  if (options_.data) check_bytes_of_packs(listed);
}

void Checker::check_bytes_of_packs(const std::map<PackId, std::uint64_t>& listed) {
  left_out_ = core_.left_out_packs();
  if (options_.progress != nullptr) options_.progress->bytes_expected = report_.pack_bytes;
  WorkerPool pool(options_.threads != 0 ? options_.threads
                                        : std::clamp(std::thread::hardware_concurrency(), 2U, 16U));
  for (const auto& [id, size] : listed) {
    pool.submit([this, id = id, size = size] {
      if (options_.stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "the verification was cancelled");
      }
      check_pack_bytes({id, PackKind::data, 0, size}, size);
    });
  }
  pool.drain();
}

void Checker::check_set_aside() {
  core_.backend.list(kSetAside, "", [&](const backend::Object& object) {
    const auto pack = set_aside_pack(object.name);
    const bool is_left_out = pack && object.size_bytes == 0;
    note(object.name,
         is_left_out ? "a repair has taken " + pack_name(*pack) +
                           " out of the index, as the medium did not give it; once that can be "
                           "read, verify --data --repair takes it in again"
                     : "a repair has set it aside; nothing refers to it any more");
  });
}

/// Whether a pack that is there has the chunk.
bool Checker::is_elsewhere(const ChunkId& id) {
  std::vector<Location> places = core_.chunks().others(id);
  if (const auto first = core_.chunks().find(id)) places.push_back(*first);
  return std::any_of(places.begin(), places.end(), [&](const Location& place) {
    return std::find(missing_packs_.begin(), missing_packs_.end(), place.pack.id) ==
           missing_packs_.end();
  });
}

/// A pack that is gone is no harm where all that points need of it was stored again.
void Checker::judge_missing_packs() {
  std::unordered_set<PackId, IdHash> needed;
  for (const PackDirectory& directory : core_.directories_of(missing_packs_)) {
    for (const FrameInfo& frame : directory.frames) {
      for (const ChunkInfo& chunk : frame.chunks) {
        // A point's description is what brings it back without the log.
        const bool lost =
            frame.type == FrameType::point ? !is_elsewhere(chunk.id) : lost_.contains(chunk.id);
        if (lost) needed.insert(directory.pack.id);
      }
    }
  }
  for (const PackId& id : missing_packs_) {
    // Below a node that is lost nobody knows what is needed.
    if (nodes_lost_ || needed.contains(id)) {
      damage(pack_name(id), "it is missing");
    } else {
      note(pack_name(id), "it is missing; all that recovery points need of it is elsewhere");
    }
  }
}

void Checker::add_affected(const Point& point, const Snapshot& snapshot, const Bytes& key,
                           bool and_more) {
  if (!report_.affected.empty()) {
    const Affected& last = report_.affected.back();
    if (last.point == point.id && last.store == snapshot.store && last.key == key) return;
  }
  report_.affected.push_back({point.id, point.service, snapshot.store, key, and_more});
}

/// Whether the chunk of a ref is whole in one place at least.
bool Checker::can_be_read(const Ref& ref) {
  if (!core_.chunks().contains(ref.id)) {
    if (absent_.insert(ref.id).second) damage("chunk " + ref.id.hex(), "it is in no pack");
    lost_.insert(ref.id);
    return false;
  }
  if (!bad_.contains(ref.id)) return true;
  if (lost_.contains(ref.id)) return false;
  try {
    core_.read(ref.id, FrameType::data);
    return true;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    lost_.insert(ref.id);
    return false;
  }
}

bool Checker::check_record(const Point& point, const Snapshot& snapshot, const Record& record) {
  const bool whole = std::all_of(record.refs.begin(), record.refs.end(),
                                 [&](const Ref& ref) { return ref.is_hole() || can_be_read(ref); });
  if (!whole) add_affected(point, snapshot, record.key, false);
  return whole;
}

/// Whether everything from this node down is sound; sound nodes are looked at once, however many
/// snapshots share them.
bool Checker::check_subtree(const Point& point, const Snapshot& snapshot, const ChunkId& id,
                            const Bytes& first_key) {
  if (sound_nodes_.contains(id)) return true;
  std::shared_ptr<const Node> node;
  try {
    node = read_(id);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    nodes_lost_ = true;
    damage("tree node " + id.hex(), error.message());
    add_affected(point, snapshot, first_key, true);
    return false;
  }
  bool sound = true;
  for (const Record& record : node->records) sound &= check_record(point, snapshot, record);
  for (const Child& child : node->children) {
    sound &= check_subtree(point, snapshot, child.id, child.first_key);
  }
  if (sound) sound_nodes_.insert(id);
  return sound;
}

void Checker::check_trees() {
  for (const Point& point : core_.log_state.points) {
    ++report_.points;
    for (const Snapshot& snapshot : point.snapshots) {
      if (options_.stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "the verification was cancelled");
      }
      ++report_.snapshots;
      check_subtree(point, snapshot, snapshot.root, {});
    }
  }
}

CheckReport Checker::run() {
  report_.data = options_.data;
  check_slots();
  check_log();
  check_checkpoints();
  check_runs();
  check_packs();
  check_trees();
  check_records();
  judge_missing_packs();
  check_set_aside();
  // What opening and reading came upon, unless it was found here as well.
  const std::lock_guard lock(core_.findings_mutex);
  for (const Finding& finding : core_.findings) {
    const bool known =
        std::any_of(report_.findings.begin(), report_.findings.end(), [&](const Finding& other) {
          return other.object == finding.object && other.severity >= finding.severity;
        });
    // A writer has noted those that are missing without knowing who needs them.
    const bool judged =
        std::any_of(missing_packs_.begin(), missing_packs_.end(),
                    [&](const PackId& id) { return pack_name(id) == finding.object; });
    if (!known && !judged) report_.findings.push_back(finding);
  }
  std::stable_sort(report_.findings.begin(), report_.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     if (a.severity != b.severity) return a.severity > b.severity;
                     return a.object < b.object;
                   });
  return std::move(report_);
}

bool CheckReport::sound() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Finding::Severity::damage;
  });
}

bool CheckReport::has_bad_packs() const {
  return !damaged_packs.empty() || !unreadable_packs.empty() || !readable_again.empty();
}

std::vector<std::string> CheckReport::unreadable_names() const {
  std::vector<std::string> names;
  std::transform(unreadable_packs.begin(), unreadable_packs.end(), std::back_inserter(names),
                 pack_name);
  return names;
}

CheckReport check(Repository& repository, const CheckOptions& options) {
  return Checker(repository.core(), repository.node_reader(), options).run();
}

}  // namespace salvor::repo
