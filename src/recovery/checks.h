#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "recovery/hooks.h"
#include "repo/repository.h"
#include "stores/source.h"
#include "stores/target.h"

/// Validation of restored data. No check knows what kind of store it asks.
namespace salvor::recovery {

struct ExecTest {
  std::string run;  ///< passes with exit 0
};
struct SqlTest {
  std::string store;
  std::string sql;  ///< passes when the first column of the first row is true
};
struct HttpTest {
  std::string url;
  int status = 200;
  std::optional<std::string> contains;
};
struct PathTest {
  std::string store;
  std::string path;
  std::uint64_t min_bytes = 0;
  std::optional<std::string> sha256;
};
/// Watch only: more than `max` new lines of `log` contain `pattern`.
struct LogTest {
  std::string log;
  std::string pattern;
  std::uint64_t max = 0;
};

/// What somebody wants to know of a service. A value.   Units: seconds.
struct Check {
  std::string name;
  std::variant<ExecTest, SqlTest, HttpTest, PathTest, LogTest> test;
  std::int64_t timeout_s = 600;
};

/// Every row of `sql`, asked of store `from`, names a path that exists in store `in`.
struct Reference {
  std::string name;
  std::string from;
  std::string sql;
  std::string in;
};

/// `impossible`: it could not be asked (a server that does not answer, a statement that is wrong):
/// counts as failed. `skipped`: it says nothing about this copy (a check over HTTP asks the live
/// service): not covered.
enum class Verdict { passed, failed, impossible, skipped };
std::string_view name_of(Verdict verdict);

/// One verdict. A value.   Units: seconds.
struct CheckOutcome {
  std::string name;
  std::string kind;   ///< "exec", "sql", "http", "path", "reference", "built-in"
  std::string store;  ///< which store, where it is about one
  Verdict verdict = Verdict::failed;
  std::string expected;
  std::string actual;
  std::string command_sha256;  ///< of the command, statement, URL or path: what was asked
  std::string output;          ///< the end of a command's output
  double seconds = 0;
  std::optional<std::uint64_t> missing;  ///< references: rows without their file
  std::optional<std::uint64_t> orphans;  ///< references: files without a row; harmless

  bool good() const { return verdict == Verdict::passed || verdict == Verdict::skipped; }
};

/// What checks ask.   Lifetime: the targets and the stop outlive the call.
struct CheckSubjects {
  HookContext context;
  std::map<std::string, stores::Target*> stores;  ///< by name; the restored copies
  bool live = false;  ///< the copies are in the live place: checks over HTTP mean them
};

/// Errors: cancelled; all else is a verdict.   Threads: any; blocks.
CheckOutcome run_check(const Check& check, const CheckSubjects& subjects, std::stop_token stop);
CheckOutcome run_reference(const Reference& reference, const CheckSubjects& subjects,
                           std::stop_token stop);

/// What the store says of itself, as "integrity_check of db".
std::vector<CheckOutcome> run_self_checks(const std::string& store, stores::Target& target,
                                          std::stop_token stop);

/// Compares a copy with the point's own record, by reading it through a Source of its kind:
/// `counts`: kinds, names, sizes, and numbers of entries and bytes; `content`: also every byte,
/// against the ids of its chunks. The verdict names the first differences (at most 20) and how many
/// there are.
enum class Depth { counts, content };
CheckOutcome compare_with_point(repo::Repository& repository, const repo::Snapshot& snapshot,
                                stores::Source& copy, Depth depth, std::stop_token stop);

}  // namespace salvor::recovery
