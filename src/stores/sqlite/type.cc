#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "stores/disk/tree.h"
#include "stores/sqlite/sqlite.h"
#include "stores/type.h"

namespace salvor::stores {
namespace {

const std::array kKeys{
    SettingsKey{.name = "path",
                .kind = SettingsKey::Kind::path,
                .help = "the database file",
                .is_required = true},
    SettingsKey{.name = "canary",
                .kind = SettingsKey::Kind::flag,
                .help = "write a row by which drills recognise the database"},
};

std::filesystem::path database_of(const Settings& settings) {
  return settings.at("path").get<std::string>();
}

/// A database under the name that it had in the point: it may be called otherwise since. What lies
/// beside it keeps what is appended to its name.
class RenamedSource final : public Source {
 public:
  RenamedSource(std::unique_ptr<Source> inner, const std::string& name, Bytes shown)
      : inner_(std::move(inner)), name_(to_bytes(name)), shown_(std::move(shown)) {}

  SourceCapabilities capabilities() const override { return inner_->capabilities(); }
  void mark() override { inner_->mark(); }
  void examine(const std::stop_token& stop) override { inner_->examine(stop); }

  std::optional<Item> next() override {
    auto item = inner_->next();
    if (item) item->key = renamed(item->key, name_, shown_);
    return item;
  }

  std::unique_ptr<ContentReader> open(const Item& item) override {
    return inner_->open({renamed(item.key, shown_, name_), item.entry});
  }

  bool unchanged(const Entry& then, const Entry& now) const override {
    return inner_->unchanged(then, now);
  }
  SourceReport report() const override { return inner_->report(); }

 private:
  static Bytes renamed(const Bytes& key, const Bytes& from, const Bytes& to) {
    if (!as_text(key).starts_with(as_text(from))) return key;
    Bytes whole = to;
    whole.insert(whole.end(), key.begin() + static_cast<std::ptrdiff_t>(from.size()), key.end());
    return whole;
  }

  const std::unique_ptr<Source> inner_;
  const Bytes name_;
  const Bytes shown_;
};

class SqliteType final : public Type {
 public:
  std::string_view name() const override { return "sqlite"; }
  std::span<const SettingsKey> keys() const override { return kKeys; }
  bool answers_sql() const override { return true; }
  bool marks_exactly() const override { return true; }

  std::string_view file_title() const override { return "SQLite database"; }
  bool recognises(const std::filesystem::path& file) const override { return is_sqlite_file(file); }

  Location location(const Settings& settings) const override {
    return location_of(database_of(settings));
  }

  std::optional<Footprint> footprint(const Settings& settings) const override {
    return Footprint{.path = database_of(settings), .companions = {"-wal", "-shm", "-journal"}};
  }

  std::string obstacle(const Settings& settings) const override {
    return sqlite_obstacle(database_of(settings));
  }

  std::unique_ptr<Source> source(const Settings& settings,
                                 const Surroundings& around) const override {
    SqliteSourceOptions options;
    options.database = database_of(settings);
    options.spool_directory = around.spool();
    return make_sqlite_source(std::move(options));
  }

  void plant(const Settings& settings, const Marker& marker) const override {
    constexpr std::int64_t kLockWaitMsMax = 5'000;
    plant_sqlite_marker(database_of(settings), marker, kLockWaitMsMax);
  }

  std::unique_ptr<Target> live(const Settings& settings,
                               const Surroundings& around) const override {
    return make_sqlite_target({.database = database_of(settings), .faults = around.faults});
  }

  std::unique_ptr<Target> copy(const Settings&, const Location& at) const override {
    return make_sqlite_target({.database = at.path, .nobody_writes = true});
  }

  std::unique_ptr<Sink> sink(const std::filesystem::path& directory, bool delta) const override {
    return disk::make_tree_sink({.target = directory, .delta = delta});
  }

  Location copy_within(const std::filesystem::path& directory,
                       const FirstKey& first) const override {
    return location_of(directory / path_of_key(first()));
  }

  std::unique_ptr<Source> copy_source(const Location& copy, const FirstKey& first) const override {
    return std::make_unique<RenamedSource>(
        disk::make_tree_source({.root = copy.path.parent_path(), .exclude = {}, .forbidden = {}}),
        copy.path.filename().native(), first());
  }

  std::vector<std::string> remarks(const Location& copy,
                                   const Target::Facts& facts) const override {
    const std::string shown = printable(copy.text);
    const auto then = facts.find("quick_check");
    const bool was_damaged =
        then != facts.end() && then->second != "ok" && !then->second.starts_with("not run");
    if (was_damaged) {
      return {fmt::format("{} is as it was backed up, and was damaged then: {}", shown,
                          printable(then->second))};
    }
    std::vector<std::string> remarks;
    const auto target = make_sqlite_target({.database = copy.path, .nobody_writes = true});
    for (const SelfCheck& check : target->check({}, facts)) {
      if (check.passed && check.found == check.expected) continue;
      const std::string line = fmt::format("PRAGMA {} of {}: {}", check.name, shown, check.found);
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
};

}  // namespace

const Type& sqlite_type() {
  static const SqliteType type;
  return type;
}

}  // namespace salvor::stores
