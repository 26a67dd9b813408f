#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "stores/disk/exchange.h"
#include "stores/disk/exclude.h"
#include "stores/disk/lacking.h"

/// What lies in a tree and is not the store's: it stays with the live path when trees are
/// exchanged.
namespace salvor::stores::files {

/// What is carried, and from where to where.
struct CarryOptions {
  std::filesystem::path list;              ///< where the list is kept, in the workplace
  const disk::Exclude* exclude = nullptr;  ///< lifetime: longer
  const disk::Lacking* lacking = nullptr;  ///< lifetime: longer
  std::string workplaces;                  ///< names with this head are other stores' workplaces
  std::function<void(std::string_view step)> step;
};

/// Writes down, durably, all excluded paths (the uppermost ones), sockets and workplaces in `from`,
/// and what the snapshot lacks (lacking.h) unless `to` has it,
/// with the times of the directories they lie in, here and in `to`. To be called before the trees
/// are exchanged.   Errors: refused: this user may not move a directory that the snapshot lacks.
/// Memory: bounded by the largest directories on one way down.
void list_unprotected(const CarryOptions& options, const std::filesystem::path& from,
                      const std::filesystem::path& to);

/// What becomes of a name that somebody has taken in `to` since the list was made. Either way both
/// things stay where they are.
enum class Taken {
  stays,
  conflicts,  ///< the list is kept, and the call fails once all else is carried
};

/// When there is a list, and `to` is the tree that it was made for: moves what it names from `from`
/// to `to`, makes directories that are missing, gives all directories their times back, and
/// forgets the list. May be repeated after a crash. What `to` had already under that name when the
/// list was made stays, and so does that of `from`.
/// Errors: conflict, naming the first name that was taken; failed.
void carry_unprotected(const CarryOptions& options, const std::filesystem::path& from,
                       const std::filesystem::path& to, Taken taken);

}  // namespace salvor::stores::files
