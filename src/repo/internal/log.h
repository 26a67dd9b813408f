#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "repo/internal/keys.h"
#include "repo/point.h"

/// The commit log (docs/format.md, section 8).
namespace salvor::repo {

enum class EntryType : std::uint64_t { keys = 1, begin = 2, point = 3, end = 4, accept = 8 };
enum class EndResult : std::uint64_t { done = 1, failed = 2, abandoned = 3, repair = 4 };

/// One entry. A value; which members mean something depends on the type.
struct LogEntry {
  EntryType type = EntryType::keys;
  Time time;
  std::string host;
  SessionId session;
  std::string process;  ///< begin: process identity
  std::optional<Point> point;
  std::optional<PointId> accepted;  ///< accept: which point
  std::vector<IndexRunId> runs;
  std::vector<IndexRunId> withdrawn_runs;
  std::vector<SlotId> slots;
  EndResult result = EndResult::done;

  // Filled in by Log::append:
  Bytes nonce;
  codec::Digest before{};
};

struct OpenSession {
  SessionId session;
  std::string process;
  Time time;
  std::string host;
  bool committed = false;
};

/// The log, folded: everything that is in force. A value.
struct LogState {
  std::uint64_t sequence = 0;
  std::uint64_t first = 1;  ///< the oldest entry that is kept
  codec::Digest head{};
  std::vector<Point> points;      ///< in order of commitment
  std::vector<PointId> accepted;  ///< suspect points that somebody has accepted
  std::vector<IndexRunId> runs;
  std::vector<OpenSession> sessions;
  std::vector<SlotId> slots;
  std::uint64_t withdrawals =
      0;  ///< entries that withdrew runs, since the state was read; not kept

  void apply(const LogEntry& entry, ByteView stored);

  /// Says of each point whether it is accepted.
  void mark_accepted();
};

std::string log_name(std::uint64_t sequence);
std::string checkpoint_name(std::uint64_t sequence);

/// The number of a log entry or checkpoint; empty for a foreign name.
std::optional<std::uint64_t> sequence_of_name(std::string_view prefix, std::string_view name);

Bytes encode(const LogEntry& entry);
LogEntry decode_entry(ByteView content, std::string_view name);
Bytes encode(const LogState& state);
LogState decode_state(ByteView content, std::string_view name);

/// Reads and appends. Threads: one at a time. Any number of processes at once.
class Log {
 public:
  /// Told of damage that could be worked around: object, what is wrong.
  using Finding = std::function<void(const std::string& object, const std::string& what)>;

  Log(backend::Backend& backend, const Keys& keys, Clock& clock, Rng& rng);

  /// The state in force: the newest checkpoint that is sound, and all entries after it. With
  /// `from_start`, all entries that are kept are read, from the first one on.
  /// Errors: corruption: an entry is missing or damaged, or the log is gone where there are packs.
  LogState load(const Finding& finding, bool from_start = false);

  /// Reads what others have appended since.
  void refresh(LogState& state);

  /// Asked before each try with the state that the entry would follow; throws when the entry is no
  /// longer right.
  using StillRight = std::function<void(const LogState&)>;

  /// Appends, and folds the entry, and those that were appended before it, into `state`. When it
  /// returns, the entry is durable. When it throws `unreachable`, the entry may be there or not.
  /// Errors: conflict, when a repair has begun the log anew meanwhile, and nobody would read it.
  std::uint64_t append(LogState& state, LogEntry entry, const StillRight& still_right = {});

  /// All that the readable entries and checkpoints say, each on its own, where load() can't.
  LogState salvage(const Finding& finding);

  /// Writes a checkpoint of `state`, in place of one that may be there.
  void replace_checkpoint(const LogState& state);

  /// Writes every due checkpoint that is missing or damaged, from the log itself.
  std::vector<std::string> mend_checkpoints();

  /// Writes the newest checkpoint that is due, if it is missing. Never throws for that.
  void write_due_checkpoint();

 private:
  std::optional<Bytes> fetch(std::uint64_t sequence);
  LogEntry open(std::uint64_t sequence, ByteView stored) const;
  void follow(LogState& state, ByteView stored);
  void require_followed(const LogState& state, std::uint64_t sequence, const LogEntry& entry);
  void remember_if_due(const LogState& state);
  LogState newest_checkpoint(const Finding& finding, std::uint64_t* newest_named = nullptr);
  std::optional<LogState> read_checkpoint(const std::string& name, const Finding& finding);

  backend::Backend& backend_;
  const Keys& keys_;
  Clock& clock_;
  Rng& rng_;
  std::optional<LogState> due_;  ///< the state of a checkpoint that may be missing
};

}  // namespace salvor::repo
