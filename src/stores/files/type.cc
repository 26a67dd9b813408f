#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/exclude.h"
#include "stores/disk/tree.h"
#include "stores/files/files.h"
#include "stores/type.h"

namespace salvor::stores {
namespace {

/// Where a restore in place keeps the old data of a store that lies within a tree: part of no
/// store, and to be left where it is.
constexpr const char* kWorkplaces =
    ".salvor-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]t[0-9][0-9][0-9][0-9][0-9][0-9]-*-*/";

std::vector<std::string> patterns_in(const Settings& settings) {
  return settings.at("exclude").get<std::vector<std::string>>();
}

void check_exclude(const Settings& settings) {
  const std::vector<std::string> patterns = patterns_in(settings);
  const disk::Exclude compiled(patterns);
  disk::require_matchable(patterns, settings.at("path").get<std::string>());
}

constexpr std::array<std::string_view, 2> kOnUnreadable{"fail", "warn"};

const std::array kKeys{
    SettingsKey{.name = "path",
                .kind = SettingsKey::Kind::path,
                .help = "the directory",
                .is_required = true},
    SettingsKey{.name = "exclude",
                .kind = SettingsKey::Kind::texts,
                .help = "patterns of paths that are left out",
                .check = check_exclude},
    SettingsKey{.name = "one_file_system",
                .kind = SettingsKey::Kind::flag,
                .help = "leave out what other file systems hold"},
    SettingsKey{.name = "on_unreadable",
                .kind = SettingsKey::Kind::word,
                .help = "what to do where a file can't be read: make no point, or name it in one",
                .words = kOnUnreadable},
    SettingsKey{.name = "canary",
                .kind = SettingsKey::Kind::flag,
                .help = "write a file by which drills recognise the tree"},
};

std::filesystem::path root_of(const Settings& settings) {
  return settings.at("path").get<std::string>();
}

class FilesType final : public Type {
 public:
  std::string_view name() const override { return "files"; }
  std::span<const SettingsKey> keys() const override { return kKeys; }
  bool holds_paths() const override { return true; }

  Location location(const Settings& settings) const override {
    return location_of(root_of(settings));
  }

  std::optional<Footprint> footprint(const Settings& settings) const override {
    return Footprint{.path = root_of(settings), .is_tree = true, .exclude = patterns_in(settings)};
  }

  void leave_out(Settings& settings, const std::string& pattern) const override {
    Settings& patterns = settings.at("exclude");
    if (std::ranges::find(patterns, Settings(pattern)) == patterns.end()) {
      patterns.push_back(pattern);
    }
  }

  bool tolerates_unreadable(const Settings& settings) const override {
    return settings.at("on_unreadable") == "warn";
  }

  std::string obstacle(const Settings& settings) const override {
    const Fd fd(::open(root_of(settings).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd ? "" : errno_text(errno);
  }

  std::unique_ptr<Source> source(const Settings& settings,
                                 const Surroundings& around) const override {
    disk::TreeSourceOptions options;
    options.root = root_of(settings);
    options.exclude = left_out(settings);
    // What says that a restore did not end is no content.
    options.exclude.push_back(std::string("/") + disk::kIncompleteMarker);
    options.one_file_system = settings.at("one_file_system");
    options.forbidden = around.forbidden;
    options.marker = kFilesMarker;
    return disk::make_tree_source(std::move(options));
  }

  void plant(const Settings& settings, const Marker& marker) const override {
    plant_files_marker(root_of(settings), marker);
  }

  std::unique_ptr<Target> live(const Settings& settings,
                               const Surroundings& around) const override {
    return target(root_of(settings), settings, around);
  }

  std::unique_ptr<Target> copy(const Settings& settings, const Location& at) const override {
    return target(at.path, settings, {});
  }

  std::unique_ptr<Sink> sink(const std::filesystem::path& directory, bool delta) const override {
    return disk::make_tree_sink({.target = directory, .delta = delta});
  }

  Location copy_within(const std::filesystem::path& directory, const FirstKey&) const override {
    return location_of(directory);
  }

  std::unique_ptr<Source> copy_source(const Location& copy, const FirstKey&) const override {
    return disk::make_tree_source({.root = copy.path, .exclude = {}, .forbidden = {}});
  }

 private:
  static std::vector<std::string> left_out(const Settings& settings) {
    std::vector<std::string> patterns = patterns_in(settings);
    patterns.emplace_back(kWorkplaces);
    return patterns;
  }

  static std::unique_ptr<Target> target(const std::filesystem::path& root, const Settings& settings,
                                        const Surroundings& around) {
    FilesTargetOptions options;
    options.root = root;
    options.exclude = left_out(settings);
    options.one_file_system = settings.at("one_file_system");
    options.lacking = around.lacking;
    options.faults = around.faults;
    return make_files_target(std::move(options));
  }
};

}  // namespace

const Type& files_type() {
  static const FilesType type;
  return type;
}

}  // namespace salvor::stores
