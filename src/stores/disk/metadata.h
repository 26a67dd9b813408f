#pragma once

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "stores/disk/attributes.h"
#include "stores/entry.h"

namespace salvor::stores::disk {

/// What a restore could not bring back: one line for each sort of it, however often it occurred.
/// Threads: any.
class Warnings {
 public:
  /// `what`: "the owner", "the extended attribute user.x".
  void add(const std::string& what, std::string_view path, int error);
  std::vector<std::string> lines() const;

 private:
  struct Line {
    std::string first_path;
    std::string reason;
    std::uint64_t count = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Line> by_what_;
};

/// Sets owner, mode, attributes and times, in the order in which none undoes another: a change of
/// owner clears setuid and capabilities, and everything but times changes times.
/// What the user may not do, or the file system can't, becomes a warning. When the owner can't be
/// set, setuid and setgid are left off: they would lend the rights of someone else.
/// Errors: none.   Threads: any.
void apply_metadata(Handle handle, const Entry& entry, std::string_view path, Warnings& warnings);

/// Whether `existing` has all that apply_metadata() would set.
bool has_metadata(Handle handle, const struct stat& existing, const Entry& entry,
                  std::string_view path);

}  // namespace salvor::stores::disk
