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

/// The pipeline: sources → chunks → repository; one recovery point out (docs/DESIGN.md).
namespace salvor::backup {

/// One store to be protected.
struct StoreInput {
  std::string name;
  std::string type;
  stores::Source* source = nullptr;
  bool tolerate_unreadable = false;  ///< commit without what can't be read, and say so
};

struct Unreadable {
  std::string store;
  std::string path;
  std::string reason;
};

struct Options {
  std::string service;
  std::string version;                            ///< of the program, kept with the point
  std::map<std::string, std::string> facts = {};  ///< kept with the point
  unsigned threads = 0;                           ///< 0: chosen by the machine
  /// Called with what marks all stores, to call it once, while writes are held for example.
  std::function<void(const std::function<void()>& mark)> around_mark = {};
  /// Called with the whole point before it is committed, to add facts that depend on its snapshots.
  std::function<void(repo::Point& point)> before_commit = {};
  Progress* progress = nullptr;
  std::stop_token stop;
};

struct Result {
  repo::Point point;
  std::vector<Unreadable> unreadable;  ///< tolerated, or became another kind while it was read
};

/// Takes one recovery point of all stores, or none.
/// All stores are marked before the first is read, so that what a database mentions at its mark is
/// in the files that are read after it.
/// Errors: failed, listing all unreadable things of the store that must not have any; whatever the
/// sources and the repository throw. What was uploaded before a failure is found by the next run.
/// Memory: bounded, whatever the size of the stores (docs/benchmarks.md).
Result run(repo::Repository& repository, const std::vector<StoreInput>& inputs,
           const Options& options);

}  // namespace salvor::backup
