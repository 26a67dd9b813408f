#include "repo/session.h"

#include "base/error.h"
#include "base/log.h"
#include "base/process_identity.h"
#include "codec/compress.h"
#include "repo/internal/core.h"
#include "repo/internal/object.h"
#include "repo/internal/pack_writer.h"

namespace salvor::repo {
namespace {

/// Small chunks are compressed together until a frame has this much content.
constexpr std::size_t kDataFrameBytes = 1U << 20U;
constexpr std::size_t kNodeFrameBytes = 256U << 10U;
constexpr int kDataLevel = 1;
constexpr int kNodeLevel = 3;

/// A frame that is being collected. Threads: one.
struct Frame {
  std::vector<ByteView> pieces;
  std::vector<ChunkInfo> chunks;
  std::size_t bytes = 0;
};

}  // namespace

struct Session::State {
  State(Repository::Core& core_, SessionId id_, std::vector<PackDirectory> adopted_,
        std::uint64_t withdrawals_)
      : core(core_),
        id(id_),
        adopted(std::move(adopted_)),
        withdrawals(withdrawals_),
        packs(core_) {
    core.session_open = true;
    core.index_dirty = true;
  }
  ~State() { core.session_open = false; }

  Repository::Core& core;
  SessionId id;
  std::vector<PackDirectory> adopted;
  const std::uint64_t withdrawals;  ///< LogState's, as the index has them
  PackWriter packs;
  std::vector<IndexRunId> written_runs;  ///< perhaps in no entry yet
  std::atomic<std::uint64_t> chunks_new{0};
  std::atomic<std::uint64_t> chunks_known{0};
  bool over = false;

  std::mutex nodes_mutex;  ///< guards the three below
  Bytes nodes;
  std::vector<ChunkInfo> node_chunks;

  void write_frame(PackKind kind, FrameType type, ByteView content, std::vector<ChunkInfo> chunks,
                   int level);
  void write_frame(Frame& frame);
  void flush_nodes();
  void write_point(const Point& point);
  void end(EndResult result, std::vector<IndexRunId> runs);
};

void Session::State::write_frame(PackKind kind, FrameType type, ByteView content,
                                 std::vector<ChunkInfo> chunks, int level) {
  thread_local Bytes compressed;
  compressed.resize(codec::compressed_bytes_max(content.size()));
  const auto size = codec::compress(content, compressed, level);
  packs.append(kind, type, size ? ByteView(compressed).first(*size) : content, content.size(),
               std::move(chunks));
}

void Session::State::write_frame(Frame& frame) {
  if (frame.pieces.empty()) return;
  if (frame.pieces.size() == 1) {
    write_frame(PackKind::data, FrameType::data, frame.pieces.front(), std::move(frame.chunks),
                kDataLevel);
  } else {
    thread_local Bytes content;
    content.clear();
    content.reserve(frame.bytes);
    for (const ByteView piece : frame.pieces) {
      content.insert(content.end(), piece.begin(), piece.end());
    }
    write_frame(PackKind::data, FrameType::data, content, std::move(frame.chunks), kDataLevel);
  }
  frame = {};
}

void Session::State::flush_nodes() {
  if (nodes.empty()) return;
  write_frame(PackKind::tree, FrameType::node, nodes, std::move(node_chunks), kNodeLevel);
  nodes.clear();
  node_chunks.clear();
}

void Session::State::write_point(const Point& point) {
  const Bytes content = encode(point);
  if (content.size() > kFrameBytesMax) {
    throw Error(ErrorCode::failed,
                "the description of the recovery point has " + std::to_string(content.size()) +
                    " bytes, expected at most " + std::to_string(kFrameBytesMax),
                "divide the service's stores among several services");
  }
  const ChunkId chunk = core.keys.chunk_id(FrameType::point, content);
  write_frame(PackKind::tree, FrameType::point, content,
              {{chunk, static_cast<std::uint32_t>(content.size())}}, kNodeLevel);
}

void Session::State::end(EndResult result, std::vector<IndexRunId> runs) {
  LogEntry entry;
  entry.type = EntryType::end;
  entry.session = id;
  entry.result = result;
  entry.runs = std::move(runs);
  core.log.append(core.log_state, std::move(entry));
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

void Session::store(std::span<const ByteView> pieces, std::span<ChunkId> ids) {
  SALVOR_ASSERT(pieces.size() == ids.size());
  Index& index = state_->core.chunks();
  Frame frame;
  std::uint64_t known = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    SALVOR_ASSERT(!pieces[i].empty() && pieces[i].size() <= kFrameBytesMax / 2);
    ids[i] = state_->core.keys.chunk_id(FrameType::data, pieces[i]);
    if (!index.claim(ids[i])) {
      ++known;
      continue;
    }
    frame.pieces.push_back(pieces[i]);
    frame.chunks.push_back({ids[i], static_cast<std::uint32_t>(pieces[i].size())});
    frame.bytes += pieces[i].size();
    if (frame.bytes >= kDataFrameBytes) state_->write_frame(frame);
  }
  state_->write_frame(frame);
  state_->chunks_known += known;
  state_->chunks_new += pieces.size() - known;
}

ChunkId Session::store_node(ByteView node) {
  if (node.size() > kNodeBytesMax) {
    throw Error(ErrorCode::failed,
                "a tree node has " + std::to_string(node.size()) + " bytes, expected at most " +
                    std::to_string(kNodeBytesMax),
                "something has more metadata than can be kept: look for huge extended attributes");
  }
  const ChunkId id = state_->core.keys.chunk_id(FrameType::node, node);
  if (!state_->core.chunks().claim(id)) return id;
  const std::lock_guard lock(state_->nodes_mutex);
  if (state_->nodes.size() + node.size() > kFrameBytesMax) state_->flush_nodes();
  state_->nodes.insert(state_->nodes.end(), node.begin(), node.end());
  state_->node_chunks.push_back({id, static_cast<std::uint32_t>(node.size())});
  if (state_->nodes.size() >= kNodeFrameBytes) state_->flush_nodes();
  return id;
}

TreeBuilder Session::tree() {
  return {[this](ByteView node) { return store_node(node); }, state_->core.keys.node_seed(0)};
}

bool Session::knows(const ChunkId& id) const {
  return state_->core.chunks().contains(id);
}

SessionCounters Session::counters() const {
  return {state_->packs.bytes_stored(), state_->chunks_new, state_->chunks_known};
}

PointId Session::commit(Point point) {
  SALVOR_ASSERT(!state_->over);
  Repository::Core& core = state_->core;
  point.id = random_id<PointId>(core.rng);
  for (Snapshot& snapshot : point.snapshots) bound_lists(snapshot);
  {
    const std::lock_guard lock(state_->nodes_mutex);
    state_->flush_nodes();
  }
  // The description is the last thing to become durable: one that is found in the packs is whole.
  state_->packs.finish(PackKind::data);
  state_->packs.finish(PackKind::tree);
  state_->write_point(point);
  state_->packs.finish(PackKind::tree);
  LogEntry entry;
  entry.type = EntryType::point;
  entry.session = state_->id;
  state_->written_runs = state_->packs.take_runs(std::exchange(state_->adopted, {}));
  entry.runs = state_->written_runs;
  entry.point = point;
  core.log.append(core.log_state, std::move(entry), [this](const LogState& log_state) {
    if (log_state.withdrawals == state_->withdrawals) return;
    throw Error(
        ErrorCode::conflict,
        "a repair has replaced packs of the repository meanwhile, which this recovery point "
        "may refer to",
        "run the backup again: what it has stored is found");
  });
  core.index_dirty = false;
  state_->over = true;
  try {
    state_->end(EndResult::done, {});
  } catch (const Error& error) {
    // The point is committed; the session that stays open costs the next writer a look.
    log::warning("cannot log the end of the session: {}", error.message());
  }
  return point.id;
}

void Session::abandon() noexcept {
  if (std::exchange(state_->over, true)) return;
  try {
    state_->packs.finish_what_can_be();
    std::vector<IndexRunId> runs = state_->packs.take_runs(std::exchange(state_->adopted, {}));
    runs.insert(runs.end(), state_->written_runs.begin(), state_->written_runs.end());
    state_->end(EndResult::failed, std::move(runs));
    state_->core.index_dirty = false;
  } catch (const std::exception& error) {
    log::debug("cannot log the end of a failed session: {}", error.what());
  }
}

std::unique_ptr<Session> Repository::begin() {
  Core& core = *core_;
  SALVOR_ASSERT(core.writes() && !core.session_open);
  refresh();
  const std::uint64_t withdrawals = core.log_state.withdrawals;
  core.log.write_due_checkpoint();
  const bool dirty = core.index_dirty;
  // A session before this one may have left packs in the index that no run names.
  if (dirty) core.index_loaded = false;
  core.index_dirty = true;
  Index& index = core.chunks();
  // Nobody stores any more what a failed session has claimed.
  index.drop_claims();
  std::vector<OpenSession> dead;
  bool unfinished = dirty;
  for (const OpenSession& open : core.log_state.sessions) {
    const Liveness liveness = liveness_of(open.process);
    if (liveness == Liveness::dead) dead.push_back(open);
    if (liveness != Liveness::alive && !open.committed) unfinished = true;
  }
  std::vector<PackDirectory> adopted;
  if (unfinished) adopted = core.adopt_unknown_packs(index);
  for (const OpenSession& open : dead) {
    LogEntry entry;
    entry.type = EntryType::end;
    entry.session = open.session;
    entry.result = EndResult::abandoned;
    core.log.append(core.log_state, std::move(entry));
  }
  const auto id = random_id<SessionId>(core.rng);
  LogEntry entry;
  entry.type = EntryType::begin;
  entry.session = id;
  entry.process = own_process_identity();
  core.log.append(core.log_state, std::move(entry));
  return std::unique_ptr<Session>(
      new Session(std::make_unique<Session::State>(core, id, std::move(adopted), withdrawals)));
}

}  // namespace salvor::repo
