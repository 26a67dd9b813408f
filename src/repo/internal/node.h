#pragma once

#include "codec/wire.h"
#include "repo/tree.h"

namespace salvor::repo {

/// Encodes one node, record by record. Threads: one.
class NodeEncoder {
 public:
  explicit NodeEncoder(std::uint8_t level);

  void add(const Record& record);
  void add(const Child& child);
  std::size_t count() const { return count_; }

  /// The encoded node; the encoder is empty again.
  Bytes finish();

 private:
  void put_key(ByteView key, std::uint64_t offset);

  std::uint8_t level_;
  std::size_t count_ = 0;
  Bytes last_key_;
  codec::WireWriter body_;
};

}  // namespace salvor::repo
