#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stores/entry.h"

namespace salvor::stores::disk {

/// What a restore could not make, as the target's file system has no such thing: the rest is
/// restored all the same.
/// Threads: any.
class NotMade {
 public:
  /// A directory stands for all that is in it.
  void add(std::string_view path, EntryKind kind, int error);

  /// Whether `path`, or with it a directory above it, was not made.
  bool has(std::string_view path) const;
  bool has_above(std::string_view path) const;

  /// One line for each, in the order in which they were met; at last how many more there are.
  std::vector<std::string> lines() const;

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> any_{false};
  std::set<std::string, std::less<>> paths_;
  std::vector<std::string> lines_;
};

}  // namespace salvor::stores::disk
