#pragma once

#include <memory>

#include "stores/entry.h"

namespace salvor::stores {

/// Takes the content of one file, in any order.
/// Threads: write() and read_existing() any; finish() once, after all else.
/// Lifetime: shorter than its Sink's. Destruction without finish() abandons: the file stays, as far
/// as it was written, and is not complete.
class FileWriter {
 public:
  virtual ~FileWriter() = default;

  /// Only with delta: what lies at `offset` of the existing file; fewer bytes at its end; 0 when
  /// there is none.
  virtual std::size_t read_existing(MutableByteView out, std::uint64_t offset) = 0;

  virtual void write(ByteView bytes, std::uint64_t offset) = 0;

  /// Only with delta: what read_existing() yields for [offset, offset + length) is what belongs
  /// there. To be called instead of write(), each time; where the target itself is written over,
  /// it does nothing.
  virtual void keep(std::uint64_t /*offset*/, std::uint64_t /*length*/) {}

  /// Makes [offset, offset + length) a hole. Only needed with delta, where old bytes may lie there;
  /// in a new file what is not written is a hole already.
  virtual void punch_hole(std::uint64_t offset, std::uint64_t length) = 0;

  /// Sets the final size and all metadata.
  virtual void finish() = 0;
};

struct SinkReport {
  std::uint64_t reused = 0;           ///< files that were taken from what is live, unread
  std::uint64_t moved_aside = 0;      ///< things that were in the way, or do not belong (delta)
  std::string moved_aside_to;         ///< where they are now; empty when there were none
  std::vector<std::string> warnings;  ///< what could not be restored, e.g. owners when not root

  /// What could not be made at all, with the reason: "a/b (symlink): Operation not permitted".
  std::vector<std::string> left_out;
};

/// One store, being written once. The order of calls: begin(); then, in order of keys, make() for
/// everything that is neither a file nor a hard link; create() for files, at any time after the
/// make() of their directory; when all files are finished, complete() for every entry, in order of
/// keys; then commit().
/// Threads: create() any; the others one thread at a time.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Refuses (code refused) a target that exists and is not empty, unless with delta.
  virtual void begin() = 0;
  virtual void make(ByteView key, const Entry& entry) = 0;

  /// Whether a directory above this entry could not be made: then neither reuse() nor create() may
  /// be called for it. To be asked after make() of all directories before it.
  virtual bool leaves_out(ByteView /*key*/) const { return false; }

  /// Whether the sink has this file whole already, content and metadata, and has put it in place:
  /// then neither create() nor a chunk of it is needed. In the place of create(), in order of keys.
  virtual bool reuse(ByteView /*key*/, const Entry& /*entry*/) { return false; }
  virtual std::unique_ptr<FileWriter> create(ByteView key, const Entry& entry) = 0;

  /// Hard links, and the metadata of directories, which must come after their content. With delta,
  /// what lies between two keys and does not belong there is moved aside.
  virtual void complete(ByteView key, const Entry& entry) = 0;

  /// Makes all of it durable.
  virtual void commit() = 0;
  virtual SinkReport report() const = 0;
};

}  // namespace salvor::stores
