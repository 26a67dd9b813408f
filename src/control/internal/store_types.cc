#include "control/internal/store_types.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "stores/files/files.h"
#include "stores/sqlite/sqlite.h"

namespace salvor::control::internal {
namespace {

/// Where a restore in place keeps the old data of a store that lies within a tree of files: part of
/// no store, and to be left where it is.
constexpr const char* kWorkplaces =
    ".salvor-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]t[0-9][0-9][0-9][0-9][0-9][0-9]-*-*/";

std::vector<std::string> left_out(const config::FilesStoreConfig& store) {
  std::vector<std::string> patterns = store.exclude;
  patterns.emplace_back(kWorkplaces);
  return patterns;
}

std::unique_ptr<stores::Source> source_of(const config::Config& config,
                                          const config::FilesStoreConfig& store,
                                          const std::filesystem::path& /*spool*/) {
  stores::disk::TreeSourceOptions options;
  options.root = store.path;
  options.exclude = left_out(store);
  // What says that a restore did not end is no content.
  options.exclude.push_back(std::string("/") + stores::disk::kIncompleteMarker);
  options.one_file_system = store.one_file_system;
  options.forbidden = {config.repository.path};
  return stores::disk::make_tree_source(std::move(options));
}

std::unique_ptr<stores::Source> source_of(const config::Config& /*config*/,
                                          const config::SqliteStoreConfig& store,
                                          const std::filesystem::path& spool) {
  stores::SqliteSourceOptions options;
  options.database = store.path;
  options.spool_directory = spool;
  return stores::make_sqlite_source(std::move(options));
}

void plant_in(const config::FilesStoreConfig& store, const stores::Marker& marker) {
  stores::plant_files_marker(store.path, marker);
}

void plant_in(const config::SqliteStoreConfig& store, const stores::Marker& marker) {
  constexpr std::int64_t kLockWaitMsMax = 5'000;
  stores::plant_sqlite_marker(store.path, marker, kLockWaitMsMax);
}

std::unique_ptr<stores::Target> target_of(const config::FilesStoreConfig& store, Place /*place*/,
                                          const stores::ReplacementFaults& faults) {
  stores::FilesTargetOptions options;
  options.root = store.path;
  options.exclude = left_out(store);
  options.one_file_system = store.one_file_system;
  options.lacking = {store.missing, store.missing_more};
  options.faults = faults;
  return stores::make_files_target(std::move(options));
}

std::unique_ptr<stores::Target> target_of(const config::SqliteStoreConfig& store, Place place,
                                          const stores::ReplacementFaults& faults) {
  stores::SqliteTargetOptions options;
  options.database = store.path;
  options.nobody_writes = place == Place::copy;
  options.faults = faults;
  return stores::make_sqlite_target(std::move(options));
}

std::string problem_of(const config::FilesStoreConfig& store) {
  const Fd fd(::open(store.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd ? "" : errno_text(errno);
}

std::string problem_of(const config::SqliteStoreConfig& store) {
  return stores::sqlite_obstacle(store.path);
}

}  // namespace

std::filesystem::path spool_directory(const config::Config& config) {
  return config.state_directory / "spool";
}

std::string database_name(repo::Repository& repository, const repo::Snapshot& snapshot) {
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    if (!record->key.empty()) return stores::path_of_key(record->key);
    cursor.advance();
  }
  throw Error(ErrorCode::corruption,
              "the snapshot of store " + snapshot.store + " holds no database",
              "restore an older recovery point");
}

bool is_database(const config::StoreConfig& store) {
  return std::holds_alternative<config::SqliteStoreConfig>(store.details);
}

bool tolerates_unreadable(const config::StoreConfig& store) {
  const auto* files = std::get_if<config::FilesStoreConfig>(&store.details);
  return files != nullptr && files->on_unreadable == config::OnUnreadable::warn;
}

std::unique_ptr<stores::Source> make_source(const config::Config& config,
                                            const config::StoreConfig& store,
                                            const std::filesystem::path& spool) {
  return std::visit([&](const auto& details) { return source_of(config, details, spool); },
                    store.details);
}

void plant_marker(const config::StoreConfig& store, const stores::Marker& marker) {
  std::visit([&](const auto& details) { plant_in(details, marker); }, store.details);
}

std::unique_ptr<stores::Target> make_target(const config::StoreConfig& store, Place place,
                                            const stores::ReplacementFaults& faults) {
  return std::visit([&](const auto& details) { return target_of(details, place, faults); },
                    store.details);
}

std::string problem_reaching(const config::StoreConfig& store) {
  return std::visit([](const auto& details) { return problem_of(details); }, store.details);
}

std::unique_ptr<stores::Sink> make_live_sink(const config::StoreConfig& store) {
  const auto* files = std::get_if<config::FilesStoreConfig>(&store.details);
  if (files == nullptr) {
    throw Error(ErrorCode::configuration, "store " + store.name + " can't be written over in place",
                "restore without --in-place-delta");
  }
  stores::disk::TreeSinkOptions options;
  options.target = files->path;
  options.delta = true;
  options.is_live = true;
  options.exclude = left_out(*files);
  options.one_file_system = files->one_file_system;
  options.lacking = {files->missing, files->missing_more};
  return stores::disk::make_tree_sink(std::move(options));
}

std::unique_ptr<stores::Sink> make_sink(const std::string& type,
                                        const std::filesystem::path& target, bool delta) {
  if (type != config::FilesStoreConfig::kType && type != config::SqliteStoreConfig::kType) {
    throw Error(ErrorCode::configuration,
                "stores of type " + printable(type) + " are not known to this version",
                "use the version of salvor that took the backup, or a newer one");
  }
  stores::disk::TreeSinkOptions options;
  options.target = target;
  options.delta = delta;
  return stores::disk::make_tree_sink(std::move(options));
}

std::vector<std::string> check_restored(repo::Repository& repository,
                                        const repo::Snapshot& snapshot,
                                        const std::filesystem::path& target) {
  std::vector<std::string> remarks;
  if (snapshot.type != config::SqliteStoreConfig::kType) return remarks;
  const std::filesystem::path database = target / database_name(repository, snapshot);
  const auto then = snapshot.facts.find("quick_check");
  const bool was_damaged =
      then != snapshot.facts.end() && then->second != "ok" && !then->second.starts_with("not run");
  if (was_damaged) {
    remarks.push_back(fmt::format("{} is as it was backed up, and was damaged then: {}",
                                  printable(database.native()), printable(then->second)));
    return remarks;
  }
  const auto copy = stores::make_sqlite_target({.database = database, .nobody_writes = true});
  for (const stores::SelfCheck& check : copy->check({}, snapshot.facts)) {
    if (check.passed && check.found == check.expected) continue;
    const std::string line =
        fmt::format("PRAGMA {} of {}: {}", check.name, printable(database.native()), check.found);
    const bool is_damage = check.name == "integrity_check" && !check.passed && !check.not_run;
    if (is_damage) {
      throw Error(ErrorCode::corruption, "the restored database is damaged: " + line,
                  "it may have been damaged when it was backed up: restore an older recovery "
                  "point");
    }
    remarks.push_back(check.not_run ? "not run: " + line : line);
  }
  return remarks;
}

}  // namespace salvor::control::internal
