#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "codec/hash.h"
#include "repo/format.h"
#include "repo/ids.h"
#include "repo/internal/object.h"

namespace salvor::repo {

/// The root keys, one an epoch (docs/format.md, section 3). Move only: it is secret.
struct KeyRing {
  RepositoryId repository;
  std::vector<Secret> roots;
  std::string description;  ///< salvor.json, as it was written

  Secret encode() const;

  /// Errors: corruption.
  static KeyRing decode(ByteView bytes);
};

/// All keys that follow from a ring. Threads: any.
class Keys : public ObjectKeys {
 public:
  explicit Keys(KeyRing ring);

  const KeyRing& ring() const { return ring_; }
  const RepositoryId& repository() const { return ring_.repository; }

  /// The epoch to write with: the newest one, unless another was set before anything was written.
  std::uint32_t epoch() const override { return write_epoch_; }
  void write_with(std::uint32_t epoch) { write_epoch_ = epoch; }

  ByteView owner() const override { return ring_.repository.bytes(); }
  std::size_t epochs() const override { return epochs_.size(); }

  /// Errors: corruption, when `epoch` is one that this ring has no key for.
  Secret pack_key(PackKind kind, std::uint32_t epoch, const PackId& pack) const;
  Secret object_key(std::uint32_t epoch, ByteView salt) const override;

  /// Hangs on the first root key: no rotation changes it.
  Secret secret_for(std::string_view purpose) const;

  ChunkId chunk_id(FrameType type, ByteView chunk) const;
  ByteView chunker_key() const { return chunker_.view(); }
  std::uint64_t node_seed(std::uint8_t level) const { return node_seed_ + level; }
  const codec::Hmac& description_mac() const { return description_; }
  const codec::Hmac& slot_mac() const { return slot_; }
  const codec::Hmac& record_chain() const { return record_chain_; }

 private:
  struct Epoch {
    Secret data;
    Secret metadata;
  };
  const Epoch& epoch_keys(std::uint32_t epoch) const;
  Secret derive(ByteView root, std::string_view info) const;

  KeyRing ring_;
  std::vector<Epoch> epochs_;
  codec::Hmac data_id_;
  codec::Hmac tree_id_;
  codec::Hmac description_;
  codec::Hmac slot_;
  codec::Hmac record_chain_;
  Secret chunker_;
  std::uint32_t write_epoch_;
  std::uint64_t node_seed_ = 0;
};

}  // namespace salvor::repo
