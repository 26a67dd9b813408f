#include "repo/internal/log.h"

#include <algorithm>

#include "base/log.h"
#include "base/process_identity.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kNonceBytes = 16;
constexpr const char* kLogPrefix = "log/";
constexpr const char* kCheckpointPrefix = "checkpoint/";

std::vector<std::string> names_of(backend::Backend& backend, const std::string& prefix) {
  std::vector<std::string> names;
  backend.list(prefix, "", [&](const backend::Object& object) { names.push_back(object.name); });
  return names;
}

bool has_packs(backend::Backend& backend) {
  struct Found {};
  try {
    backend.list("packs/", "", [](const backend::Object&) { throw Found(); });
  } catch (const Found&) {
    return true;
  }
  return false;
}

[[noreturn]] void throw_missing(std::uint64_t sequence, const std::string& newest) {
  throw Error(ErrorCode::corruption, log_name(sequence) + " is missing, though there is " + newest,
              "restore that object from a copy of the repository, or run `salvor verify --repair` "
              "to find its recovery point in the packs");
}

}  // namespace

void LogState::apply(const LogEntry& entry, ByteView stored) {
  ++sequence;
  head = codec::sha256(stored);
  const auto session = std::find_if(sessions.begin(), sessions.end(), [&](const OpenSession& open) {
    return open.session == entry.session;
  });
  switch (entry.type) {
    case EntryType::keys:
      slots = entry.slots;
      break;
    case EntryType::begin:
      sessions.push_back({entry.session, entry.process, entry.time, entry.host, false});
      break;
    case EntryType::point:
      if (entry.point) points.push_back(*entry.point);
      if (session != sessions.end()) session->committed = true;
      break;
    case EntryType::accept:
      if (entry.accepted) accepted.push_back(*entry.accepted);
      mark_accepted();
      break;
    case EntryType::end:
      if (session != sessions.end()) sessions.erase(session);
      break;
  }
  for (const IndexRunId& run : entry.runs) {
    if (std::find(runs.begin(), runs.end(), run) == runs.end()) runs.push_back(run);
  }
  for (const IndexRunId& run : entry.withdrawn_runs) std::erase(runs, run);
  if (!entry.withdrawn_runs.empty()) ++withdrawals;
}

void LogState::mark_accepted() {
  for (Point& point : points) {
    if (std::find(accepted.begin(), accepted.end(), point.id) != accepted.end()) {
      point.accepted = true;
    }
  }
}

Log::Log(backend::Backend& backend, const Keys& keys, Clock& clock, Rng& rng)
    : backend_(backend), keys_(keys), clock_(clock), rng_(rng) {}

std::optional<Bytes> Log::fetch(std::uint64_t sequence) {
  try {
    return read_object(backend_, log_name(sequence), kObjectBytesMax);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

LogEntry Log::open(std::uint64_t sequence, ByteView stored) const {
  const std::string name = log_name(sequence);
  return decode_entry(open_object(keys_, ObjectType::log_entry, name, stored), name);
}

void Log::follow(LogState& state, ByteView stored) {
  const LogEntry entry = open(state.sequence + 1, stored);
  if (entry.before != state.head) {
    throw_damaged(log_name(state.sequence + 1), "it does not follow the entry before it");
  }
  state.apply(entry, stored);
}

std::optional<LogState> Log::read_checkpoint(const std::string& name, const Finding& finding) {
  const auto sequence = sequence_of_name(kCheckpointPrefix, name);
  if (!sequence) return std::nullopt;
  try {
    const Bytes stored = read_object(backend_, name, kObjectBytesMax);
    LogState state = decode_state(open_object(keys_, ObjectType::checkpoint, name, stored), name);
    if (state.sequence != *sequence) throw_damaged(name, "it is of another sequence");
    return state;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
    finding(name, error.message());
    return std::nullopt;
  }
}

/// The newest one that can be read. `newest_named`: the newest that is there at all.
LogState Log::newest_checkpoint(const Finding& finding, std::uint64_t* newest_named) {
  const std::vector<std::string> names = names_of(backend_, kCheckpointPrefix);
  if (newest_named != nullptr) {
    *newest_named = 0;
    for (const std::string& name : names) {
      const auto sequence = sequence_of_name(kCheckpointPrefix, name);
      *newest_named = std::max(*newest_named, sequence.value_or(0));
    }
  }
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (auto state = read_checkpoint(*name, finding)) return std::move(*state);
  }
  return {};
}

LogState Log::load(const Finding& finding, bool from_start) {
  due_.reset();
  // Before the entries are listed: each checkpoint that is seen stands for entries that are there.
  std::uint64_t newest = 0;
  LogState state = newest_checkpoint(finding, &newest);
  if (from_start && state.first == 1) {
    state = {};
  } else if (from_start) {
    const std::uint64_t first = state.first;
    auto oldest = read_checkpoint(checkpoint_name(first), finding);
    if (!oldest) throw_damaged(checkpoint_name(first), "the log begins with it");
    state = std::move(*oldest);
  }
  std::uint64_t last = 0;
  // The entry of the checkpoint must be there as well: where it is not, later ones may be gone too.
  const std::string after = state.sequence < 2 ? "" : log_name(state.sequence - 1);
  bool begun = state.sequence == 0;
  backend_.list(kLogPrefix, after, [&](const backend::Object& object) {
    const auto sequence = sequence_of_name(kLogPrefix, object.name);
    if (sequence && *sequence == state.sequence) begun = true;
    last = std::max(last, sequence.value_or(0));
  });
  if (!begun) throw_missing(state.sequence, checkpoint_name(state.sequence));
  // A listing may show an entry, and miss one before it that was made meanwhile: only one that
  // can't be fetched is missing.
  while (state.sequence < last) {
    const auto stored = fetch(state.sequence + 1);
    if (!stored) throw_missing(state.sequence + 1, log_name(last));
    follow(state, *stored);
    if (!from_start && state.sequence + kCheckpointEvery > last) remember_if_due(state);
  }
  if (state.sequence < newest) throw_missing(state.sequence + 1, checkpoint_name(newest));
  if (state.sequence == 0 && has_packs(backend_)) {
    throw Error(ErrorCode::corruption, "the log is missing, though there are packs",
                "restore log/ from a copy of the repository, or run `salvor verify --repair` to "
                "find the recovery points in the packs");
  }
  return state;
}

void Log::refresh(LogState& state) {
  while (const auto stored = fetch(state.sequence + 1)) {
    follow(state, *stored);
    remember_if_due(state);
  }
}

LogState Log::salvage(const Finding& finding) {
  due_.reset();
  std::uint64_t newest = 0;
  LogState state = newest_checkpoint(finding, &newest);
  for (const std::string& name : names_of(backend_, kLogPrefix)) {
    const auto sequence = sequence_of_name(kLogPrefix, name);
    if (!sequence || *sequence <= state.sequence) continue;
    try {
      const Bytes stored = read_object(backend_, name, kObjectBytesMax);
      state.apply(open(*sequence, stored), stored);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
      finding(name, error.message());
    }
    state.sequence = *sequence;
  }
  state.sequence = std::max(state.sequence, newest);
  return state;
}

void Log::replace_checkpoint(const LogState& state) {
  const std::string name = checkpoint_name(state.sequence);
  backend_.remove(name);
  backend_.put_if_absent(name,
                         seal_object(keys_, ObjectType::checkpoint, name, encode(state), rng_));
}

std::vector<std::string> Log::mend_checkpoints() {
  const auto ignored = [](const std::string&, const std::string&) {};
  std::vector<std::string> mended;
  LogState state = newest_checkpoint(ignored);
  const std::uint64_t first = state.first;
  state = {};
  if (first != 1) {
    auto oldest = read_checkpoint(checkpoint_name(first), ignored);
    if (!oldest) return mended;
    state = std::move(*oldest);
  }
  while (const auto stored = fetch(state.sequence + 1)) {
    follow(state, *stored);
    const std::string name = checkpoint_name(state.sequence);
    if (state.sequence % kCheckpointEvery != 0 || read_checkpoint(name, ignored)) continue;
    replace_checkpoint(state);
    mended.push_back("wrote " + name + " anew from the log");
  }
  return mended;
}

std::uint64_t Log::append(LogState& state, LogEntry entry, const StillRight& still_right) {
  write_due_checkpoint();
  entry.nonce.resize(kNonceBytes);
  rng_.fill(entry.nonce);
  entry.time = clock_.now();
  entry.host = host_name();
  for (;;) {
    if (still_right) still_right(state);
    const std::uint64_t sequence = state.sequence + 1;
    entry.before = state.head;
    const Bytes stored =
        seal_object(keys_, ObjectType::log_entry, log_name(sequence), encode(entry), rng_);
    bool created = false;
    try {
      created = backend_.put_if_absent(log_name(sequence), stored) == backend::PutResult::created;
    } catch (const Error& error) {
      // The answer may have been lost after the object was created: look before giving up.
      if (error.code() != ErrorCode::unreachable || !backend_.size(log_name(sequence))) throw;
    }
    if (created) {
      require_followed(state, sequence, entry);
      state.apply(entry, stored);
      remember_if_due(state);
      write_due_checkpoint();
      return sequence;
    }
    const auto winner = fetch(sequence);
    if (!winner) throw_damaged(log_name(sequence), "it was there, and is gone");
    const bool ours = open(sequence, *winner).nonce == entry.nonce;
    if (ours) require_followed(state, sequence, entry);
    follow(state, *winner);
    remember_if_due(state);
    if (ours) return sequence;
  }
}

/// A repair begins the log anew, and removes what lies before: an entry that was put into the gap
/// is read by nobody. Of a session's begin and end nobody would miss anything.
void Log::require_followed(const LogState& state, std::uint64_t sequence, const LogEntry& entry) {
  const bool counts = entry.type == EntryType::point || entry.type == EntryType::keys ||
                      entry.type == EntryType::accept;
  if (!counts || state.sequence == 0 || backend_.size(log_name(state.sequence))) return;
  backend_.remove(log_name(sequence));
  throw Error(ErrorCode::conflict, "a repair has begun the log of the repository anew meanwhile",
              "run it again: what it has stored is found");
}

void Log::remember_if_due(const LogState& state) {
  if (state.sequence % kCheckpointEvery == 0) due_ = state;
}

void Log::write_due_checkpoint() {
  if (!due_) return;
  const std::string name = checkpoint_name(due_->sequence);
  try {
    if (!backend_.size(name)) {
      backend_.put_if_absent(name,
                             seal_object(keys_, ObjectType::checkpoint, name, encode(*due_), rng_));
    }
    due_.reset();
  } catch (const Error& error) {
    log::warning("cannot write {}: {}; the next writer makes it", name, error.message());
  }
}

}  // namespace salvor::repo
