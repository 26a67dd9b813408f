#include "control/internal/store_types.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "control/internal/paths.h"
#include "control/internal/staging.h"
#include "stores/files/exclude.h"
#include "stores/files/files.h"
#include "stores/sqlite/sqlite.h"

namespace salvor::control::internal {
namespace {

/// Where a restore in place keeps the old data of a store that lies within a tree of files: part of
/// no store, and to be left where it is.
constexpr const char* kWorkplaces =
    ".salvor-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]t[0-9][0-9][0-9][0-9][0-9][0-9]-*-*/";

constexpr std::string_view kSqliteMagic{"SQLite format 3\0", 16};

std::vector<std::string> left_out(const FilesStoreConfig& store) {
  std::vector<std::string> patterns = store.exclude;
  patterns.emplace_back(kWorkplaces);
  return patterns;
}

std::unique_ptr<stores::Source> source_of(const Config& config, const FilesStoreConfig& store) {
  stores::FilesSourceOptions options;
  options.root = store.path;
  options.exclude = left_out(store);
  // What says that a restore did not end is no content.
  options.exclude.push_back(std::string("/") + stores::kIncompleteMarker);
  options.one_file_system = store.one_file_system;
  options.forbidden = {config.repository.path};
  const std::filesystem::path root = real_path(store.path);
  // Copies of databases that are on their way into the repository already, and what drills restore.
  std::vector<std::filesystem::path> copies = {spool_directory(config)};
  for (const ServiceConfig& service : config.services) {
    copies.push_back(staging_root(config, service));
  }
  for (const std::filesystem::path& each : copies) {
    const std::filesystem::path copy = real_path(each);
    if (copy == root || !lies_in(copy, root)) continue;
    const std::string relative = copy.lexically_relative(root);
    options.exclude.push_back(stores::files::pattern_for(relative) + "/");
  }
  return stores::make_files_source(std::move(options));
}

std::unique_ptr<stores::Source> source_of(const Config& config, const SqliteStoreConfig& store) {
  stores::SqliteSourceOptions options;
  options.database = store.path;
  options.spool_directory = spool_directory(config);
  return stores::make_sqlite_source(std::move(options));
}

void plant_in(const FilesStoreConfig& store, const stores::Marker& marker) {
  stores::plant_files_marker(store.path, marker);
}

void plant_in(const SqliteStoreConfig& store, const stores::Marker& marker) {
  constexpr std::int64_t kLockWaitMsMax = 5'000;
  stores::plant_sqlite_marker(store.path, marker, kLockWaitMsMax);
}

std::unique_ptr<stores::Target> target_of(const FilesStoreConfig& store, Place /*place*/,
                                          const stores::ReplacementFaults& faults) {
  stores::FilesTargetOptions options;
  options.root = store.path;
  options.exclude = left_out(store);
  options.one_file_system = store.one_file_system;
  options.lacking = {store.missing, store.missing_more};
  options.faults = faults;
  return stores::make_files_target(std::move(options));
}

std::unique_ptr<stores::Target> target_of(const SqliteStoreConfig& store, Place place,
                                          const stores::ReplacementFaults& faults) {
  stores::SqliteTargetOptions options;
  options.database = store.path;
  options.nobody_writes = place == Place::copy;
  options.faults = faults;
  return stores::make_sqlite_target(std::move(options));
}

std::string problem_of(const FilesStoreConfig& store) {
  const Fd fd(::open(store.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd ? "" : errno_text(errno);
}

std::string problem_of(const SqliteStoreConfig& store) {
  // SQLite's locks go when any descriptor of the file is closed; no other thread has it open here.
  const Fd fd(::open(store.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno_text(errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno_text(errno);
  if (!S_ISREG(status.st_mode)) return "it is no file";
  std::array<std::byte, kSqliteMagic.size()> head{};
  const std::size_t size = read_some(fd.get(), head, store.path.native());
  // SQLite makes an empty file for a new database, and writes the head with the first table.
  if (size == 0) return "";
  return as_text(ByteView(head).first(size)) == kSqliteMagic ? "" : "it is no SQLite database";
}

}  // namespace

std::filesystem::path spool_directory(const Config& config) {
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

bool is_database(const StoreConfig& store) {
  return std::holds_alternative<SqliteStoreConfig>(store.details);
}

bool tolerates_unreadable(const StoreConfig& store) {
  const auto* files = std::get_if<FilesStoreConfig>(&store.details);
  return files != nullptr && files->on_unreadable == OnUnreadable::warn;
}

std::unique_ptr<stores::Source> make_source(const Config& config, const StoreConfig& store) {
  return std::visit([&](const auto& details) { return source_of(config, details); }, store.details);
}

void plant_marker(const StoreConfig& store, const stores::Marker& marker) {
  std::visit([&](const auto& details) { plant_in(details, marker); }, store.details);
}

std::unique_ptr<stores::Target> make_target(const StoreConfig& store, Place place,
                                            const stores::ReplacementFaults& faults) {
  return std::visit([&](const auto& details) { return target_of(details, place, faults); },
                    store.details);
}

std::string problem_reaching(const StoreConfig& store) {
  return std::visit([](const auto& details) { return problem_of(details); }, store.details);
}

std::unique_ptr<stores::Sink> make_live_sink(const StoreConfig& store) {
  const auto* files = std::get_if<FilesStoreConfig>(&store.details);
  if (files == nullptr) {
    throw Error(ErrorCode::configuration, "store " + store.name + " can't be written over in place",
                "restore without --in-place-delta");
  }
  stores::FilesSinkOptions options;
  options.target = files->path;
  options.delta = true;
  options.is_live = true;
  options.exclude = left_out(*files);
  options.one_file_system = files->one_file_system;
  options.lacking = {files->missing, files->missing_more};
  return stores::make_files_sink(std::move(options));
}

std::unique_ptr<stores::Sink> make_sink(const std::string& type,
                                        const std::filesystem::path& target, bool delta) {
  if (type != FilesStoreConfig::kType && type != SqliteStoreConfig::kType) {
    throw Error(ErrorCode::configuration,
                "stores of type " + printable(type) + " are not known to this version",
                "use the version of salvor that took the backup, or a newer one");
  }
  stores::FilesSinkOptions options;
  options.target = target;
  options.delta = delta;
  return stores::make_files_sink(std::move(options));
}

void check_restored(repo::Repository& repository, const repo::Snapshot& snapshot,
                    const std::filesystem::path& target) {
  if (snapshot.type != SqliteStoreConfig::kType) return;
  const std::filesystem::path database = target / database_name(repository, snapshot);
  const std::vector<std::string> problems = stores::sqlite_problems(database);
  if (problems.empty()) return;
  std::string message = fmt::format(
      "the restored database {} is damaged: PRAGMA integrity_check "
      "finds",
      printable(database.native()));
  for (const std::string& problem : problems) message += "\n  " + printable(problem);
  throw Error(ErrorCode::corruption, message,
              "it may have been damaged when it was backed up: restore an older recovery point");
}

}  // namespace salvor::control::internal
