#include "repo/internal/log_keys.h"

#include "base/error.h"
#include "codec/kdf.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kDerivedBytes = 32;

/// Holders of one epoch's root key are one author: the log tells hosts apart by what they write.
Secret full_signing_seed(const KeyRing& ring, std::uint32_t epoch) {
  return codec::hkdf(ring.roots.at(epoch).view(), ring.repository.bytes(), "salvor log signature",
                     kDerivedBytes);
}

}  // namespace

LogKeys::LogKeys(const LogId& log, std::vector<Secret> seals, ByteView signing_seed)
    : log_(log), owner_(to_bytes(log.repository.bytes())), seals_(std::move(seals)) {
  const auto vault = log.vault.bytes();
  owner_.insert(owner_.end(), vault.begin(), vault.end());
  signing_keys_.emplace_back(signing_seed);
}

LogKeys LogKeys::of_full(const KeyRing& ring, const VaultId& vault) {
  std::vector<Secret> seals;
  std::vector<codec::SigningKey> signing_keys;
  for (std::uint32_t epoch = 0; epoch < ring.roots.size(); ++epoch) {
    const Secret from = vault_key(ring, epoch, vault);
    seals.push_back(log_seal(from.view(), vault));
    signing_keys.emplace_back(full_signing_seed(ring, epoch).view());
  }
  LogKeys keys({ring.repository, vault}, std::move(seals), full_signing_seed(ring, 0).view());
  keys.signing_keys_ = std::move(signing_keys);
  return keys;
}

const codec::SigningKey& LogKeys::signing_key(std::uint32_t epoch) const {
  return signing_keys_.size() == 1 ? signing_keys_.front() : signing_keys_.at(epoch);
}

AuthorKey LogKeys::author(std::uint32_t epoch) const {
  return AuthorKey(ByteView(signing_key(epoch).public_key()).first<AuthorKey::kSize>());
}

Secret LogKeys::object_key(std::uint32_t epoch, ByteView salt) const {
  if (epoch >= seals_.size()) {
    throw Error(ErrorCode::configuration,
                "found a log entry of key epoch " + std::to_string(epoch) +
                    ", but these keys end at epoch " + std::to_string(seals_.size() - 1),
                "another host has rotated the keys: run it again with the keys that it has left");
  }
  return codec::hkdf(seals_[epoch].view(), salt, "salvor object", kDerivedBytes);
}

Secret vault_key(const KeyRing& ring, std::uint32_t epoch, const VaultId& vault) {
  return codec::hkdf(ring.roots.at(epoch).view(), vault.bytes(), "salvor vault", kDerivedBytes);
}

Secret log_seal(ByteView vault_key, const VaultId& vault) {
  return codec::hkdf(vault_key, vault.bytes(), "salvor log", kDerivedBytes);
}

}  // namespace salvor::repo
