#include <algorithm>
#include <unordered_set>

#include "codec/compress.h"
#include "repo/check.h"
#include "repo/format.h"
#include "repo/internal/core.h"
#include "repo/internal/object.h"
#include "repo/internal/pack_writer.h"

/// Packs are written once; one that rots is replaced as a whole.
namespace salvor::repo {
namespace {

constexpr int kPackLevel = 3;

std::vector<PackId> packs_to_withdraw(const CheckReport& report) {
  std::vector<PackId> packs = report.damaged_packs;
  packs.insert(packs.end(), report.unreadable_packs.begin(), report.unreadable_packs.end());
  return packs;
}

/// One replacement of damaged and unreadable packs. Threads: one.
class Replacement {
 public:
  Replacement(Repository::Core& core, const CheckReport& report)
      : core_(core),
        report_(report),
        packs_(packs_to_withdraw(report)),
        bad_(packs_.begin(), packs_.end()),
        writer_(core) {}

  std::vector<std::string> run();

 private:
  std::vector<PackDirectory> directories() const;
  void copy_sound(const PackDirectory& directory);
  void copy_sound(const PackDirectory& directory, const FrameInfo& frame);
  void set_aside(const PackId& id);
  void leave_out(const PackId& id);
  std::vector<PackDirectory> withdraw_runs();
  void log_replacement();
  void remove_withdrawn();

  Repository::Core& core_;
  const CheckReport& report_;
  const std::vector<PackId> packs_;
  const PackSet bad_;  ///< what lies there alone is in no pack that counts
  PackWriter writer_;
  std::vector<IndexRunId> withdrawn_;
  std::vector<std::string> done_;
  std::uint64_t copied_ = 0;
  std::uint64_t lost_ = 0;
};

/// What the bad packs hold: the index says it, and where it does not, they may do so themselves.
std::vector<PackDirectory> Replacement::directories() const {
  std::vector<PackDirectory> found = core_.directories_of(packs_);
  PackSet known;
  for (const PackDirectory& directory : found) known.insert(directory.pack.id);
  for (const PackId& id : packs_) {
    if (known.contains(id)) continue;
    try {
      found.push_back(read_directory(core_.backend, core_.keys, id));
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
  }
  return found;
}

void Replacement::copy_sound(const PackDirectory& directory) {
  for (const FrameInfo& frame : directory.frames) copy_sound(directory, frame);
}

void Replacement::copy_sound(const PackDirectory& directory, const FrameInfo& frame) {
  Bytes content;
  try {
    Bytes sealed(frame.stored);
    const std::string name = pack_name(directory.pack.id);
    sealed.resize(core_.backend.get_range(name, frame.offset, sealed));
    if (sealed.size() != frame.stored) throw_damaged(name, "it is cut short");
    open_frame(core_.keys, directory.pack, frame.type, frame.offset, sealed, frame.content,
               content);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    lost_ += frame.chunks.size();
    return;
  }
  Bytes sound;
  std::vector<ChunkInfo> chunks;
  std::size_t offset = 0;
  for (const ChunkInfo& chunk : frame.chunks) {
    const ByteView bytes = ByteView(content).subspan(offset, chunk.length);
    offset += chunk.length;
    if (core_.keys.chunk_id(frame.type, bytes) != chunk.id) {
      ++lost_;
      continue;
    }
    const auto place = core_.chunks().find(chunk.id);
    if (place && !bad_.contains(place->pack.id)) continue;
    sound.insert(sound.end(), bytes.begin(), bytes.end());
    chunks.push_back(chunk);
  }
  if (chunks.empty()) return;
  copied_ += chunks.size();
  Bytes compressed(codec::compressed_bytes_max(sound.size()));
  const auto size = codec::compress(sound, compressed, kPackLevel);
  writer_.append(directory.pack.kind, frame.type,
                 size ? ByteView(compressed).first(*size) : ByteView(sound), sound.size(),
                 std::move(chunks));
}

void Replacement::set_aside(const PackId& id) {
  const std::string name = pack_name(id);
  Bytes object(std::min<std::uint64_t>(core_.backend.size(name).value_or(0), kPackBytesMax));
  core_.backend.get_range(name, 0, object);
  // What an earlier repair has left of a pack that the medium did not give.
  if (core_.backend.size(set_aside_name(id)) == 0) core_.backend.remove(set_aside_name(id));
  core_.backend.put_if_absent(set_aside_name(id), object);
}

/// It stays where it is, and no writer takes it into a run by what its directory says.
void Replacement::leave_out(const PackId& id) {
  if (core_.backend.put_if_absent(set_aside_name(id), {}) == backend::PutResult::exists) return;
  done_.push_back("took " + pack_name(id) + " out of the index; its bytes stay where they are");
}

/// Shape: what the withdrawn runs say of packs that are not bad.
std::vector<PackDirectory> Replacement::withdraw_runs() {
  std::vector<PackDirectory> kept;
  for (const IndexRunId& run : core_.log_state.runs) {
    try {
      std::vector<PackDirectory> named = core_.read_run(run);
      const auto is_bad = [&](const PackDirectory& directory) {
        return bad_.contains(directory.pack.id);
      };
      if (std::none_of(named.begin(), named.end(), is_bad)) continue;
      withdrawn_.push_back(run);
      std::erase_if(named, is_bad);
      std::move(named.begin(), named.end(), std::back_inserter(kept));
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
  }
  return kept;
}

/// From this entry on the bad packs are in no run, and those that are readable again are in one.
void Replacement::log_replacement() {
  std::vector<PackDirectory> named = withdraw_runs();
  for (const PackId& id : report_.readable_again) {
    if (!core_.chunks().knows(id)) named.push_back(read_directory(core_.backend, core_.keys, id));
  }
  LogEntry entry;
  entry.type = EntryType::end;
  entry.session = random_id<SessionId>(core_.rng);
  entry.result = EndResult::repair;
  entry.withdrawn_runs = withdrawn_;
  entry.runs = writer_.take_runs(std::move(named));
  if (entry.runs.empty() && withdrawn_.empty()) return;
  core_.log.append(core_.log_state, std::move(entry));
}

void Replacement::remove_withdrawn() {
  for (const PackId& id : report_.damaged_packs) {
    core_.backend.remove(pack_name(id));
    done_.push_back("set " + pack_name(id) + " aside as " + set_aside_name(id));
  }
  for (const PackId& id : report_.readable_again) {
    core_.backend.remove(set_aside_name(id));
    done_.push_back("took " + pack_name(id) + " into the index again");
  }
  for (const IndexRunId& run : withdrawn_) core_.backend.remove(index_run_name(run));
}

std::vector<std::string> Replacement::run() {
  for (const PackDirectory& directory : directories()) copy_sound(directory);
  writer_.finish(PackKind::data);
  writer_.finish(PackKind::tree);
  for (const PackId& id : report_.damaged_packs) set_aside(id);
  for (const PackId& id : report_.unreadable_packs) leave_out(id);
  log_replacement();
  remove_withdrawn();
  if (packs_.empty()) return std::move(done_);
  done_.push_back("copied " + std::to_string(copied_) + " sound chunks into new packs; " +
                  std::to_string(lost_) +
                  " are damaged, and are stored again when a backup meets " + "them");
  return std::move(done_);
}

}  // namespace

std::size_t Repository::Core::mend_point_descriptions() {
  PackWriter writer(*this);
  std::size_t written = 0;
  for (const Point& point : log_state.points) {
    const Bytes content = encode(point);
    const ChunkId id = keys.chunk_id(FrameType::point, content);
    if (content.size() > kFrameBytesMax || !chunks().claim(id)) continue;
    writer.append(PackKind::tree, FrameType::point, content, content.size(),
                  {{id, static_cast<std::uint32_t>(content.size())}});
    ++written;
  }
  if (written == 0) return 0;
  writer.finish(PackKind::tree);
  LogEntry entry;
  entry.type = EntryType::end;
  entry.session = random_id<SessionId>(rng);
  entry.result = EndResult::repair;
  entry.runs = writer.take_runs({});
  log.append(log_state, std::move(entry));
  return written;
}

std::vector<std::string> repair_packs(Repository& repository, const CheckReport& report) {
  Repository::Core& core = repository.core();
  SALVOR_ASSERT(core.access == Access::repair);
  if (!report.has_bad_packs()) return {};
  std::vector<std::string> done = Replacement(core, report).run();
  core.index_loaded = false;
  core.mend_point_descriptions();
  const std::lock_guard lock(core.findings_mutex);
  core.findings.clear();
  return done;
}

}  // namespace salvor::repo
