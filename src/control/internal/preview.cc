#include "control/internal/preview.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "recovery/store_access.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

/// So long may looking at one store take.
constexpr std::int64_t kLookNs = 1'000'000'000;

/// Files below a place.   Units: bytes of content.
struct Seen {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool whole = true;  ///< false: there are more
};

/// Counts files that were written after an instant; one with several names once.
class Counting {
 public:
  explicit Counting(Time since) : since_(since), limit_{Clock::system().monotonic().ns + kLookNs} {}

  void add_below(const fs::path& root) {
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      add(at->path());
      if (Clock::system().monotonic() < limit_) continue;
      seen_.whole = false;
      return;
    }
    if (error) seen_.whole = false;
  }

  void add(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    const std::int64_t written = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
    if (written <= since_.ns) return;
    if (status.st_nlink > 1 && !linked_.insert({status.st_dev, status.st_ino}).second) return;
    ++seen_.files;
    seen_.bytes += static_cast<std::uint64_t>(status.st_size);
  }

  const Seen& seen() const { return seen_; }

 private:
  const Time since_;
  const Time limit_;
  std::set<std::pair<dev_t, ino_t>> linked_;  ///< files with several names
  Seen seen_;
};

std::string shown(const Seen& seen) {
  return fmt::format("{}{} file{} ({})", seen.whole ? "" : "at least ", seen.files,
                     seen.files == 1 ? "" : "s", human_bytes(seen.bytes));
}

/// A tree, or a file with what its store keeps beside it.
Seen written_since(const fs::path& live, Time since) {
  Counting counting(since);
  std::error_code error;
  if (fs::is_directory(live, error)) {
    counting.add_below(live);
    return counting.seen();
  }
  counting.add(live);
  for (fs::directory_iterator at(live.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (name.starts_with(live.filename().native() + "-")) counting.add(at->path());
  }
  return counting.seen();
}

std::string line_of_undo(const recovery::RunHead& head, const recovery::StorePlan& store,
                         const fs::path& workplace) {
  if (!head.live_since) {
    return store.delta_in_place
               ? fmt::format("store {}: the undo restores the safety snapshot over {}", store.name,
                             printable(store.path))
               : fmt::format(
                     "store {}: {} stays as it is; the undo removes the restored copy in {}",
                     store.name, printable(store.path), printable(workplace.native()));
  }
  const std::string written = shown(written_since(store.path, *head.live_since));
  if (store.delta_in_place) {
    return fmt::format(
        "store {}: the undo restores the safety snapshot over {}, and overwrites or moves aside {} "
        "written since the restore",
        store.name, printable(store.path), written);
  }
  return fmt::format(
      "store {}: the undo sets aside {} written since the restore, with all restored data, in {}; "
      "the data from before the restore is live again",
      store.name, written, printable(workplace.native()));
}

std::string line_of_close(const recovery::RunHead& head, const recovery::StorePlan& store,
                          const fs::path& workplace) {
  if (store.delta_in_place) {
    return fmt::format("store {}: no old data of it is kept", store.name);
  }
  Counting counting(Time{std::numeric_limits<std::int64_t>::min()});
  // What else is in a workplace are notes of salvor's own.
  for (const char* data : {"old", "new"}) {
    if (fs::exists(workplace / data)) counting.add_below(workplace / data);
  }
  return fmt::format("store {}: the close deletes {} in {} for good: {}", store.name,
                     shown(counting.seen()), printable(workplace.native()),
                     head.state == "undone"
                         ? "the restored data, and what was written until the undo"
                         : "the data from before the restore, the only copy besides the safety "
                           "snapshot");
}

}  // namespace

ContinuePreview preview_of(const recovery::RunHead& head, const std::string& verb,
                           recovery::StoreAccess& access) {
  ContinuePreview preview{verb, head.plan.run, head.plan.service, {}};
  if (verb == "abandon") {
    preview.lines.push_back(
        fmt::format("run {} will be abandoned: the data stays as it is, and the run can't be "
                    "resumed, undone or closed any more",
                    head.plan.run));
    return preview;
  }
  for (const recovery::StorePlan& store : head.plan.stores) {
    try {
      const auto replacement = access.live(store)->replacement(head.plan.run, store.name);
      const fs::path workplace = replacement->workplace().path;
      if (verb == "close") {
        std::error_code error;
        const bool is_gone = !store.delta_in_place && !fs::exists(workplace, error) && !error;
        if (!is_gone) preview.lines.push_back(line_of_close(head, store, workplace));
      } else if (head.provisioned) {
        preview.lines.push_back(line_of_undo(head, store, workplace));
      }
    } catch (const std::exception& error) {
      preview.lines.push_back(
          fmt::format("cannot look at store {}: {}", store.name, printable(error.what())));
    }
  }
  if (preview.lines.empty()) {
    preview.lines.emplace_back(verb == "close" ? "no workplace of the run is on this host"
                                               : "nothing was replaced yet: only writes are "
                                                 "unlocked");
  }
  return preview;
}

}  // namespace salvor::control::internal
