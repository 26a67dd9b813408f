#include "backup/suspicion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace salvor::backup {
namespace {

constexpr std::uint64_t kPercent = 100;

/// Whether `now` is less than what `percent` of a fall leaves of `before`.
bool fell_beyond(std::uint64_t before, std::uint64_t now, int percent) {
  if (now >= before) return false;
  // By division, so that no product is too large.
  const auto fall = static_cast<long double>(before - now);
  return fall * kPercent > static_cast<long double>(before) * static_cast<long double>(percent);
}

std::string fact(const repo::Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.facts.find(name);
  return found == snapshot.facts.end() ? std::string() : found->second;
}

/// The store's own root is an entry, too.
bool is_empty(const repo::Snapshot& snapshot) {
  return snapshot.entries <= 1 && snapshot.content_bytes == 0;
}

void measure(repo::Snapshot& now, const repo::Snapshot& before, const SuspicionLimits& limits) {
  if (is_empty(now) && !is_empty(before)) {
    now.suspicions.push_back(
        fmt::format("the store is empty, and had {} entries before", before.entries));
    return;
  }
  // A database file that was cut off, whatever it may shrink by. In a tree entries would go, too.
  const bool has_all_entries = now.entries >= before.entries;
  if (now.content_bytes == 0 && before.content_bytes != 0 && has_all_entries) {
    now.suspicions.push_back(
        fmt::format("the store has no content, and had {} bytes before", before.content_bytes));
    return;
  }
  if (!limits.shrink_percent) return;
  const int percent = *limits.shrink_percent;
  if (fell_beyond(before.entries, now.entries, percent)) {
    now.suspicions.push_back(
        fmt::format("the store has {} entries, and had {} before: more than {}% less", now.entries,
                    before.entries, percent));
  }
  if (fell_beyond(before.content_bytes, now.content_bytes, percent)) {
    now.suspicions.push_back(
        fmt::format("the store has {} bytes of content, and had {} before: more than {}% less",
                    now.content_bytes, before.content_bytes, percent));
  }
}

/// The file system that the store lay on is not there: what was read is what lies below its mount
/// point.
void look_for_mount(repo::Snapshot& now, const repo::Snapshot& before) {
  const std::string mount = fact(before, "mount");
  const std::string mount_now = fact(now, "mount");
  if (mount.empty() || mount_now.empty() || mount_now == mount) return;
  // Moved by its configuration, or a file system more on the way to it.
  if (fact(before, "path") != fact(now, "path") || mount_now.size() > mount.size()) return;
  now.suspicions.push_back(fmt::format(
      "the store was on the file system mounted at {}, and nothing is mounted there", mount));
}

bool has(const std::vector<std::string>& sentences, const std::string& sentence) {
  return std::find(sentences.begin(), sentences.end(), sentence) != sentences.end();
}

}  // namespace

void judge(repo::Snapshot& now, const repo::Snapshot* before, const SuspicionLimits& limits) {
  if (before == nullptr) return;
  look_for_mount(now, *before);
  measure(now, *before, limits);
  const auto is_old = [&](const std::string& sentence) {
    return has(before->suspicions, sentence) || has(before->remarks, sentence);
  };
  const auto remarks =
      std::stable_partition(now.suspicions.begin(), now.suspicions.end(),
                            [&](const std::string& sentence) { return !is_old(sentence); });
  now.remarks.insert(now.remarks.end(), remarks, now.suspicions.end());
  now.suspicions.erase(remarks, now.suspicions.end());
}

}  // namespace salvor::backup
