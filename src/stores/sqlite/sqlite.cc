#include "stores/sqlite/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/copy.h"
#include "stores/sqlite/internal/reading.h"
#include "stores/sqlite/internal/spool.h"

namespace salvor::stores {
namespace {

/// A multiple of every page size, so that a page never lies in two chunks.
constexpr std::size_t kChunkBytes = 65536;

class SpoolReader : public ContentReader {
 public:
  explicit SpoolReader(const sqlite::Spool& spool) : spool_(spool) {}

  Step read(MutableByteView out) override {
    const std::size_t count = pread_some(spool_.fd(), out, offset_, spool_.directory().native());
    offset_ += count;
    return {.data_bytes = count};
  }

  bool finish(Entry& entry) override {
    entry.size = offset_;
    return true;
  }

 private:
  const sqlite::Spool& spool_;
  std::uint64_t offset_ = 0;
};

/// The content of the directory: none.
class EmptyReader : public ContentReader {
 public:
  Step read(MutableByteView) override { return {}; }
  bool finish(Entry&) override { return true; }
};

class SqliteSource : public Source {
 public:
  explicit SqliteSource(SqliteSourceOptions options) : options_(std::move(options)) {
    options_.database = std::filesystem::absolute(options_.database);
  }

  SourceCapabilities capabilities() const override {
    return {.cutting = {.fixed_bytes = kChunkBytes}, .recognises_unchanged = true};
  }

  void mark() override {
    SALVOR_ASSERT(!spool_);
    directory_ = sqlite::entry_of(options_.database.parent_path());
    // What lies beside the database there is none of this store's business; the restored directory
    // holds the database alone, and is its owner's.
    directory_.mode = 0700;
    spool_ = std::make_unique<sqlite::Spool>(options_.spool_directory);
    copy_ = sqlite::copy_database({.database = options_.database,
                                   .clock = options_.clock,
                                   .lock_wait_ms_max = options_.lock_wait_ms_max,
                                   .lock_hold_ms_max = options_.lock_hold_ms_max},
                                  *spool_);
  }

  std::optional<Item> next() override {
    SALVOR_ASSERT(spool_);
    switch (announced_++) {
      case 0:
        return Item{.key = {}, .entry = directory_};
      case 1:
        return Item{.key = to_bytes(options_.database.filename().native()), .entry = copy_.entry};
      default:
        return std::nullopt;
    }
  }

  std::unique_ptr<ContentReader> open(const Item& item) override {
    SALVOR_ASSERT(spool_);
    if (item.key.empty()) return std::make_unique<EmptyReader>();
    return std::make_unique<SpoolReader>(*spool_);
  }

  bool unchanged(const Entry& then, const Entry& now) const override {
    // In rollback mode nothing is written to the file while it is copied, so its times belong to
    // exactly this content. WAL mode, and a change too recent to tell, is marked racy.
    return then == now && !now.racy && !now.unstable;
  }

  SourceReport report() const override {
    SourceReport report;
    report.facts = {{"journal_mode", std::string(copy_.journal_mode)},
                    {"method", std::string(copy_.method)},
                    {"page_size", std::to_string(copy_.page_bytes)},
                    {"pages", std::to_string(copy_.pages)},
                    {"lock_held_ms", std::to_string(copy_.lock_held_ms)},
                    {"lock_rounds", std::to_string(copy_.lock_rounds)}};
    return report;
  }

 private:
  SqliteSourceOptions options_;
  std::unique_ptr<sqlite::Spool> spool_;
  Entry directory_;
  sqlite::Copy copy_;
  int announced_ = 0;
};

struct CloseChecked {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};

}  // namespace

std::unique_ptr<Source> make_sqlite_source(SqliteSourceOptions options) {
  return std::make_unique<SqliteSource>(std::move(options));
}

std::vector<std::string> sqlite_problems(const std::filesystem::path& database) {
  if (sqlite::entry_of(database).kind != EntryKind::file) {
    throw_system_error("cannot check", database.native(), EISDIR);
  }
  sqlite3* opened = nullptr;
  int result =
      sqlite3_open_v2(sqlite::immutable_uri(database).c_str(), &opened,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseChecked> owner(opened);
  std::vector<std::string> problems;
  if (result == SQLITE_OK) {
    sqlite3_extended_result_codes(opened, 1);
    const auto keep = [](void* to, int columns, char** values, char**) {
      const std::string_view value = columns > 0 && values[0] != nullptr ? values[0] : "";
      if (value != "ok") static_cast<std::vector<std::string>*>(to)->emplace_back(value);
      return 0;
    };
    result = sqlite3_exec(opened, "PRAGMA integrity_check", keep, &problems, nullptr);
  }
  const int primary = result & 0xff;
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT) {
    problems.emplace_back(sqlite3_errmsg(opened));
  } else if (result != SQLITE_OK) {
    sqlite::throw_sqlite_error(result, opened, "cannot check", database);
  }
  return problems;
}

}  // namespace salvor::stores
