#include "stores/sqlite/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/copy.h"
#include "stores/sqlite/internal/copy_check.h"
#include "stores/sqlite/internal/raw_copy.h"
#include "stores/sqlite/internal/reading.h"
#include "stores/sqlite/internal/spool.h"
#include "stores/sqlite/internal/wreck.h"

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

/// One file of the store, as it goes into the snapshot.
struct Part {
  Bytes key;
  Entry entry;
  std::unique_ptr<sqlite::Spool> content;
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
    SALVOR_ASSERT(parts_.empty());
    directory_ = sqlite::entry_of(options_.database.parent_path());
    // What lies beside the database there is none of this store's business; the restored directory
    // holds the store alone, and is its owner's.
    directory_.mode = 0700;
    const sqlite::CopyOptions copy{.database = options_.database,
                                   .clock = options_.clock,
                                   .lock_wait_ms_max = options_.lock_wait_ms_max,
                                   .lock_hold_ms_max = options_.lock_hold_ms_max};
    try {
      mark_database(copy);
    } catch (const sqlite::NotReadable& error) {
      refuse_half_replaced();
      // It may be all there is. Outside of a transaction of SQLite's, as it lies there.
      mark_bytes(copy, error.message());
    }
  }

  void examine(const std::stop_token& stop) override {
    SALVOR_ASSERT(!parts_.empty());
    // What SQLite can't read it can't check either.
    if (facts_.contains("quick_check")) return;
    const sqlite::CopyVerdict verdict = sqlite::check_copy(parts_.front().content->fd(), stop);
    facts_["quick_check"] = verdict.quick_check;
    if (verdict.foreign_key_rows >= 0) {
      facts_["foreign_key_rows"] = std::to_string(verdict.foreign_key_rows);
    }
    if (verdict.damaged) {
      suspicions_.push_back("the database is damaged: PRAGMA quick_check finds " +
                            verdict.quick_check);
    }
  }

  std::optional<Item> next() override {
    SALVOR_ASSERT(!parts_.empty());
    const std::size_t at = announced_++;
    if (at == 0) return Item{.key = {}, .entry = directory_};
    if (at > parts_.size()) return std::nullopt;
    return Item{.key = parts_[at - 1].key, .entry = parts_[at - 1].entry};
  }

  std::unique_ptr<ContentReader> open(const Item& item) override {
    if (item.key.empty()) return std::make_unique<EmptyReader>();
    const auto part = std::ranges::find(parts_, item.key, &Part::key);
    SALVOR_ASSERT(part != parts_.end());
    return std::make_unique<SpoolReader>(*part->content);
  }

  bool unchanged(const Entry& then, const Entry& now) const override {
    // In rollback mode nothing is written to the file while it is copied, so its times belong to
    // exactly this content. WAL mode, and a change too recent to tell, is marked racy.
    return then == now && !now.racy && !now.unstable;
  }

  SourceReport report() const override {
    SourceReport report;
    report.facts = facts_;
    report.suspicions = suspicions_;
    return report;
  }

 private:
  void mark_database(const sqlite::CopyOptions& options) {
    auto spool = std::make_unique<sqlite::Spool>(options_.spool_directory);
    const sqlite::Copy copy = sqlite::copy_database(options, *spool);
    facts_ = {{"journal_mode", std::string(copy.journal_mode)},
              {"method", std::string(copy.method)},
              {"page_size", std::to_string(copy.page_bytes)},
              {"pages", std::to_string(copy.pages)},
              {"lock_held_ms", std::to_string(copy.lock_held_ms)},
              {"lock_rounds", std::to_string(copy.lock_rounds)}};
    parts_.push_back(
        {to_bytes(options_.database.filename().native()), copy.entry, std::move(spool)});
  }

  void mark_bytes(const sqlite::CopyOptions& options, const std::string& reason) {
    for (sqlite::RawFile& file : sqlite::copy_raw(options, options_.spool_directory)) {
      parts_.push_back({to_bytes(options_.database.filename().native() + file.suffix), file.entry,
                        std::move(file.content)});
    }
    facts_ = {{"journal_mode", "unknown"},
              {"method", "bytes"},
              {"page_size", "0"},
              {"pages", "0"},
              {"quick_check", reason}};
    suspicions_.push_back("SQLite can't read the database, so its files are kept as they are: " +
                          reason);
  }

  /// Another file is about to take its place, or was: it is no state of the store.
  void refuse_half_replaced() const {
    if (!sqlite::is_being_replaced(options_.database)) return;
    throw Error(ErrorCode::conflict,
                printable(options_.database.native()) + " is being replaced by a restore in place",
                "wait until the restore has ended; where it was interrupted, `salvor status` names "
                "its run: resume or undo that");
  }

  SqliteSourceOptions options_;
  std::vector<Part> parts_;  // from mark() on
  Entry directory_;
  std::map<std::string, std::string> facts_;
  std::vector<std::string> suspicions_;
  std::size_t announced_ = 0;
};

}  // namespace

std::unique_ptr<Source> make_sqlite_source(SqliteSourceOptions options) {
  return std::make_unique<SqliteSource>(std::move(options));
}

std::string sqlite_obstacle(const std::filesystem::path& database) {
  struct stat status {};
  if (::stat(database.c_str(), &status) != 0) return errno_text(errno);
  if (!S_ISREG(status.st_mode)) return "it is no file";
  if (::access(database.c_str(), R_OK) != 0) return errno_text(errno);
  try {
    sqlite::require_one_name(database);
    return sqlite::wreck_at(database);
  } catch (const Error& error) {
    return error.message();
  }
}

bool is_sqlite_file(const std::filesystem::path& file) {
  try {
    return sqlite::wreck_at(file).empty() && !sqlite::head_of(file).empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace salvor::stores
