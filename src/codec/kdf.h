#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

/// Keys from keys (hkdf), and keys from passphrases (argon2id).
namespace salvor::codec {

/// HKDF-SHA-256 (RFC 5869): one key gives any number of keys, which `info` tells apart. It is fast,
/// so `key` must be random: a passphrase goes through argon2id() first.
/// Units:  out_bytes <= 8160; more ends the process.
/// Errors: none.
Secret hkdf(ByteView key, ByteView salt, std::string_view info, std::size_t out_bytes);

/// Costs of Argon2id (RFC 9106). Whoever guesses a passphrase pays them for each guess. A key slot
/// keeps those that it was made with.
struct Argon2Cost {
  /// How often the memory is gone through.
  std::uint32_t passes = 3;
  /// How much memory that is.
  std::uint32_t memory_kib = 64 * 1024;

  /// What a stored slot may ask for. More is taken for damage, not for work to do.
  static constexpr std::uint32_t kPassesMax = 16;
  static constexpr std::uint32_t kMemoryKibMax = 1024 * 1024;
};

/// How long the salt is; any other length ends the process.
inline constexpr std::size_t kArgon2SaltBytes = 16;

/// Derives a key of 32 bytes from a passphrase. It is slow on purpose: about 0.2 s at the usual
/// cost.
/// Memory:  cost.memory_kib KiB.
/// Errors:  failed, when that memory can't be had.
/// Threads: any; blocks.
Secret argon2id(ByteView passphrase, ByteView salt, const Argon2Cost& cost);

}  // namespace salvor::codec
