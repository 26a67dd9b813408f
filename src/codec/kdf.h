#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

/// Keys from keys, and keys from passphrases.
namespace salvor::codec {

/// HKDF-SHA-256 (RFC 5869). Errors: none.   Units: out_bytes <= 8160.
Secret hkdf(ByteView key, ByteView salt, std::string_view info, std::size_t out_bytes);

/// Costs of Argon2id (RFC 9106): passes over the memory, and its size.
struct Argon2Cost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 64 * 1024;

  /// What a stored slot may ask for; more is taken for damage, not for work to do.
  static constexpr std::uint32_t kPassesMax = 16;
  static constexpr std::uint32_t kMemoryKibMax = 1024 * 1024;
};

inline constexpr std::size_t kArgon2SaltBytes = 16;

/// 32 bytes from a passphrase. Takes about 0.2 s and cost.memory_kib of memory.
/// Errors: failed, when the memory can't be had.
Secret argon2id(ByteView passphrase, ByteView salt, const Argon2Cost& cost);

}  // namespace salvor::codec
