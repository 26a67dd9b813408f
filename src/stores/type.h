#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stores/disk/lacking.h"
#include "stores/marker.h"
#include "stores/replacement.h"
#include "stores/settings.h"
#include "stores/sink.h"
#include "stores/source.h"
#include "stores/target.h"

/// The one description of a kind of store. Who has a store's type and settings asks here for all
/// else, so that no code outside of stores/ knows which kinds there are:
///     const Type& type = type_named("sqlite");
///     const auto source = type.source(settings, surroundings);
/// A new kind is a folder beside this file, with one class, and one line in types.cc.
namespace salvor::stores {

/// What is around a store while it is read or restored, and is none of its settings.
struct Surroundings {
  /// Where a database is copied to while it is read: a directory for this user alone. Called only
  /// when one is needed.
  std::function<std::filesystem::path()> spool = {};
  /// Directories that must not lie in a store, such as the repository.
  std::vector<std::filesystem::path> forbidden = {};
  /// What the snapshot lacks that is restored: it stays with the live store.
  disk::Lacking lacking = {};
  ReplacementFaults faults = {};  ///< tests only
};

/// What a store takes up of this machine's file systems.
struct Footprint {
  std::filesystem::path path;
  /// Other things can lie in it, other stores for example.
  bool is_tree = false;
  /// Endings of the names beside `path` that belong to it, too: "-wal".
  std::vector<std::string_view> companions = {};
  /// Of a tree: what in it belongs to no snapshot (disk/exclude.h); the key `exclude`.
  std::vector<std::string> exclude = {};
};

/// The first key below the root of a snapshot's tree, which may have to be read for it.
using FirstKey = std::function<Bytes()>;

/// One kind of store. What it cannot do is said by an empty value or a null pointer.
/// Settings are those of keys(); they have passed their checks, or come from a journal.
/// Threads:  any.
/// Lifetime: the process's.
class Type {
 public:
  virtual ~Type() = default;

  /// The value of the key `type`.
  virtual std::string_view name() const = 0;
  /// What a user can set, in the order of documents. Each key is set in all settings.
  virtual std::span<const SettingsKey> keys() const = 0;

  /// Which facets its targets have, and so which checks can ask them.
  virtual bool answers_sql() const { return false; }
  virtual bool holds_paths() const { return false; }
  /// Whether a mark fixes the moment exactly, as that of a database does. Such stores are read
  /// before the others: what they mention at their mark is in what is read after it.
  virtual bool marks_exactly() const { return false; }
  /// What people call a file that recognises() tells; empty: it tells none.
  virtual std::string_view file_title() const { return {}; }
  /// Whether a file looks like such a store, wherever it lies. Changes nothing.
  virtual bool recognises(const std::filesystem::path& /*file*/) const { return false; }

  /// Where it lives. Looks at nothing: the place may be gone, or not answer.
  virtual Location location(const Settings& settings) const = 0;
  /// What it takes up of file systems, for the checks of overlaps and of room; empty where it lies
  /// on no file system of this machine. Looks at nothing.
  virtual std::optional<Footprint> footprint(const Settings& settings) const = 0;
  /// Leaves a directory within a tree to itself (a pattern of disk/exclude.h).
  virtual void leave_out(Settings& /*settings*/, const std::string& /*pattern*/) const {}
  /// Whether a point is made although something can't be read; it names what that was.
  virtual bool tolerates_unreadable(const Settings& /*settings*/) const { return false; }
  /// Why the store can't be read; empty: it can. Reads no content.
  virtual std::string obstacle(const Settings& settings) const = 0;

  /// Reads the store for a snapshot.   Errors: not_found; configuration.
  virtual std::unique_ptr<Source> source(const Settings& settings,
                                         const Surroundings& around) const = 0;
  /// Whether the user wants what plant() writes: the key `canary`.
  bool plants(const Settings& settings) const;
  /// Writes what a backup plants, before it is marked.
  /// Errors: conflict: it is locked; not_found; no_space; failed.
  virtual void plant(const Settings& settings, const Marker& marker) const = 0;

  /// The store where it lives.
  virtual std::unique_ptr<Target> live(const Settings& settings,
                                       const Surroundings& around) const = 0;
  /// A copy of it, which nobody writes, and beside which nothing may be left.
  virtual std::unique_ptr<Target> copy(const Settings& settings, const Location& at) const = 0;

  /// Takes a snapshot into a directory of its own; with `delta` over what is there.
  virtual std::unique_ptr<Sink> sink(const std::filesystem::path& directory, bool delta) const = 0;
  /// Where sink() puts the store itself within its directory: the place of copy().
  virtual Location copy_within(const std::filesystem::path& directory,
                               const FirstKey& first) const = 0;
  /// Reads a copy as it lies there, to compare it with its snapshot: with the snapshot's keys.
  virtual std::unique_ptr<Source> copy_source(const Location& copy,
                                              const FirstKey& first) const = 0;
  /// What the type can say of a copy that was just restored: remarks on what the store had when it
  /// was backed up, and on what only its application could ask. `facts`: of the snapshot.
  /// Errors: corruption.
  virtual std::vector<std::string> remarks(const Location& /*copy*/,
                                           const Target::Facts& /*facts*/) const {
    return {};
  }
};

/// The types that this version knows, in the order in which they are named to users.
std::vector<const Type*> types();

/// Null where this version does not know it.
const Type* find_type(std::string_view name);

/// Errors: configuration: as unknown_type().
const Type& type_named(std::string_view name);

/// Whether it is the name of a type that a later version will have.
bool is_planned_type(std::string_view name);

/// Settings with every key of the type, in its order. Keys that `given` lacks have their defaults;
/// those that the type does not know stay behind the others.
Settings completed(const Type& type, const Settings& given);

/// One more, for tests.   Threads: before any other call.
void add_type(const Type& type);

}  // namespace salvor::stores
