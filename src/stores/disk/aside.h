#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"

namespace salvor::stores::disk {

/// The head of the name of a directory at the root of a store that holds what was moved aside
/// there. It is no part of the store.
inline constexpr std::string_view kAsideWithin = ".salvor-aside-";

/// Where a restore puts what is in its way: `<target>.aside-<UTC time>` beside the target, under
/// the same relative paths; for a live target that is a mount point, so that nothing can be moved
/// beside it, `.salvor-aside-<UTC time>` within. Made when the first thing is moved; nothing is
/// ever deleted. Threads: any.
class Aside {
 public:
  /// `target`: canonical.
  Aside(std::filesystem::path target, bool is_live, Clock& clock)
      : target_(std::move(target)), is_live_(is_live), clock_(clock) {}

  /// Moves `path`, which is `name` in the open directory `parent`.
  /// Errors: refused, when the place is on another file system.
  void move(int parent, const std::string& name, std::string_view path);

  std::uint64_t moved() const;
  /// Empty when nothing was moved.
  std::string location() const;

 private:
  std::string base() const;
  void make_root();
  int make_parents(std::string_view path);

  const std::filesystem::path target_;
  const bool is_live_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all that follows
  std::filesystem::path path_;
  Fd root_;
  std::string parents_path_;
  Fd parents_;  // the directory made last: things come in order of paths
  std::uint64_t moved_ = 0;
};

}  // namespace salvor::stores::disk
