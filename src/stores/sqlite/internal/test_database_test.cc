#include "stores/sqlite/internal/test_database.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/copy.h"
#include "stores/sqlite/internal/reading.h"

namespace salvor::stores::sqlite {
namespace {

int run_child(const Child::Body& body, int ready, int stop) {
  try {
    body([ready] { static_cast<void>(!::write(ready, "r", 1)); },
         [stop] {
           char byte = 0;
           return ::read(stop, &byte, 1) == 0;
         });
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "child: %s (%s)\n", error.what(), error.hint().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
  }
  return 1;
}

struct CloseChecked {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};

}  // namespace

TestDatabase::TestDatabase(const std::filesystem::path& path) {
  const int result = sqlite3_open(path.c_str(), &database_);
  if (result != SQLITE_OK) throw std::runtime_error(sqlite3_errstr(result));
  sqlite3_busy_timeout(database_, 10'000);
}

TestDatabase::~TestDatabase() {
  sqlite3_close(database_);
}

std::string TestDatabase::run(const std::string& sql) {
  std::string answer;
  const auto keep = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) = values[0] != nullptr ? values[0] : "";
    return 0;
  };
  const int result = sqlite3_exec(database_, sql.c_str(), keep, &answer, nullptr);
  if (result != SQLITE_OK) throw std::runtime_error(sql + ": " + sqlite3_errmsg(database_));
  return answer;
}

std::string run_sql(const std::filesystem::path& path, const std::string& sql) {
  return TestDatabase(path).run(sql);
}

std::vector<std::string> sqlite_problems(const std::filesystem::path& database) {
  if (entry_of(database).kind != EntryKind::file) {
    throw_system_error("cannot check", database.native(), EISDIR);
  }
  sqlite3* opened = nullptr;
  int result =
      sqlite3_open_v2(immutable_uri(database).c_str(), &opened,
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
    throw_sqlite_error(result, opened, "cannot check", database);
  }
  return problems;
}

Child::Child(const Body& body) {
  int ready[2];
  int stop[2];
  if (::pipe2(ready, O_CLOEXEC) != 0 || ::pipe2(stop, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::runtime_error("pipe2");
  }
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(2);
    ::close(ready[0]);
    ::close(stop[1]);
    ::_exit(run_child(body, ready[1], stop[0]));
  }
  ready_ = Fd(ready[0]);
  stop_ = Fd(stop[1]);
  ::close(ready[1]);
  ::close(stop[0]);
}

bool Child::wait_ready() {
  char byte = 0;
  return ::read(ready_.get(), &byte, 1) == 1;
}

int Child::stop() {
  stop_.close();
  return wait();
}

int Child::wait() {
  int status = -1;
  if (pid_ > 0) ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Child::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  wait();
}

Item restore(Source& source, const std::filesystem::path& to) {
  const std::optional<Item> directory = source.next();
  std::optional<Item> item = source.next();
  if (!directory || !item || source.next()) throw std::runtime_error("expected two items");
  const std::unique_ptr<ContentReader> reader = source.open(*item);
  const Fd file = open_file(to, O_WRONLY | O_CREAT | O_TRUNC);
  Bytes buffer(1 << 20);
  for (;;) {
    const ContentReader::Step step = reader->read(buffer);
    if (step.data_bytes == 0) break;
    write_all(file.get(), ByteView(buffer).first(step.data_bytes), to.native());
  }
  if (!reader->finish(item->entry)) throw std::runtime_error("the copy changed");
  return *item;
}

}  // namespace salvor::stores::sqlite
