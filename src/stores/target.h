#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "stores/marker.h"
#include "stores/replacement.h"
#include "stores/settings.h"
#include "stores/sink.h"

/// A store at its place: restores replace it, checks ask it. A Target is the live store or a copy
/// of it. What not every kind of store can do is a facet, which is there or is null:
///     if (SqlAccess* sql = target.sql()) sql->query(statement, stop, visit);
namespace salvor::stores {

/// A process that has something of a store open, as far as this user may see it (/proc). A value.
struct Holder {
  std::int64_t pid = 0;
  std::string command;
  bool writes = false;  ///< it is open for writing
  std::string path;     ///< what it has open
};

/// What tells one target from another, for a user who must confirm that it is the right one. A
/// value.
/// Units: bytes of content, entries as the store counts them.
struct TargetIdentity {
  std::string path;
  bool exists = false;
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
  /// False: it could not be counted to the end, in time or at all; bytes and entries are minima.
  bool counted = true;
  std::string identity;         ///< "device 66304, inode 1234", empty when it does not exist
  std::vector<Holder> holders;  ///< without this process
};

/// Keeps writers out of a store.
/// Lifetime: writers are kept out as long as it lives. The kernel lifts it when the process dies,
///           so a crash gives the store back.
class WriteLock {
 public:
  virtual ~WriteLock() = default;
};

/// One verdict of a store on its own data. A value.
struct SelfCheck {
  std::string name;  ///< "integrity_check"
  bool passed = false;
  std::string expected;  ///< "ok"
  /// The first problems, a line each; or why it passed although the data is not perfect.
  std::string found;
  /// The check needs the application (a function that it defines, say): `found` says what is
  /// missing here.
  bool not_run = false;
};

/// What lies at a path within a store. A value.
/// Units: bytes, of files only.
struct PathFacts {
  bool is_file = false;
  std::uint64_t bytes = 0;
};

/// Keeps out writers that know nothing of salvor, by locks of the store itself.
/// Threads: one at a time.
class WriteLocking {
 public:
  virtual ~WriteLocking() = default;
  /// Null where the store does not exist.
  /// Errors: conflict, naming who holds it, when it can't be had within `wait_ms_max`; failed.
  virtual std::unique_ptr<WriteLock> lock_writes(std::int64_t wait_ms_max) = 0;

  /// Tries to begin a write, and gives it up at once: whether the store refused it. Empty where the
  /// store does not exist.
  virtual std::optional<bool> refuses_writes() = 0;
};

/// Takes a snapshot over what is live, instead of beside it.
/// Threads: one at a time.
class OverWriting {
 public:
  virtual ~OverWriting() = default;
  /// Whether it could move out of its way whatever it finds. Changes nothing.
  /// Errors: refused, naming what it could not move.
  virtual void try_write_over() = 0;

  /// Writes what differs, and leaves what the store does not protect.
  virtual std::unique_ptr<Sink> sink_over() = 0;
};

/// Answers SQL.
/// Threads: one at a time.
class SqlAccess {
 public:
  virtual ~SqlAccess() = default;
  /// Runs a query, and visits every row, as text (null: no value) until `visit` returns false. A
  /// statement that would write fails.
  /// Errors: usage: the statement is wrong (with the store's message); failed; cancelled, when
  ///         `stop` is requested.
  using Row = std::vector<std::optional<std::string>>;
  virtual void query(const std::string& sql, std::stop_token stop,
                     const std::function<bool(const Row&)>& visit) = 0;
};

/// Holds things that have paths.
/// Threads: one at a time.
class PathAccess {
 public:
  virtual ~PathAccess() = default;
  /// What lies at a path within the store. Symlinks within it are followed; those that lead out are
  /// not. Empty when nothing is there.
  /// Errors: failed.
  virtual std::optional<PathFacts> look_at(const std::string& path) = 0;

  /// The SHA-256 of a file's content, in hexadecimal digits.
  /// Errors: as look_at(); not_found, when no file is there.
  virtual std::string sha256(const std::string& path) = 0;

  /// Visits every file (and hard link) within the store, but for the marker, as a path relative to
  /// the store.
  /// Errors: as look_at(); failed, when a part of the store can't be listed: then what was visited
  ///         is not all.
  virtual void list(const std::function<void(const std::string& path)>& visit) = 0;
};

/// One store, live or a copy of it.
/// Threads:  one at a time.
/// Lifetime: locks and replacements may outlive it, its facets do not.
class Target {
 public:
  virtual ~Target() = default;
  /// Where it is. Nothing need be there.
  virtual const Location& location() const = 0;

  /// What this kind of store can do besides. A facet is there for the live store and for a copy
  /// alike, whether or not the store exists; null: never.
  virtual WriteLocking* locking() { return nullptr; }
  virtual OverWriting* over() { return nullptr; }
  virtual SqlAccess* sql() { return nullptr; }
  virtual PathAccess* paths() { return nullptr; }

  /// Looks at the store, and counts for at most `count_ms_max`. Changes nothing.
  /// Units:  milliseconds.
  /// Errors: none: what can't be seen is left out.
  virtual TargetIdentity identify(std::int64_t count_ms_max) const = 0;

  /// What the store itself can say about its data, opened so that nothing is written. What the
  /// source had too passes, with a remark. `source`: the facts of the snapshot that this data was
  /// restored from (SourceReport::facts).
  /// Errors: none: what can't be read is a verdict.
  using Facts = std::map<std::string, std::string>;
  virtual std::vector<SelfCheck> check(std::stop_token stop, const Facts& source = {}) = 0;

  /// The marker that a backup has planted in this store; empty when it holds none.
  /// Errors: failed; cancelled.
  virtual std::optional<Marker> marker(std::stop_token /*stop*/) { return std::nullopt; }

  /// How this store is replaced in run `run`. Whoever asks again, in this process or after a crash,
  /// finds the same state. `tag`: the store's name, a part of the workplace's name.
  virtual std::unique_ptr<Replacement> replacement(const std::string& run,
                                                   const std::string& tag) = 0;
};

}  // namespace salvor::stores
