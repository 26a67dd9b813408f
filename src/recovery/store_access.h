#pragma once

#include <filesystem>
#include <memory>

#include "recovery/plan.h"
#include "repo/repository.h"
#include "stores/sink.h"
#include "stores/source.h"
#include "stores/target.h"

namespace salvor::recovery {

/// How recovery comes to stores without knowing what kinds there are; control implements it.
/// Errors:   of all calls: configuration: a type of store that this version does not know.
/// Threads:  one.
/// Lifetime: longer than everything that it makes.
class StoreAccess {
 public:
  virtual ~StoreAccess() = default;

  /// The store at the place where it lives.
  virtual std::unique_ptr<stores::Target> live(const StorePlan& store) = 0;

  /// A copy of the store, at `path`: copy_within(), Replacement::copy(), or the live path of a
  /// store that is written over.
  virtual std::unique_ptr<stores::Target> copy(const StorePlan& store,
                                               const std::filesystem::path& path) = 0;

  /// Reads the live store, as a backup does: for safety snapshots.
  virtual std::unique_ptr<stores::Source> live_source(const StorePlan& store) = 0;

  /// Reads the copy at `path` as it lies there, for a comparison with that snapshot: its keys are
  /// those of the snapshot's tree.
  virtual std::unique_ptr<stores::Source> copy_source(const StorePlan& store,
                                                      repo::Repository& repository,
                                                      const repo::Snapshot& snapshot,
                                                      const std::filesystem::path& path) = 0;

  /// Writes a snapshot into a directory of its own, or with `delta` over what is there.
  virtual std::unique_ptr<stores::Sink> sink(const StorePlan& store,
                                             const std::filesystem::path& directory,
                                             bool delta) = 0;

  /// Where sink() puts the store itself within that directory, which may be a file of it: the path
  /// for copy().
  virtual std::filesystem::path copy_within(const StorePlan& store, repo::Repository& repository,
                                            const repo::Snapshot& snapshot,
                                            const std::filesystem::path& directory) = 0;
};

}  // namespace salvor::recovery
