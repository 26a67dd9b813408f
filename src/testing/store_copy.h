#pragma once

#include <vector>

#include "stores/sink.h"
#include "stores/source.h"

namespace salvor::testing {

/// What a Source said, with the content of files as stretches of data; what is between is holes.
struct Taken {
  struct Stretch {
    std::uint64_t offset = 0;
    Bytes bytes;
  };
  struct Thing {
    Bytes key;
    stores::Entry entry;
    std::vector<Stretch> content;
  };
  std::vector<Thing> things;  ///< in the order of next()
  stores::SourceReport report;

  const Thing* find(std::string_view path) const;
  std::vector<std::string> paths() const;
};

/// Reads all of a source as a backup does, by several threads, and in memory. A thing that changes
/// while it is read is tried three times, then marked unstable. Each entry is encoded and decoded.
Taken take_all(stores::Source& source, std::size_t read_bytes = 64 << 10U);

/// Writes the content of one file, and finishes it. With `delta`, what read_existing() has already
/// is kept.
void put_content(const Taken::Thing& thing, stores::FileWriter& writer, bool delta);

/// Writes it as a restore does: in the order that Sink asks for, files by several threads. With
/// `delta`, only what differs from read_existing() is written. What the sink reuses is left to it.
void put_all(const Taken& taken, stores::Sink& sink, bool delta = false);

}  // namespace salvor::testing
