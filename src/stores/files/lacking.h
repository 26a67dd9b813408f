#pragma once

#include <set>
#include <string>
#include <string_view>

#include "stores/files/files.h"

namespace salvor::stores::files {

/// What a snapshot lacks of a tree, though the tree had it when it was taken: no restore may delete
/// the only copy of it.
/// Threads: any.   Lifetime: a value.
class Lacking {
 public:
  explicit Lacking(const FilesLacking& lacking)
      : paths_(lacking.paths.begin(), lacking.paths.end()), and_more_(lacking.and_more) {}

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
  bool and_more_;
};

}  // namespace salvor::stores::files
