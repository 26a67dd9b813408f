#include "control/internal/uncovered.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/paths.h"
#include "config/own_places.h"
#include "config/silent_paths.h"
#include "control/internal/workplaces.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFoundMax = 1000;
/// The most names that are read in directories outside of stores, since `status` must be quick.
constexpr std::size_t kLookedAtMax = 20'000;

/// The kind of store that a file looks like.
const stores::Type* kind_of(const fs::path& file) {
  const auto types = stores::types();
  const auto found =
      std::ranges::find_if(types, [&](const stores::Type* type) { return type->recognises(file); });
  return found == types.end() ? nullptr : *found;
}

class Search {
 public:
  explicit Search(const config::Config& config) : config_(config) {
    for (const service::Service& service : config.services) {
      covered_.push_back(config::real_place(config, config::staging_root(config, service)));
      for (const service::Store& store : service.stores) add(store);
    }
    covered_.push_back(config::real_place(config, config.repository.path));
    covered_.push_back(config::real_place(config, config.state_directory));
  }

  void look_at(const fs::path& path) {
    if (!config::answers(config_, path)) return;
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    const bool directory = type == fs::file_type::directory;
    if (found_.size() >= kFoundMax || (!directory && type != fs::file_type::regular)) return;
    // A workplace holds old data of a store. `status` lists it elsewhere.
    if (is_covered(path) || is_workplace_name(path.filename().native())) return;
    if (directory && holds_covered(path)) {
      for (const fs::path& child : children_of(path)) look_at(child);
      return;
    }
    found_.push_back({path.native(), directory ? nullptr : kind_of(path)});
    if (directory) look_for_databases(path);
  }

  std::vector<UncoveredPath> found() && { return std::move(found_); }

 private:
  void add(const service::Store& store) {
    const auto footprint = store.footprint();
    if (!footprint) return;
    const fs::path path = config::real_place(config_, footprint->path);
    covered_.push_back(path);
    for (const std::string_view companion : footprint->companions) {
      covered_.push_back(path.native() + std::string(companion));
    }
  }

  bool is_covered(const fs::path& path) const {
    return std::any_of(covered_.begin(), covered_.end(),
                       [&](const fs::path& covered) { return lies_in(path, covered); });
  }

  bool holds_covered(const fs::path& path) const {
    return std::any_of(covered_.begin(), covered_.end(),
                       [&](const fs::path& covered) { return lies_in(covered, path); });
  }

  std::vector<fs::path> children_of(const fs::path& directory) {
    std::vector<fs::path> children;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
      children.push_back(at->path());
    }
    std::sort(children.begin(), children.end());
    return children;
  }

  void look_for_databases(const fs::path& directory) {
    for (const fs::path& child : children_of(directory)) {
      if (found_.size() >= kFoundMax || ++looked_at_ > kLookedAtMax) return;
      if (!config::answers(config_, child)) continue;
      std::error_code error;
      const fs::file_type type = fs::symlink_status(child, error).type();
      if (type == fs::file_type::directory) {
        look_for_databases(child);
      } else if (const stores::Type* kind =
                     type == fs::file_type::regular ? kind_of(child) : nullptr) {
        found_.push_back({child.native(), kind});
      }
    }
  }

  const config::Config& config_;
  std::vector<fs::path> covered_;
  std::vector<UncoveredPath> found_;
  std::size_t looked_at_ = 0;
};

}  // namespace

std::vector<UncoveredPath> find_uncovered(const config::Config& config,
                                          const service::Service& service) {
  if (service.protect.empty()) return {};
  Search search(config);
  for (const fs::path& path : service.protect) search.look_at(config::real_place(config, path));
  return std::move(search).found();
}

std::string describe(const UncoveredPath& path) {
  const std::string kind =
      path.looks_like == nullptr ? "" : fmt::format(" (a {})", path.looks_like->file_title());
  return printable(path.path) + " is in no store" + kind;
}

}  // namespace salvor::control::internal
