#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "repo/repository.h"
#include "service/hooks.h"
#include "service/service.h"
#include "stores/source.h"
#include "stores/target.h"

/// Validation of restored data. Each check yields a verdict, also where it could not be asked; no
/// check knows what kind of store it asks.
///     CheckSubjects subjects;
///     subjects.context = context;              // what commands are told
///     subjects.stores["db"] = &target;         // the restored copy
///     for (const auto& check : service.checks) use(run_check(check, subjects, stop));
namespace salvor::checks {

/// What came of a check. `impossible`: it could not be asked (a server does not answer, a statement
/// is wrong); it is shown as failed. `skipped`: it says nothing about this copy, so the copy is not
/// covered by it; it is shown as not_run. That is so for a check over HTTP, which asks the live
/// service, for a store that is not among those restored, and where only the application could ask.
enum class Verdict { passed, failed, impossible, skipped };
/// How a verdict is shown: "passed", "failed" (also for `impossible`), "not_run".
std::string_view name_of(Verdict verdict);

/// One verdict, with what was expected and found. A value.
/// Units: seconds.
struct CheckOutcome {
  std::string name;
  std::string kind;   ///< "exec", "sql", "http", "path", "log", "reference", "built-in"
  std::string store;  ///< which store; empty where the check is about none
  Verdict verdict = Verdict::failed;
  std::string expected;
  std::string actual;
  /// The SHA-256 of what was asked (a command, statement, URL or path): evidence names it without
  /// telling secrets that may be in it.
  std::string command_sha256;
  /// The end of a command's output, the beginning of an answer that was not expected, or up to 20
  /// things that are missing or differ, a line each. Only the last is made printable.
  std::string output;
  double seconds = 0;
  std::optional<std::uint64_t> missing;  ///< references: rows without their file
  std::optional<std::uint64_t> orphans;  ///< references: files without a row; harmless

  /// Whether nothing speaks against the data. That a check has proved something, only `passed`
  /// says.
  bool good() const { return verdict == Verdict::passed || verdict == Verdict::skipped; }
};

/// How many checks ended how. Each is counted once.
struct CheckCounts {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t not_run = 0;

  void add(Verdict verdict);
  std::size_t all() const { return passed + failed + not_run; }
};
CheckCounts count_checks(const std::vector<CheckOutcome>& checks);

/// "3 of 5 checks passed, 1 failed, 1 not run", everywhere where checks are counted. `noun`: what
/// is counted, with a blank before it, or empty.
std::string in_words(const CheckCounts& counts, std::string_view noun = " checks");

/// What checks ask.
/// Lifetime: the targets outlive the call.
struct CheckSubjects {
  service::HookContext context;
  std::map<std::string, stores::Target*> stores;  ///< by name; the restored copies
  /// Whether the copies are in the live place. Then checks that ask the live service ask these
  /// copies, and are not skipped.
  bool live = false;
};

/// Asks one check, or one reference, within its own time limit. A check that would ask the live
/// service while the copy is not live is skipped.
/// Errors:  cancelled, when `stop` is requested; all else is a verdict.
/// Threads: any; blocks.
CheckOutcome run_check(const service::Check& check, const CheckSubjects& subjects,
                       std::stop_token stop);
CheckOutcome run_reference(const service::Reference& reference, const CheckSubjects& subjects,
                           std::stop_token stop);

/// What a store says of itself (Target::check()), a verdict for each, named "integrity_check of
/// db". The first one has the duration of all of them. `source`: the facts of its snapshot: what
/// the source had too is good.
/// Errors: cancelled; all else is a verdict.
std::vector<CheckOutcome> run_self_checks(const std::string& store, stores::Target& target,
                                          std::stop_token stop,
                                          const stores::Target::Facts& source = {});

/// How closely a copy is compared with its point. `counts`: kinds, names, sizes, where links lead,
/// and the numbers of entries and bytes. `content`: also every byte.
enum class Depth { counts, content };

/// Compares a copy with the point's own record of it. The source reads the copy as it lies there,
/// and was not marked yet; for a database it yields files, those of its directory. Bytes are
/// compared by the ids of their chunks; holes and zeros are the same. Owners, modes, times and
/// attributes are not compared. The verdict names the first 20 differences, and how many there are.
/// Errors:  cancelled; all else is a verdict.
/// Threads: any; blocks.
/// Memory:  bounded.
CheckOutcome compare_with_point(repo::Repository& repository, const repo::Snapshot& snapshot,
                                stores::Source& copy, Depth depth, std::stop_token stop);

}  // namespace salvor::checks
