#pragma once

#include <filesystem>
#include <optional>

#include "base/bytes.h"
#include "base/fd.h"

/// A file of byte strings, each with its length in front: lists of any length, streamed.
/// Threads: one.
namespace salvor::stores::disk {

/// Lifetime: destruction without commit() abandons; what was there before stays.
class ListFileWriter {
 public:
  explicit ListFileWriter(std::filesystem::path path);
  ~ListFileWriter();
  ListFileWriter(const ListFileWriter&) = delete;
  ListFileWriter& operator=(const ListFileWriter&) = delete;

  void add(ByteView item);

  /// Puts the file in its place, durably.
  void commit();

 private:
  void flush();

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  Fd fd_;
  Bytes buffer_;
};

/// Reads such a file, front to back.
class ListFileReader {
 public:
  /// Errors: not_found.
  explicit ListFileReader(std::filesystem::path path);

  /// The next item; empty at the end.   Errors: corruption, when it ends within one.
  std::optional<Bytes> next();

 private:
  std::size_t read(MutableByteView out);

  const std::filesystem::path path_;
  const Fd fd_;
  Bytes buffer_;
  std::size_t at_ = 0;
};

}  // namespace salvor::stores::disk
