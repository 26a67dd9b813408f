#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/progress.h"
#include "repo/session.h"
#include "stores/source.h"

/// The pipeline that backs up: sources → chunks → repository; one recovery point comes out
/// (DESIGN.md, "Life of a backup").
///     std::vector<StoreInput> inputs;                     // databases first
///     inputs.push_back({name, type, source.get()});
///     Options options;
///     options.service = "shop";
///     const Result result = run(repository, inputs, options);
namespace salvor::backup {

/// One store that is to be protected.
/// Lifetime: the source outlives the call. A source serves one call only.
struct StoreInput {
  std::string name;
  std::string type;
  stores::Source* source = nullptr;
  /// Commit without what can't be read, and name it in the result and in the point.
  bool tolerate_unreadable = false;
};

/// One thing that the point lacks, and why. A value.
struct Unreadable {
  std::string store;
  std::string path;
  std::string reason;
};

/// What belongs to the point besides its stores, and who is told what. All pointers may be null.
struct Options {
  std::string service;
  std::string version;                            ///< of the program, kept with the point
  std::map<std::string, std::string> facts = {};  ///< kept with the point
  unsigned threads = 0;                           ///< 0: chosen by the machine
  /// Called with a function that marks all stores, and must call it exactly once. A caller that
  /// holds the writes of the application holds them around that call only.
  std::function<void(const std::function<void()>& mark)> around_mark = {};
  /// Called with the whole point right before it is committed, to add facts that depend on its
  /// snapshots. What it throws ends the backup without a point.
  std::function<void(repo::Point& point)> before_commit = {};
  Progress* progress = nullptr;
  std::stop_token stop;
};

/// The point that was committed, and what it lacks.
struct Result {
  repo::Point point;
  /// What was tolerated, and what became another kind of thing while it was read.
  std::vector<Unreadable> unreadable;
};

/// Takes one recovery point of all stores, or none. All stores are marked before the first one is
/// read: what a database mentions at its mark is then in the files that are read after it. So
/// databases come first in `inputs`.
/// Errors:  failed, listing everything unreadable in the store that must not lack anything;
///          whatever the sources, the callbacks and the repository throw. After an error nothing
///          was committed, but for `unreachable`: then the point may be there. What was uploaded is
///          found again by the next backup.
/// Threads: one backup with these sources at a time; blocks.
/// Memory:  bounded, whatever the size of the stores (docs/benchmarks.md).
Result run(repo::Repository& repository, const std::vector<StoreInput>& inputs,
           const Options& options);

}  // namespace salvor::backup
