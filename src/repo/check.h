#pragma once

#include <atomic>
#include <stop_token>

#include "repo/repository.h"

/// Verification and repair of a repository.
namespace salvor::repo {

/// What a damage reaches: one path in one snapshot.
struct Affected {
  PointId point;
  std::string service;
  std::string store;
  Bytes key;              ///< of the tree
  bool and_more = false;  ///< a tree node is lost: everything from this key to the next node
};

struct CheckProgress {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> bytes_expected{0};
};

struct CheckOptions {
  bool data = false;            ///< read every byte, not only what the structure needs
  unsigned threads = 0;         ///< 0: chosen by the machine
  std::uint64_t head_seen = 0;  ///< the newest log entry that this machine ever saw
  CheckProgress* progress = nullptr;
  std::stop_token stop;
};

/// Units: counts and bytes of what was looked at.
struct CheckReport {
  std::vector<Finding> findings;      ///< complete; damage first, then in order of objects
  std::vector<Affected> affected;     ///< complete, in order of points, stores, keys
  std::vector<PackId> damaged_packs;  ///< with `data`: those that are there, and not whole
  /// With `data`: packs whose bytes the medium does not give now. Another time it may.
  std::vector<PackId> unreadable_packs;
  /// With `data`: whole packs that an earlier repair found unreadable, and took out of the index.
  std::vector<PackId> readable_again;
  std::uint64_t log_entries = 0;
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;
  std::uint64_t chunks = 0;
  std::uint64_t points = 0;
  std::uint64_t snapshots = 0;
  bool data = false;

  bool sound() const;                                 ///< notes are allowed, damage is not
  bool has_bad_packs() const;                         ///< repair_packs() has something to do
  std::vector<std::string> unreadable_names() const;  ///< of the unreadable packs
};

/// Looks at every object: log, checkpoints, key slots, index runs, packs, records, and walks every
/// tree.
/// With `data` every frame of every pack is opened and every chunk compared with its id. Damage
/// never ends it early. Errors: unreachable, cancelled.
CheckReport check(Repository& repository, const CheckOptions& options);

/// Makes good what can be made good from what is left: salvor.json, checkpoints, index runs,
/// recovery points whose log entry is lost, and their descriptions. Removes no pack.
/// Shape: what was done, a line each.   The repository was opened with Access::repair.
std::vector<std::string> repair(Repository& repository);

/// Replaces packs that a verification has found damaged, or unreadable: what is sound in them goes
/// into new packs, what is not is in no pack any more, so that the next backup stores it again. A
/// damaged object is kept under damaged/, for whoever wants to look into it; one that is unreadable
/// stays where it is, and is in the index again once a verification has read all of it. Killed
/// anywhere, it can be done again.
/// Shape: what was done, a line each.   The repository was opened with Access::repair.
/// Errors: corruption: the medium does not give all of a damaged pack any more; nothing was
/// replaced.
std::vector<std::string> repair_packs(Repository& repository, const CheckReport& report);

}  // namespace salvor::repo
