#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "stores/source.h"

struct sqlite3;

/// What the tests of this store share. Only *_test.cc files include it.
namespace salvor::stores::sqlite {

/// A connection such as an application has, which waits up to 10 s for a lock.
/// Threads: one.   Errors: std::runtime_error, with what SQLite says.
class TestDatabase {
 public:
  explicit TestDatabase(const std::filesystem::path& path);
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase();

  /// Runs statements; the first column of the last row.
  std::string run(const std::string& sql);

 private:
  sqlite3* database_ = nullptr;
};

/// The same with a connection that is closed again.
std::string run_sql(const std::filesystem::path& path, const std::string& sql);

/// Another process, killed at the latest when the object goes. It is told to end, and tells that it
/// is ready, through pipes.
/// Threads: one; made while the process has no other thread.
class Child {
 public:
  /// What it does: ready() tells the parent, stopped() is true once the parent called stop().
  using Body =
      std::function<void(const std::function<void()>& ready, const std::function<bool()>& stopped)>;

  explicit Child(const Body& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }

  /// False when it ended without getting there.
  bool wait_ready();

  /// Ends it; its exit status.
  int stop();

  /// Waits for its end; its exit status, or -1 when a signal ended it.
  int wait();

  /// SIGKILL.
  void kill();

 private:
  pid_t pid_ = -1;
  Fd ready_;
  Fd stop_;
};

/// What PRAGMA integrity_check finds in a database that nobody writes; empty when it is sound.
/// Nothing is written, neither to the file nor beside it.
/// Errors: not_found; failed, when it can't be read.
std::vector<std::string> sqlite_problems(const std::filesystem::path& database);

/// Reads the content of the source's second item into a file, as a restore does.
Item restore(Source& source, const std::filesystem::path& to);

}  // namespace salvor::stores::sqlite
