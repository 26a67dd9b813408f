#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "repo/repository.h"
#include "stores/marker.h"
#include "stores/sink.h"
#include "stores/source.h"
#include "stores/target.h"

/// The one place that knows which types of stores there are.
namespace salvor::control::internal {

/// Where databases are copied to between their mark and the end of their backup.
std::filesystem::path spool_directory(const config::Config& config);

/// Databases are read before files: what a database mentions at its mark is in the files that are
/// read after it.
bool is_database(const config::StoreConfig& store);

bool tolerates_unreadable(const config::StoreConfig& store);

/// `spool`: where a database is copied to meanwhile.
/// Errors: not_found, configuration: see the stores.
std::unique_ptr<stores::Source> make_source(const config::Config& config,
                                            const config::StoreConfig& store,
                                            const std::filesystem::path& spool);

/// Writes what a backup plants into the live store. Before it is marked.
/// Errors: conflict: it is locked; not_found, no_space, failed.
void plant_marker(const config::StoreConfig& store, const stores::Marker& marker);

/// The store as restores and checks see it. A copy is one that nobody writes, and beside which
/// nothing may be left. `faults`: tests only.
enum class Place { live, copy };
std::unique_ptr<stores::Target> make_target(const config::StoreConfig& store, Place place,
                                            const stores::ReplacementFaults& faults = {});

/// The name of the database in a snapshot of a sqlite store: its one file.   Errors: corruption.
std::string database_name(repo::Repository& repository, const repo::Snapshot& snapshot);

/// Why the store can't be read, or nothing. Reads no content.
std::string problem_reaching(const config::StoreConfig& store);

/// Takes back a snapshot over a live store: writes what differs, and leaves what the store does not
/// protect where it is.   Errors: configuration: a type that can't be written over.
std::unique_ptr<stores::Sink> make_live_sink(const config::StoreConfig& store);

/// Takes back a snapshot of a store of that type.
/// Errors: configuration: the type is not known to this version.
std::unique_ptr<stores::Sink> make_sink(const std::string& type,
                                        const std::filesystem::path& target, bool delta);

/// What the type itself can say about a store that was restored to `target`: remarks on what the
/// store that was backed up had too, and on what only its application could ask.
/// Errors: corruption.
std::vector<std::string> check_restored(repo::Repository& repository,
                                        const repo::Snapshot& snapshot,
                                        const std::filesystem::path& target);

}  // namespace salvor::control::internal
