#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "control/caller.h"
#include "control/restore_in_place.h"
#include "control/verify.h"
#include "recovery/execute.h"
#include "testing/tree_compare.h"

/// What the tests of restores in place share: a service that is quick to make, to damage and to
/// restore.
namespace salvor::testing {

using TreeDescription = std::map<std::string, std::string>;

/// Where a test that kills processes, not machines, may lie: in memory where there is such a place,
/// so that it does not wait for disks.
std::filesystem::path fast_directory();

/// Runs a shell command. Throws when it fails.
void shell(const std::string& command);

/// The commands of a service; each runs in the shop's root. Empty: not configured.
struct ShopCommands {
  std::string lock = "touch srv/maintenance";
  std::string unlock = "rm -f srv/maintenance";
  std::string locked = "test -e srv/maintenance";
  std::string needed = {};
  std::string migrate = R"(sqlite3 "$SALVOR_STORE_DB" 'CREATE TABLE IF NOT EXISTS migrated (n)')";
  std::string rebuild = R"(for f in "$SALVOR_STORE_MEDIA"/thumbs/*; do echo rebuilt > "$f"; done)";
  std::string check = {};
  std::string return_to_service = "echo returned >> returned";
  std::string timeout = "60s";  ///< for each of them
  bool nested = false;  ///< the tree that is a store has the database, and its workplace, in it
  bool wal = false;     ///< the database is in WAL mode
};

/// A shop in a directory: a database, uploads, a flag for maintenance, a repository, all of it to
/// be copied whole.   Threads: one.
class Shop {
 public:
  explicit Shop(std::filesystem::path root, ShopCommands commands = {})
      : root_(std::move(root)), commands_(std::move(commands)) {}

  const std::filesystem::path& root() const { return root_; }
  bool is_wal() const { return commands_.wal; }
  std::filesystem::path live() const { return root_ / "srv"; }
  std::filesystem::path database() const { return live() / "shop.db"; }

  /// `other_host`: the state directory and the configuration of another host, which knows no
  /// service.
  config::Config config(bool other_host = false) const;

  /// 200 customers, eight uploads, one recovery point of them.
  void build() const;

  /// Half of the customers and an upload are lost, another is garbage.
  void damage() const;

  /// The same shop elsewhere.
  Shop copied_to(const std::filesystem::path& root, ShopCommands commands = {}) const;

  /// What the database answers, or complains.
  std::string sql(const std::string& statement) const;

 private:
  std::filesystem::path root_;
  ShopCommands commands_;
};

/// Of this process and those that it forks: commands of a run are looked for by it in all of /proc.
inline const std::string kShopRun = fmt::format("20261124t000000-{:08x}", ::getpid());

struct ShopRestore {
  std::string run = kShopRun;
  recovery::KillPoint reach = {};                 ///< called at each place where a process can die
  std::function<bool()> repository_is_gone = {};  ///< asked before each call
  bool safety_snapshot = true;
  bool in_place_delta = false;
  bool with_catalog = false;  ///< it is noted in the shop's catalog, as the program does
  std::int64_t holders_wait_ms = 10'000;
};

/// Restores the shop's newest ordinary point in place, in this process.
recovery::RunOutcome restore_shop(const Shop& shop, const ShopRestore& restore = {});

/// Takes back or closes that run, with what `restore` says of places and the repository.
recovery::RunOutcome undo_shop(const Shop& shop, const ShopRestore& restore = {});
recovery::RunOutcome close_shop(const Shop& shop, const ShopRestore& restore = {});

control::ContinueRequest continue_run(const std::string& run = kShopRun);

/// A child process that does `work`, and ends with the exit status that its Error has, or 0.
/// Killing itself, it dies alone.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  ///< kills it

  pid_t pid() const { return pid_; }
  int wait();  ///< the exit status; minus the signal, when it was killed by one

 private:
  pid_t pid_ = -1;
};

}  // namespace salvor::testing
