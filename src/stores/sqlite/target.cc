#include <sys/stat.h>

#include "base/error.h"
#include "stores/disk/exchange.h"
#include "stores/disk/holders.h"
#include "stores/sqlite/internal/file_locks.h"
#include "stores/sqlite/internal/reading.h"
#include "stores/sqlite/internal/replacement.h"
#include "stores/sqlite/sqlite.h"

namespace salvor::stores {
namespace {

namespace fs = std::filesystem;

class SqliteTarget final : public Target, public SqlAccess, public WriteLocking {
 public:
  explicit SqliteTarget(SqliteTargetOptions options)
      : options_(std::move(options)), location_(location_of(options_.database)) {}

  const Location& location() const override { return location_; }
  SqlAccess* sql() override { return this; }
  WriteLocking* locking() override { return this; }

  TargetIdentity identify(std::int64_t) const override {
    TargetIdentity identity;
    identity.path = options_.database.native();
    std::vector<disk::FileId> files;
    for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
      struct stat status {};
      if (stat((identity.path + suffix).c_str(), &status) != 0) continue;
      files.emplace_back(status.st_dev, status.st_ino);
      if (suffix != std::string_view()) continue;
      identity.exists = true;
      identity.bytes = static_cast<std::uint64_t>(status.st_size);
      identity.entries = 2;  // as its source announces: the directory and the database
      identity.identity =
          "device " + std::to_string(status.st_dev) + ", inode " + std::to_string(status.st_ino);
    }
    if (!files.empty()) identity.holders = disk::holders_of(files);
    return identity;
  }

  std::unique_ptr<WriteLock> lock_writes(std::int64_t wait_ms_max) override {
    const fs::path real = disk::real_place(options_.database);
    if (disk::inode_at(real) == 0) return nullptr;
    sqlite::LockWait wait(Clock::system(), wait_ms_max);
    return sqlite::lock_writers(real, wait);
  }

  std::optional<bool> refuses_writes() override {
    const fs::path real = disk::real_place(options_.database);
    if (disk::inode_at(real) == 0) return std::nullopt;
    return sqlite::refuses_writes(real);
  }

  std::vector<SelfCheck> check(std::stop_token stop, const Facts& source) override {
    return sqlite::check_database(options_.database, options_.nobody_writes, std::move(stop),
                                  source);
  }

  void query(const std::string& sql, std::stop_token stop,
             const std::function<bool(const Row&)>& visit) override {
    sqlite::Reading(options_.database, options_.nobody_writes, std::move(stop)).query(sql, visit);
  }

  std::optional<Marker> marker(std::stop_token stop) override {
    return read_sqlite_marker(*this, stop);
  }

  std::unique_ptr<Replacement> replacement(const std::string& run,
                                           const std::string& tag) override {
    return sqlite::make_replacement(options_, run, tag);
  }

 private:
  const SqliteTargetOptions options_;
  const Location location_;
};

}  // namespace

std::unique_ptr<Target> make_sqlite_target(SqliteTargetOptions options) {
  return std::make_unique<SqliteTarget>(std::move(options));
}

}  // namespace salvor::stores
