#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace salvor::stores::disk {

/// What a snapshot lacks of a tree, though the tree had it when it was taken, because its backup
/// could not read it. A restore leaves those paths as they are: no restore may delete the only copy
/// of something. Paths are relative to the root.
/// Threads: any.   Lifetime: a value.
class Lacking {
 public:
  Lacking() = default;
  /// `and_more`: the list is not complete.
  Lacking(const std::vector<std::string>& paths, bool and_more)
      : paths_(paths.begin(), paths.end()), and_more_(and_more) {}

  /// Whether the list says so of the path, or of a directory that it lies in.
  bool names(std::string_view path) const {
    if (paths_.empty()) return false;
    if (paths_.contains("")) return true;
    for (std::size_t end = path.size(); end != std::string_view::npos; end = path.rfind('/', end)) {
      if (paths_.contains(path.substr(0, end))) return true;
      if (end == 0) break;
      --end;
    }
    return false;
  }

  /// Whether the path may be lacking: where the list is not complete, everything may be.
  bool covers(std::string_view path) const { return and_more_ || names(path); }

 private:
  std::set<std::string, std::less<>> paths_;
  bool and_more_ = false;
};

}  // namespace salvor::stores::disk
