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

/// Validation of restored data. No check knows what kind of store it asks.
namespace salvor::checks {

/// `impossible`: it could not be asked (a server that does not answer, a statement that is wrong):
/// it is shown as failed. `skipped`, shown as not_run: it says nothing about this copy (a check
/// over HTTP asks the live service; its store is not among those restored; only the application
/// could ask): not covered.
enum class Verdict { passed, failed, impossible, skipped };
std::string_view name_of(Verdict verdict);

/// One verdict. A value.   Units: seconds.
struct CheckOutcome {
  std::string name;
  std::string kind;   ///< "exec", "sql", "http", "path", "log", "reference", "built-in"
  std::string store;  ///< which store, where it is about one
  Verdict verdict = Verdict::failed;
  std::string expected;
  std::string actual;
  std::string command_sha256;  ///< of the command, statement, URL or path: what was asked
  /// The end of a command's output, the beginning of an answer that was not expected, or up to 20
  /// things that are missing or differ, a line each. Not made printable but for the last.
  std::string output;
  double seconds = 0;
  std::optional<std::uint64_t> missing;  ///< references: rows without their file
  std::optional<std::uint64_t> orphans;  ///< references: files without a row; harmless

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

/// What checks ask.   Lifetime: the targets and the stop outlive the call.
struct CheckSubjects {
  service::HookContext context;
  std::map<std::string, stores::Target*> stores;  ///< by name; the restored copies
  bool live = false;  ///< the copies are in the live place: what asks the live service means them
};

/// Errors: cancelled; all else is a verdict.   Threads: any; blocks.
CheckOutcome run_check(const service::Check& check, const CheckSubjects& subjects,
                       std::stop_token stop);
CheckOutcome run_reference(const service::Reference& reference, const CheckSubjects& subjects,
                           std::stop_token stop);

/// What the store says of itself, as "integrity_check of db". Their duration is that of them all,
/// and stands with the first.   `source`: the facts of its snapshot: what the source had too is
/// good.   Errors: cancelled; all else is a verdict.
std::vector<CheckOutcome> run_self_checks(const std::string& store, stores::Target& target,
                                          std::stop_token stop,
                                          const stores::Target::Facts& source = {});

enum class Depth { counts, content };

/// Compares a copy with the point's own record, by reading it through a Source that was not marked
/// yet, and that yields the copy as it lies there (for a database: files, of its directory).
/// `counts`: kinds, names, sizes, where links lead, and the numbers of entries and bytes;
/// `content`: also every byte, against the ids of its chunks. Holes and zeros are the same.
/// The verdict names the first differences (at most 20) and how many there are.
/// Errors: cancelled; all else is a verdict.   Threads: any; blocks.   Memory: bounded.
CheckOutcome compare_with_point(repo::Repository& repository, const repo::Snapshot& snapshot,
                                stores::Source& copy, Depth depth, std::stop_token stop);

}  // namespace salvor::checks
