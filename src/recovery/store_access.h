#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "recovery/plan.h"
#include "repo/repository.h"
#include "stores/type.h"

namespace salvor::recovery {

/// How recovery comes to the stores of a plan.
/// Errors:   of all calls: configuration: a type of store that this version does not know.
/// Threads:  one.
/// Lifetime: longer than everything that it makes.
class StoreAccess {
 public:
  /// `around`: what is the same for all stores.
  explicit StoreAccess(stores::Surroundings around) : around_(std::move(around)) {}

  /// The store at the place where it lives.
  std::unique_ptr<stores::Target> live(const StorePlan& store) const;

  /// A copy of the store: copy_within(), Replacement::copy(), or the live place of a store that is
  /// written over.
  std::unique_ptr<stores::Target> copy(const StorePlan& store, const stores::Location& at) const;

  /// Reads the live store, as a backup does: for safety snapshots.
  std::unique_ptr<stores::Source> live_source(const StorePlan& store) const;

  /// Reads the copy as it lies there, for a comparison with that snapshot: its keys are those of
  /// the snapshot's tree.
  std::unique_ptr<stores::Source> copy_source(const StorePlan& store, repo::Repository& repository,
                                              const repo::Snapshot& snapshot,
                                              const stores::Location& at) const;

  /// Writes a snapshot into a directory of its own.
  std::unique_ptr<stores::Sink> sink(const StorePlan& store,
                                     const std::filesystem::path& directory) const;

  /// Where sink() puts the store itself within that directory: the place of copy().
  stores::Location copy_within(const StorePlan& store, repo::Repository& repository,
                               const repo::Snapshot& snapshot,
                               const std::filesystem::path& directory) const;

 private:
  stores::Surroundings around(const StorePlan& store) const;

  const stores::Surroundings around_;
};

/// The first key below the root of a snapshot: for a database its file.
/// Errors: corruption: there is none.
stores::FirstKey first_key(repo::Repository& repository, const repo::Snapshot& snapshot);

}  // namespace salvor::recovery
