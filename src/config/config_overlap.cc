#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "config/config.h"
#include "config/internal/toml_text.h"
#include "config/silent_paths.h"
#include "stores/disk/exclude.h"

namespace salvor::config {
namespace {

namespace fs = std::filesystem;

using stores::disk::Exclude;

/// One directory or file that exists, whatever name led to it: two mounts of it are the same.
struct Inode {
  dev_t device;
  ino_t number;
  bool operator==(const Inode&) const = default;
};

std::optional<Inode> inode_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Inode{status.st_dev, status.st_ino};
}

/// A place that a store has, with the directories above it.
struct StorePlace {
  fs::path path;
  std::vector<std::pair<fs::path, std::optional<Inode>>> above;  ///< itself first, "/" last
};

StorePlace place_at(const Config& config, const fs::path& path) {
  StorePlace place{path, {}};
  const bool is_seen = answers(config, path);
  for (fs::path each = path; !each.empty(); each = each.parent_path()) {
    place.above.emplace_back(each, is_seen ? inode_of(each) : std::nullopt);
    if (each == each.root_path()) break;
  }
  return place;
}

struct StorePlaces {
  const service::Service* service;
  const service::Store* store;
  stores::Footprint footprint;
  std::vector<StorePlace>
      places;  ///< where its data is; and the link that leads there, if one does
};

StorePlaces places_of(const Config& config, const service::Service& service,
                      const service::Store& store, stores::Footprint footprint) {
  const fs::path path = footprint.path;
  StorePlaces found{
      &service, &store, std::move(footprint), {place_at(config, real_place(config, path))}};
  const fs::path link = real_place(config, path.parent_path()) / path.filename();
  if (link != found.places.front().path) found.places.push_back(place_at(config, link));
  return found;
}

std::string name_of(const StorePlaces& store) {
  return fmt::format("store {} of service {}", store.store->name, store.service->name);
}

[[noreturn]] void refuse_overlap(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::configuration, message, hint);
}

/// Where `place` is below the place of a tree of files; "." when it is the tree itself.
std::optional<fs::path> path_within(const StorePlace& place, const StorePlace& tree) {
  const auto& root = tree.above.front();
  for (const auto& [path, inode] : place.above) {
    if (path != root.first && !(inode && inode == root.second)) continue;
    return place.path.lexically_relative(path);
  }
  return std::nullopt;
}

/// The names that a store has within a tree that holds it, and whether each is a directory's.
std::vector<std::pair<std::string, bool>> names_within(const stores::Footprint& inner,
                                                       const fs::path& relative) {
  std::vector<std::pair<std::string, bool>> names{{relative.native(), inner.is_tree}};
  for (const std::string_view companion : inner.companions) {
    names.emplace_back(relative.native() + std::string(companion), false);
  }
  return names;
}

/// The line that leaves the inner store to itself.
std::string exclude_line(const stores::Footprint& outer, const stores::Footprint& inner,
                         const fs::path& relative) {
  std::vector<std::string> patterns = outer.exclude;
  const std::string whole = stores::disk::pattern_for(relative.native());
  patterns.push_back(inner.is_tree ? whole + "/" : whole);
  if (!inner.companions.empty()) patterns.push_back(whole + "-*");
  std::string line;
  for (const std::string& pattern : patterns) {
    line += (line.empty() ? "" : ", ") + internal::toml_text(pattern);
  }
  return "exclude = [" + line + "]";
}

void require_excluded(const StorePlaces& outer, const StorePlaces& inner, const StorePlace& place) {
  if (!outer.footprint.is_tree) return;
  const std::optional<fs::path> relative = path_within(place, outer.places.front());
  if (!relative) return;
  const std::string found =
      fmt::format("{} lies inside {}: {} is in {}", name_of(inner), name_of(outer),
                  printable(place.path.native()), printable(outer.places.front().path.native()));
  if (*relative == ".") {
    refuse_overlap(fmt::format("{} and {} protect the same place: {}", name_of(outer),
                               name_of(inner), printable(place.path.native())),
                   "keep one of them: a restore of the one would replace the other");
  }
  const Exclude exclude(outer.footprint.exclude);
  const auto names = names_within(inner.footprint, *relative);
  const bool all = std::all_of(names.begin(), names.end(), [&](const auto& name) {
    return exclude.covers(name.first, name.second);
  });
  if (all) return;
  refuse_overlap(found, fmt::format("leave it to its own store: write {} in [service.{}.store.{}]",
                                    exclude_line(outer.footprint, inner.footprint, *relative),
                                    outer.service->name, outer.store->name));
}

bool is_same_place(const StorePlaces& one, const StorePlaces& other) {
  const auto& mine = one.places.front().above.front();
  const auto& theirs = other.places.front().above.front();
  return mine.first == theirs.first || (mine.second && mine.second == theirs.second);
}

void require_apart(const StorePlaces& one, const StorePlaces& other) {
  if (is_same_place(one, other)) {
    refuse_overlap(fmt::format("{} and {} protect the same place: {}", name_of(one), name_of(other),
                               printable(one.places.front().path.native())),
                   "keep one of them: a restore of the one would replace the other");
  }
  for (const StorePlace& place : other.places) require_excluded(one, other, place);
  for (const StorePlace& place : one.places) require_excluded(other, one, place);
}

}  // namespace

void check_overlaps(const Config& config, const service::Service& service) {
  std::vector<StorePlaces> all;
  for (const service::Service& each : config.services) {
    for (const service::Store& store : each.stores) {
      if (auto footprint = store.footprint()) {
        all.push_back(places_of(config, each, store, std::move(*footprint)));
      }
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const bool concerned = all[i].service == &service || all[j].service == &service;
      if (concerned) require_apart(all[i], all[j]);
    }
  }
}

}  // namespace salvor::config
