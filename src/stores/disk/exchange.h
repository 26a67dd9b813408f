#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "stores/replacement.h"

namespace salvor::stores::disk {

/// Where `path` leads in the end: symlinks are followed, also one that leads nowhere, so that a
/// store that was deleted comes back to its real place. Absolute.
/// Errors: failed, for a loop.
std::filesystem::path real_place(const std::filesystem::path& path);

/// `<parent of live>/.salvor-<run>-<tag>`.   Errors: usage, when these make no name.
std::filesystem::path workplace_for(const std::filesystem::path& live, const std::string& run,
                                    const std::string& tag);

/// The inode at `path` (a symlink itself, not what it leads to); 0 when there is nothing.
/// Errors: failed.
std::uint64_t inode_at(const std::filesystem::path& path);

/// The three places of one name: where the store lives, where its copy is made, where what was
/// live is parked; and the two moves between them, each as one change of names.
///
/// What a crash left is told by inodes: `<workplace>/places` holds the inode that was live, noted
/// durably before the first move. Names are exchanged (RENAME_EXCHANGE), then what came out is
/// parked. Where the file system can't, there are two renames, and between them nothing is live.
/// Threads: one.
class Exchange {
 public:
  struct Places {
    std::filesystem::path live;
    std::filesystem::path workplace;
    std::filesystem::path fresh;   ///< in the workplace: the copy
    std::filesystem::path parked;  ///< in the workplace: what was live
  };
  Exchange(Places places, ReplacementFaults faults);

  const Places& places() const { return places_; }

  /// Whether the workplace is there, for this live path.   Errors: conflict, when it is another's.
  bool is_provisioned() const;
  /// Whether the live path has the copy.
  bool is_cut_over() const;

  /// Makes the workplace, 0700, and the directories above the live path where they are missing.
  void provision();

  /// Parks what an interrupted exchange has left in the other's place.
  void settle();

  /// Brings the copy into the live place, and back again. May be repeated.
  /// Errors: refused, when the file system does not let go (a mount point); conflict, when somebody
  /// put something in the way; failed.
  void bring_in();
  void bring_back();

  /// Removes the workplace with all in it.
  /// Errors: conflict, when it still holds what was live (discard_copy), or the copy is not live
  /// (discard_old).
  void discard_copy();
  void discard_old();

  /// Errors: conflict, as discard_old(): the copy is not live, or nothing is. None without a
  /// workplace, and for the rest of one.
  void require_live() const;

  /// Errors: refused, when discard_old() has begun: what was live is not whole any more.
  void require_old() const;

  void step(std::string_view name) const {
    if (faults_.before_step) faults_.before_step(name);
  }
  void sync() const;

 private:
  std::optional<std::uint64_t> noted_live() const;
  void note_live(std::uint64_t inode);
  void move(const std::filesystem::path& from, const std::filesystem::path& to,
            std::string_view name);
  bool exchange(const std::filesystem::path& incoming);
  void remove_workplace(std::string_view what);
  std::string being_discarded() const;  ///< "copy", "old", or nothing

  const Places places_;
  const ReplacementFaults faults_;
};

}  // namespace salvor::stores::disk
