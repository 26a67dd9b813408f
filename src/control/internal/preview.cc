#include "control/internal/preview.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "control/internal/file_count.h"
#include "recovery/store_access.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

/// The longest time for looking at one store.
constexpr std::int64_t kLook_ms = 1000;

/// A tree, or a file with what its store keeps beside it.
FileCount written_since(const fs::path& live, Time since) {
  FileCount counting(since, kLook_ms);
  std::error_code error;
  if (fs::is_directory(live, error)) {
    counting.add_below(live);
    return counting;
  }
  counting.add(live);
  for (fs::directory_iterator at(live.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (name.starts_with(live.filename().native() + "-")) counting.add(at->path());
  }
  return counting;
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
  const std::string written = written_since(store.path, *head.live_since).text();
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
  FileCount counting(FileCount::kAnyTime, kLook_ms);
  counting.add_data_of(workplace);
  return fmt::format("store {}: the close deletes {} in {} for good: {}", store.name,
                     counting.text(), printable(workplace.native()),
                     head.state == catalog::RunState::undone
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
                                               : "nothing was replaced yet: the undo will "
                                                 "only unlock the writes");
  }
  return preview;
}

}  // namespace salvor::control::internal
