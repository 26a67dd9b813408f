#include "stores/sqlite/internal/replacement.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/exchange.h"
#include "stores/disk/tree.h"
#include "stores/sqlite/internal/file_locks.h"
#include "stores/sqlite/internal/stand_alone.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

/// The files that SQLite keeps beside a database, by what is appended to its name.
constexpr std::array<const char*, 3> kBeside = {"-wal", "-journal", "-shm"};
constexpr std::int64_t kIncomingWaitMs = 10'000;
constexpr std::int64_t kStragglersWaitMs = 5'000;

/// Locks that outlived their use: connections that wait for a database which was replaced must not
/// get it before this process ends.   Threads: guarded by the mutex.
void keep_until_the_end(std::shared_ptr<FileLocks> locks) {
  static std::mutex mutex;
  static std::vector<std::shared_ptr<FileLocks>> kept;
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(locks));
}

/// Takes the database of a snapshot, whatever its name was, for the live one's name, and what lay
/// beside one that SQLite could not read likewise.
class RenamingSink final : public Sink {
 public:
  RenamingSink(const fs::path& directory, const std::string& name)
      : names_{Name{"", to_bytes(name)}, Name{"-journal", to_bytes(name + "-journal")},
               Name{"-wal", to_bytes(name + "-wal")}},
        inner_(
            disk::make_tree_sink({.target = directory, .delta = true, .clock = &Clock::system()})) {
  }

  void begin() override { inner_->begin(); }
  void make(ByteView key, const Entry& entry) override { inner_->make(checked(key), entry); }
  std::unique_ptr<FileWriter> create(ByteView key, const Entry& entry) override {
    return inner_->create(checked(key), entry);
  }
  void complete(ByteView key, const Entry& entry) override {
    inner_->complete(checked(key), entry);
  }
  void commit() override { inner_->commit(); }
  SinkReport report() const override { return inner_->report(); }

 private:
  /// The database comes first: its name is the beginning of the others.
  ByteView checked(ByteView key) {
    if (key.empty()) return key;
    const std::lock_guard lock(mutex_);
    if (their_name_.empty()) their_name_ = to_bytes(key);
    const std::string_view suffix = as_text(key).substr(std::min(key.size(), their_name_.size()));
    const auto known = std::ranges::find(names_, suffix, &Name::suffix);
    if (!as_text(key).starts_with(as_text(their_name_)) || known == names_.end()) {
      throw Error(ErrorCode::corruption,
                  "found " + printable(path_of_key(key)) + " beside " +
                      printable(path_of_key(their_name_)) + ", expected one database",
                  "run salvor verify --data");
    }
    return known->whole;
  }

  struct Name {
    std::string_view suffix;
    Bytes whole;
  };
  const std::array<Name, 3> names_;
  std::mutex mutex_;
  Bytes their_name_;  // guarded by mutex_
  const std::unique_ptr<Sink> inner_;
};

class SqliteReplacement final : public Replacement {
 public:
  SqliteReplacement(const fs::path& live, const fs::path& workplace, ReplacementFaults faults)
      : exchange_({live, workplace, workplace / "new" / live.filename(),
                   workplace / "old" / live.filename()},
                  std::move(faults)) {}

  ReplacementState state() const override {
    return {.provisioned = exchange_.is_provisioned(), .cut_over = exchange_.is_cut_over()};
  }
  Location workplace() const override { return location_of(places().workplace); }
  Location copy() const override {
    return location_of(exchange_.is_cut_over() ? places().live : places().fresh);
  }
  void provision() override {
    require_one_name(places().live);
    exchange_.provision();
  }

  std::unique_ptr<Sink> sink(Recognise) override {
    SALVOR_ASSERT(exchange_.is_provisioned() && !exchange_.is_cut_over());
    return std::make_unique<RenamingSink>(places().fresh.parent_path(),
                                          places().fresh.filename().native());
  }

  std::uint64_t separate(const Rewrite&, Way) override { return 0; }

  void settle(Way) override { exchange_.settle(); }

  void try_cut_over(std::int64_t wait_ms_max) override {
    if (exchange_.is_cut_over() || disk::inode_at(places().live) == 0) return;
    require_one_name(places().live);
    LockWait wait(Clock::system(), wait_ms_max);
    const std::shared_ptr<FileLocks> locks = locks_of_live();
    locks->claim(wait);
    locks->unclaim();
  }

  void cut_over(std::int64_t wait_ms_max) override {
    exchange_.settle();
    if (!exchange_.is_cut_over()) {
      replace(wait_ms_max, true);
    } else if (disk::inode_at(places().live) != 0) {
      // A swap back was killed before its exchange.
      unpoison(places().live, places().workplace);
    }
    // Also what a crash has left undone.
    if (disk::inode_at(places().parked) != 0) make_useless(places().parked);
    LockWait wait(Clock::system(), wait_ms_max);
    lock_what_is_live(wait);
  }

  void swap_back(std::int64_t wait_ms_max) override {
    exchange_.require_old();
    exchange_.settle();
    if (exchange_.is_cut_over()) {
      replace(wait_ms_max, false);
    } else {
      exchange_.bring_back();
      if (disk::inode_at(places().live) != 0) unpoison(places().live, places().workplace);
    }
    put_back_beside();
    // The copy, with what was written since, is for people to look into. Who had it open was locked
    // out; connections that are left find that their file has moved.
    if (disk::inode_at(places().fresh) != 0) unpoison(places().fresh, places().workplace);
    LockWait wait(Clock::system(), wait_ms_max);
    lock_what_is_live(wait);
  }

  void discard_copy() override {
    if (disk::inode_at(places().live) != 0) unpoison(places().live, places().workplace);
    exchange_.discard_copy();
  }
  void try_discard_old() const override { exchange_.require_live(); }
  void discard_old() override { exchange_.discard_old(); }

 private:
  const disk::Exchange::Places& places() const { return exchange_.places(); }

  /// The locks of what is live now; of this process's WriteLock, where it has one.
  std::shared_ptr<FileLocks> locks_of_live() const {
    const std::shared_ptr<HeldLocks> held = held_locks(places().live);
    if (held && held->locks && held->locks->id().second == disk::inode_at(places().live)) {
      return held->locks;
    }
    return std::make_shared<FileLocks>(places().live);
  }

  void replace(std::int64_t wait_ms_max, bool in) {
    const fs::path& incoming = in ? places().fresh : places().parked;
    const fs::path& outgoing_park = in ? places().parked : places().fresh;
    LockWait wait(Clock::system(), wait_ms_max);
    require_one_name(places().live);
    std::shared_ptr<FileLocks> outgoing;
    if (disk::inode_at(places().live) != 0) {
      outgoing = locks_of_live();
      outgoing->claim(wait);
    }
    try {
      LockWait incoming_wait(Clock::system(), kIncomingWaitMs);
      std::optional<FileLocks> arriving;
      if (disk::inode_at(incoming) != 0) {
        arriving.emplace(incoming);
        arriving->claim(incoming_wait);
        prepare(incoming, in);
      }
      const bool stands_alone = outgoing && completes(places().live);
      move_beside(outgoing_park, stands_alone);
      // In WAL mode at once: were we killed right after the exchange, who waits for the old file
      // would begin a log under its name, which is the new one's by then.
      if (outgoing && outgoing->is_wal()) make_useless(places().live);
      in ? exchange_.bring_in() : exchange_.bring_back();
    } catch (...) {
      if (outgoing) give_back(*outgoing);
      throw;
    }
    if (outgoing && disk::inode_at(outgoing_park) != 0) make_useless(outgoing_park);
    lock_what_is_live(wait);
    if (outgoing) release(std::move(outgoing));
  }

  /// After a failure the live store must be usable again.
  void give_back(FileLocks& outgoing) {
    if (disk::inode_at(places().live) == outgoing.id().second)
      unpoison(places().live, places().workplace);
    outgoing.unclaim();
  }

  void prepare(const fs::path& incoming, bool in) {
    exchange_.step("give the incoming file its header");
    unpoison(incoming, places().workplace);
    if (in && !completes(incoming)) {
      throw Error(ErrorCode::corruption, printable(incoming.native()) + " is not a database",
                  "undo the restore, and restore an older point");
    }
  }

  bool completes(const fs::path& database) {
    exchange_.step("bring the log into the database");
    return make_stand_alone(database);
  }

  /// What lies beside the live database goes with it: the new one must not be given the old log.
  void move_beside(const fs::path& park, bool stands_alone) {
    for (const char* suffix : kBeside) {
      const fs::path from = places().live.native() + suffix;
      fs::path to = park.native() + suffix;
      if (disk::inode_at(from) == 0) continue;
      // Where all is in the database, an earlier try has left nothing of worth there.
      for (int i = 1; !stands_alone && disk::inode_at(to) != 0; ++i) {
        to = park.native() + suffix + "." + std::to_string(i);
      }
      exchange_.step("move what is beside the database");
      if (rename(from.c_str(), to.c_str()) != 0) {
        throw_system_error("cannot move", from.native(), errno);
      }
    }
    exchange_.sync();
  }

  /// A database that could not be completed gets its log and journal back. The -shm file follows
  /// from the log.
  void put_back_beside() {
    if (disk::inode_at(places().live) == 0 || exchange_.is_cut_over()) return;
    for (const char* suffix : {"-wal", "-journal"}) {
      const fs::path from = places().parked.native() + suffix;
      const fs::path to = places().live.native() + suffix;
      if (disk::inode_at(from) == 0) continue;
      exchange_.step("move back what was beside the database");
      if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0 &&
          errno != EEXIST) {
        throw_system_error("cannot move", from.native(), errno);
      }
    }
    exchange_.sync();
  }

  void make_useless(const fs::path& database) {
    exchange_.step("make the old file useless");
    poison(database, places().workplace);
  }

  /// In WAL mode, who waits for the old file would look for the log of the new one when he gets
  /// it: he gets SQLITE_BUSY until he has given up. Else he finds the file moved, or useless.
  static void release(std::shared_ptr<FileLocks> outgoing) {
    LockWait wait(Clock::system(), kStragglersWaitMs);
    while (outgoing->is_wal() && !disk::holders_of({outgoing->id()}).empty()) {
      if (wait.again()) continue;
      keep_until_the_end(std::move(outgoing));
      return;
    }
  }

  /// A WriteLock of this process now holds what is live.
  void lock_what_is_live(LockWait& wait) const {
    const std::shared_ptr<HeldLocks> held = held_locks(places().live);
    const std::uint64_t live = disk::inode_at(places().live);
    if (!held || (held->locks && held->locks->id().second == live)) return;
    held->locks = nullptr;
    if (live == 0) return;
    try {
      held->locks = acquire_writers(places().live, wait);
    } catch (const Error& error) {
      // Somebody writes to the live database: no write is lost, and the next look finds it.
      if (error.code() != ErrorCode::conflict) throw;
    }
  }

  disk::Exchange exchange_;
};

}  // namespace

std::unique_ptr<Replacement> make_replacement(const SqliteTargetOptions& options,
                                              const std::string& run, const std::string& tag) {
  const fs::path live = disk::real_place(options.database);
  return std::make_unique<SqliteReplacement>(live, disk::workplace_for(live, run, tag),
                                             options.faults);
}

}  // namespace salvor::stores::sqlite
