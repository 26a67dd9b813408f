#include "repo/internal/core.h"

#include <algorithm>

#include "base/log.h"
#include "repo/internal/description.h"
#include "repo/internal/object.h"

namespace salvor::repo {

std::shared_ptr<const Bytes> FrameCache::find(const PackId& pack, std::uint32_t offset) {
  const std::lock_guard lock(mutex_);
  for (const Frame& frame : frames_) {
    if (frame.offset == offset && frame.pack == pack) return frame.content;
  }
  return nullptr;
}

void FrameCache::add(const PackId& pack, std::uint32_t offset, std::shared_ptr<const Bytes> frame) {
  const std::lock_guard lock(mutex_);
  bytes_ += frame->size();
  frames_.push_front({pack, offset, std::move(frame)});
  while (bytes_ > bytes_max_ && frames_.size() > 1) {
    bytes_ -= frames_.back().content->size();
    frames_.pop_back();
  }
}

Repository::Core::Core(backend::Backend& backend_, Keys keys_, Clock& clock_, Rng& rng_)
    : backend(backend_),
      clock(clock_),
      rng(rng_),
      keys(std::move(keys_)),
      chunker(keys.chunker_key(), parse_description(keys.ring().description).chunker),
      log(backend, keys, clock, rng) {}

void Repository::Core::note(Finding finding) {
  const std::lock_guard lock(findings_mutex);
  for (const Finding& known : findings) {
    if (known.object == finding.object && known.what == finding.what) return;
  }
  findings.push_back(std::move(finding));
}

Log::Finding Repository::Core::log_findings() {
  return [this](const std::string& object, const std::string& what) {
    note({Finding::Severity::damage, object, what});
  };
}

Index& Repository::Core::chunks() {
  if (!index_loaded) {
    const std::lock_guard lock(index_mutex);
    if (!index_loaded) load_index();
  }
  return *index;
}

std::vector<PackDirectory> Repository::Core::read_run(const IndexRunId& id) {
  const std::string name = index_run_name(id);
  const Bytes stored = read_object(backend, name, kObjectBytesMax);
  return decode_index_run(open_object(keys, ObjectType::index_run, name, stored), name);
}

void Repository::Core::load_index() {
  auto loaded = std::make_unique<Index>();
  loaded_runs.clear();
  present.clear();
  // What a salvaged log does not say, the packs do.
  load_runs(*loaded, salvaged);
  index = std::move(loaded);
  index_loaded = true;
}

void Repository::Core::load_new_runs() {
  if (!index_loaded) return;
  const bool all = std::all_of(log_state.runs.begin(), log_state.runs.end(),
                               [&](const IndexRunId& run) { return loaded_runs.contains(run); });
  if (all && loaded_runs.size() == log_state.runs.size()) return;
  const bool withdrawn =
      std::any_of(loaded_runs.begin(), loaded_runs.end(), [&](const IndexRunId& run) {
        return std::find(log_state.runs.begin(), log_state.runs.end(), run) == log_state.runs.end();
      });
  if (withdrawn) {
    // What they named may be gone: the index is read anew on its next use.
    index_loaded = false;
  } else {
    load_runs(*index, false);
  }
}

void Repository::Core::load_runs(Index& into, bool adopt) {
  if (writes()) list_packs(true);
  bool lost = false;
  for (const IndexRunId& run : log_state.runs) {
    if (loaded_runs.contains(run)) continue;
    try {
      for (const PackDirectory& directory : read_run(run)) {
        const auto found = present.find(directory.pack.id);
        // A writer must not refer to what is gone or cut short: it stores it again instead.
        if (writes() && (found == present.end() || found->second != directory.pack.size)) {
          note({Finding::Severity::damage, pack_name(directory.pack.id),
                found == present.end() ? "it is missing" : "it has another size than recorded"});
          continue;
        }
        into.add(directory);
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
      note({Finding::Severity::damage, index_run_name(run),
            error.code() == ErrorCode::not_found ? "it is missing" : error.message()});
      lost = true;
    }
    loaded_runs.insert(run);
  }
  if (lost) {
    log::warning("{}: an index run is lost; reading the directories of the packs instead",
                 backend.location());
  }
  if (lost || adopt) adopt_unknown_packs(into);
}

std::vector<PackId> Repository::Core::list_packs(bool remember_sizes) {
  std::vector<PackId> packs;
  backend.list("packs/", "", [&](const backend::Object& object) {
    const auto id = pack_of_name(object.name);
    if (!id) return;
    packs.push_back(*id);
    if (remember_sizes) present[*id] = object.size_bytes;
  });
  return packs;
}

PackSet Repository::Core::left_out_packs() {
  PackSet packs;
  backend.list(kSetAside, "", [&](const backend::Object& object) {
    if (object.size_bytes != 0) return;
    if (const auto id = set_aside_pack(object.name)) packs.insert(*id);
  });
  return packs;
}

std::vector<PackDirectory> Repository::Core::adopt_unknown_packs(Index& into) {
  std::vector<PackDirectory> adopted;
  const PackSet left_out = writes() ? left_out_packs() : PackSet();
  for (const PackId& pack : list_packs(false)) {
    if (into.knows(pack) || left_out.contains(pack)) continue;
    try {
      adopted.push_back(read_directory(backend, keys, pack));
      into.add(adopted.back());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
      note({Finding::Severity::damage, pack_name(pack), error.message()});
    }
  }
  return adopted;
}

std::vector<PackDirectory> Repository::Core::directories_of(const std::vector<PackId>& packs) {
  std::vector<PackDirectory> wanted;
  if (packs.empty()) return wanted;
  for (const IndexRunId& run : log_state.runs) {
    try {
      for (PackDirectory& directory : read_run(run)) {
        if (std::find(packs.begin(), packs.end(), directory.pack.id) != packs.end()) {
          wanted.push_back(std::move(directory));
        }
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
    }
  }
  return wanted;
}

Location Repository::Core::locate(const ChunkId& id) {
  const auto location = chunks().find(id);
  if (!location) {
    throw Error(ErrorCode::corruption, "chunk " + id.hex() + " is in no pack",
                "a pack is missing: run `salvor verify` to see what is affected");
  }
  return *location;
}

std::shared_ptr<const Bytes> Repository::Core::frame_of(const Location& location,
                                                        FrameCache& cache) {
  if (auto found = cache.find(location.pack.id, location.frame_offset)) return found;
  Bytes sealed(location.frame_stored);
  const std::string name = pack_name(location.pack.id);
  std::size_t got = 0;
  try {
    got = backend.get_range(name, location.frame_offset, sealed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) throw_damaged(name, "it is missing");
    throw;
  }
  if (got != sealed.size()) throw_damaged(name, "it is cut short");
  auto content = std::make_shared<Bytes>();
  open_frame(keys, location.pack, location.type, location.frame_offset, sealed,
             location.frame_content, *content);
  cache.add(location.pack.id, location.frame_offset, content);
  return content;
}

ByteView Repository::Core::verified(const ChunkId& id, FrameType type, const Location& location,
                                    ByteView frame) const {
  const std::string name = pack_name(location.pack.id);
  if (location.type != type || std::uint64_t{location.offset} + location.length > frame.size()) {
    throw_damaged(name, "chunk " + id.hex() + " is not where the index says");
  }
  const ByteView chunk = frame.subspan(location.offset, location.length);
  if (keys.chunk_id(type, chunk) != id) {
    throw_damaged(name, "chunk " + id.hex() + " has other content than its id says");
  }
  return chunk;
}

std::optional<Bytes> Repository::Core::read_elsewhere(const ChunkId& id, FrameType type) {
  for (const Location& location : chunks().others(id)) {
    try {
      const auto frame = frame_of(location, type == FrameType::node ? node_frames : data_frames);
      return to_bytes(verified(id, type, location, *frame));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption) throw;
    }
  }
  return std::nullopt;
}

Bytes Repository::Core::read(const ChunkId& id, FrameType type) {
  const Location location = locate(id);
  try {
    const auto frame = frame_of(location, type == FrameType::node ? node_frames : data_frames);
    return to_bytes(verified(id, type, location, *frame));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    if (auto other = read_elsewhere(id, type)) return std::move(*other);
    throw;
  }
}

}  // namespace salvor::repo
