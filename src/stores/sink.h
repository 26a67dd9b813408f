#pragma once

#include <memory>

#include "stores/entry.h"

/// How a store is written by a restore. In code, the order of calls that Sink states:
///     sink.begin();
///     for (each entry, in order of keys) {
///       if (it is neither a file nor a hard link) sink.make(key, entry);
///       if (it is a file && !sink.lacks(key) && !sink.reuse(key, entry)) sink.create(…);
///     }
///     // All writers: write() in any order, then finish().
///     for (each entry, in order of keys) sink.complete(key, entry);
///     sink.commit();
namespace salvor::stores {

/// Takes the content of one file, in any order.
/// Errors:   no_space; failed; conflict, when somebody else writes to the target.
/// Threads:  write(), keep(), punch_hole() and read_existing() any; finish() once, after all else.
/// Lifetime: shorter than its Sink's. Destruction without finish() abandons the file: it stays as
///           far as it was written, and is not complete.
class FileWriter {
 public:
  virtual ~FileWriter() = default;

  /// Only with delta: reads what the existing file has at `offset`.
  /// Shape: the number of bytes: fewer at the end of the file, 0 when there is no file.
  virtual std::size_t read_existing(MutableByteView out, std::uint64_t offset) = 0;

  virtual void write(ByteView bytes, std::uint64_t offset) = 0;

  /// Only with delta: says that what read_existing() yields for [offset, offset + length) belongs
  /// there. Call it instead of write(), each time. Where the target itself is written over, it does
  /// nothing.
  virtual void keep(std::uint64_t /*offset*/, std::uint64_t /*length*/) {}

  /// Makes [offset, offset + length) a hole. Only needed with delta, where old bytes may lie there:
  /// in a new file, what is not written is a hole already.
  virtual void punch_hole(std::uint64_t offset, std::uint64_t length) = 0;

  /// Sets the final size and all metadata.
  virtual void finish() = 0;
};

/// What a sink did besides writing, and what it could not do.
struct SinkReport {
  /// Files that were taken over from what is live, or from an earlier try.
  std::uint64_t reused = 0;
  /// With delta: things that were in the way, or do not belong there. They were moved, not deleted.
  std::uint64_t moved_aside = 0;
  std::string moved_aside_to;         ///< where they are now; empty when there were none
  std::vector<std::string> warnings;  ///< what could not be restored, e.g. owners when not root

  /// What could not be made at all, with the reason: "a/b (symlink): Operation not permitted".
  std::vector<std::string> not_made;
};

/// One store, written once by one restore. The order of calls: begin(). Then, in order of keys,
/// make() for everything that is neither a file nor a hard link; create() for a file, at any time
/// after the make() of its directory. When all files are finished, complete() for every entry, in
/// order of keys. Then commit().
/// Errors:   of every call: no_space; failed; corruption, for keys and entries that no source
///           yields; conflict, when somebody else writes to the target.
/// Threads:  create() any; the others one thread at a time.
/// Lifetime: destruction without commit() abandons: what was written stays, and is marked as
///           incomplete.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Looks at the target.
  /// Errors: refused: it exists and is not empty (unless with delta).
  virtual void begin() = 0;
  virtual void make(ByteView key, const Entry& entry) = 0;

  /// Whether a directory above this entry could not be made. Then neither reuse() nor create() may
  /// be called for it. Ask after make() of all directories before it.
  virtual bool lacks(ByteView /*key*/) const { return false; }

  /// Whether the sink has this whole file already, content and metadata, and has put it in place.
  /// Then neither create() is called for it, nor is a chunk of it needed. Ask in place of create(),
  /// in order of keys.
  virtual bool reuse(ByteView /*key*/, const Entry& /*entry*/) { return false; }
  /// A writer for the content of one file.
  virtual std::unique_ptr<FileWriter> create(ByteView key, const Entry& entry) = 0;

  /// Makes hard links, and sets the metadata of directories, which must come after their content.
  /// With delta, what lies between two keys and does not belong there is moved aside.
  virtual void complete(ByteView key, const Entry& entry) = 0;

  /// Makes everything durable, and takes the mark of incompleteness away.
  virtual void commit() = 0;
  virtual SinkReport report() const = 0;
};

}  // namespace salvor::stores
