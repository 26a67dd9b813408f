#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "stores/entry.h"

/// How a store is read by a backup. The order of calls:
///     source.mark();                                   // all stores of a point first
///     while (const auto item = source.next()) {
///       if (previous && source.unchanged(*previous, item->entry)) continue;
///       if (const auto reader = source.open(*item)) …  // read() to the end, then finish()
///     }
///     source.report();
namespace salvor::stores {

/// What a source announces: a key, and what is known of the thing before its content is read.
struct Item {
  Bytes key;
  Entry entry;
};

/// Reads the content of one item, front to back.
/// Threads:  one at a time.
/// Lifetime: shorter than its Source's.
class ContentReader {
 public:
  /// One stretch of content: data or a hole, never both. Both are 0 at the end.
  /// Units: bytes.
  struct Step {
    std::size_t data_bytes = 0;    ///< bytes put into `out`
    std::uint64_t hole_bytes = 0;  ///< or: so many bytes of hole come here
  };

  virtual ~ContentReader() = default;

  /// The next stretch of content. `out` is filled unless a hole or the end comes first, so that
  /// where chunks are cut does not depend on how a medium reads.
  /// Errors: failed, when this item can't be read any further (an I/O error). It is a Problem of
  ///         the source's report already, and the other items can still be read. finish() likewise.
  virtual Step read(MutableByteView out) = 0;

  /// Completes `entry` with what reading has shown: attributes, the size that was read, `racy`. To
  /// be called once, after the end was read. False when the item changed meanwhile: open and read
  /// it again.
  virtual bool finish(Entry& entry) = 0;
};

/// Something that could not be protected, and why. `key` is as in the tree. A value.
struct Problem {
  Bytes key;
  std::string reason;
  /// It became another kind of thing while the store was read. Trees in use do that, so the point
  /// is committed without it, and names it.
  bool changed_kind = false;
};

/// How the content of a source wants to be cut. Databases change pages in place, so their pages are
/// cut at fixed offsets; files move, so their content decides.
struct Cutting {
  /// 0: content-defined. Else fixed chunks of this many bytes (a multiple of the page size).
  std::size_t fixed_bytes = 0;
};

/// What a source can do. Ask for it instead of asking what kind of store it is.
struct SourceCapabilities {
  Cutting cutting;
  /// Whether unchanged() can ever say yes. If not, all content is read each time.
  bool recognises_unchanged = false;
};

/// What a source has met, complete when all was read.
struct SourceReport {
  std::vector<Problem> unreadable;  ///< complete, in no order
  std::uint64_t sockets_skipped = 0;
  std::map<std::string, std::string> facts;  ///< what the store wants kept with the snapshot
  /// Why this may not be what the store was, as sentences. They make the point suspect.
  std::vector<std::string> suspicions;
};

/// One store, read once: announces its entries in strictly ascending order of keys, and yields
/// their content.
/// Threads:  next() belongs to one thread. open() and unchanged() may be called by any thread, also
///           while next() runs.
/// Lifetime: one object for a snapshot. Destruction abandons, and ends all its threads.
class Source {
 public:
  virtual ~Source() = default;
  virtual SourceCapabilities capabilities() const = 0;

  /// Fixes the moment that the snapshot is of, as far as the store can: a database exactly, a tree
  /// of files not at all. It takes as little time as it can: writes to the service may be held
  /// meanwhile.
  virtual void mark() = 0;

  /// Looks whether what was marked is sound, as far as that takes reading it; report() then has
  /// what was found. Once, at any time after mark(); a source whose report nobody needs can do
  /// without.
  /// Errors: cancelled, soon after `stop` was requested.
  virtual void examine(const std::stop_token& stop) = 0;

  /// The next item; empty at the end. What can't be listed becomes a Problem. For directories,
  /// symlinks and other items without content, `entry` lacks only its attributes.
  virtual std::optional<Item> next() = 0;

  /// A reader for an item that is new or has changed, with content or without: a reader of a
  /// directory is at its end at once, and its finish() adds the attributes. Empty when the item has
  /// vanished since it was announced, has become another kind, or can't be read; the latter two
  /// become a Problem.
  /// Errors: only when the whole store can't be read any more.
  virtual std::unique_ptr<ContentReader> open(const Item& item) = 0;

  /// Whether an entry of the previous snapshot still stands for what is announced now, content and
  /// all.
  /// Threads: any.
  virtual bool unchanged(const Entry& then, const Entry& now) const = 0;

  /// Complete after examine(), the last next() and the last finish().
  virtual SourceReport report() const = 0;
};

}  // namespace salvor::stores
