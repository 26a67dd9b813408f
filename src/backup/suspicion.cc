#include "backup/suspicion.h"

#include "base/counted.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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

/// What the application has in a store: without the marker that a backup has planted there.
struct Amount {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;

  /// The store's own root is an entry, too.
  bool is_empty() const { return entries <= 1 && bytes == 0; }
};

Amount amount_of(const repo::Snapshot& snapshot) {
  Amount amount{snapshot.entries, snapshot.content_bytes};
  const std::string marker = fact(snapshot, "marker_bytes");
  if (marker.empty()) return amount;
  std::uint64_t bytes = 0;
  std::from_chars(marker.data(), marker.data() + marker.size(), bytes);
  amount.entries -= std::min<std::uint64_t>(amount.entries, 1);
  amount.bytes -= std::min(amount.bytes, bytes);
  return amount;
}

void measure(repo::Snapshot& snapshot, const Amount& before, const SuspicionLimits& limits) {
  const Amount now = amount_of(snapshot);
  if (now.is_empty() && !before.is_empty()) {
    snapshot.suspicions.push_back(fmt::format("the store is empty, and had {} before",
                                              counted(before.entries, "entry", "entries")));
    return;
  }
  // A database file that was cut off, whatever it may shrink by. In a tree entries would go, too.
  const bool has_all_entries = now.entries >= before.entries;
  if (now.bytes == 0 && before.bytes != 0 && has_all_entries) {
    snapshot.suspicions.push_back(
        fmt::format("the store has no content, and had {} bytes before", before.bytes));
    return;
  }
  if (!limits.shrink_percent) return;
  const int percent = *limits.shrink_percent;
  if (fell_beyond(before.entries, now.entries, percent)) {
    snapshot.suspicions.push_back(
        fmt::format("the store has {}, and had {} before: more than {}% less",
                    counted(now.entries, "entry", "entries"), before.entries, percent));
  }
  if (fell_beyond(before.bytes, now.bytes, percent)) {
    snapshot.suspicions.push_back(
        fmt::format("the store has {} bytes of content, and had {} before: more than {}% less",
                    now.bytes, before.bytes, percent));
  }
}

/// A database file that was cut off, on a host or under a name that has no point of it yet.
void measure_alone(repo::Snapshot& snapshot, const SuspicionLimits& limits) {
  const Amount now = amount_of(snapshot);
  if (limits.is_first_point || now.bytes != 0 || now.is_empty()) return;
  snapshot.suspicions.emplace_back(
      "the store has no content, and no earlier point of this host says what it had");
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
  if (before == nullptr) {
    measure_alone(now, limits);
    return;
  }
  look_for_mount(now, *before);
  measure(now, amount_of(*before), limits);
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
