#pragma once

#include <vector>

#include "codec/signature.h"
#include "repo/internal/keys.h"
#include "repo/internal/signed_entry.h"

/// What the log of a vault is sealed and signed with (docs/vaults.md, "Keys").
namespace salvor::repo {

/// The keys of a vault's log for one author: a holder of the key ring, or a granted host.
/// Threads: any.
class LogKeys : public ObjectKeys {
 public:
  /// As a granted host. `seals`: the log key of each epoch, epoch 0 first; `signing_seed` is the
  /// host's own secret.
  LogKeys(const LogId& log, std::vector<Secret> seals, ByteView signing_seed);

  /// As a holder of the key ring, who has full rights.
  static LogKeys of_full(const KeyRing& ring, const VaultId& vault);

  const LogId& log() const { return log_; }

  /// What signs entries in that epoch: a granted host has one key for all.
  const codec::SigningKey& signing_key(std::uint32_t epoch) const;
  AuthorKey author(std::uint32_t epoch) const;

  ByteView owner() const override { return owner_; }
  std::uint32_t epoch() const override { return static_cast<std::uint32_t>(seals_.size() - 1); }
  std::size_t epochs() const override { return seals_.size(); }
  Secret object_key(std::uint32_t epoch, ByteView salt) const override;

 private:
  LogId log_;
  Bytes owner_;
  std::vector<Secret> seals_;
  std::vector<codec::SigningKey> signing_keys_;  ///< one, or one an epoch
};

/// The key from which all keys of a vault follow, of one epoch.
Secret vault_key(const KeyRing& ring, std::uint32_t epoch, const VaultId& vault);

/// What the entries of its log are sealed with, from that key.
Secret log_seal(ByteView vault_key, const VaultId& vault);

}  // namespace salvor::repo
