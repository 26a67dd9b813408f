#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "repo/ids.h"

namespace salvor::repo {

/// Something that a snapshot does not hold though it should: the store could not read it.
struct Missing {
  Bytes key;
  std::string reason;
  bool operator==(const Missing&) const = default;
};

/// One store at one moment. A value.   Units: bytes, entries, seconds as named.
struct Snapshot {
  std::string store;
  std::string type;
  Time time;
  ChunkId root;
  std::uint64_t records = 0;        ///< of the tree
  std::uint64_t content_bytes = 0;  ///< of all files, without holes
  std::uint64_t entries = 0;
  std::uint64_t sockets_skipped = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_stored = 0;
  std::int64_t duration_ns = 0;
  std::map<std::string, std::string> facts;
  std::vector<Missing> missing;         ///< the first ones
  std::uint64_t missing_more = 0;       ///< how many more there are
  std::vector<std::string> suspicions;  ///< why this may not be what the store was; sentences
  std::vector<std::string> remarks;     ///< the same, of what an earlier good point had, too
  bool operator==(const Snapshot&) const = default;
};

/// The snapshots of all stores of a service that belong together, committed at once.
struct Point {
  PointId id;
  std::string service;
  Time time;
  std::string version;  ///< of the salvor that wrote it
  std::vector<Snapshot> snapshots;
  std::map<std::string, std::string> facts = {};  ///< what they mean: docs/format.md, section 8
  /// Somebody has said that it is good all the same. The log has it: it is no part of the encoding.
  bool accepted = false;

  /// Taken before a restore in place, to go back to: nobody means it who does not name it, and it
  /// counts for no objective.
  bool is_safety_snapshot() const;

  /// Some stores of the service were asked for, not all: a service is not brought back with it
  /// unless somebody names the stores, and it counts for no objective.
  bool is_partial() const;

  /// It has all stores of the service.
  bool is_whole() const { return !is_safety_snapshot() && !is_partial(); }

  /// A store may not be what it was, and nobody has accepted that: a service is not brought back
  /// with it unless somebody names its id, and it counts for no objective. A safety snapshot never
  /// is: it keeps what is there.
  bool is_suspect() const;

  /// What a service can be brought back to, and judged by.
  bool is_good() const { return is_whole() && !is_suspect(); }

  /// "good", "partial", "suspect", or "safety".
  std::string_view state() const;

  /// Whose service it was when it was taken; empty: the version that wrote it did not say.
  std::string host() const;

  const Snapshot* find(std::string_view store) const;
  bool operator==(const Point&) const = default;
};

/// Keeps of the missing things, suspicions and remarks what the log has room for: it is read whole
/// at every opening.
void bound_lists(Snapshot& snapshot);

Bytes encode(const Point& point);

/// Errors: corruption.
Point decode_point(ByteView bytes);

}  // namespace salvor::repo
