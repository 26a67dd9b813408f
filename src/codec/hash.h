#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "base/secret.h"

/// Hashes. sha256() names and proves; an Hmac names chunks without telling what is in them; a
/// checksum finds damage, and proves nothing.
namespace salvor::codec {

/// What SHA-256 and HMAC-SHA-256 yield.
using Digest = std::array<std::byte, 32>;

/// SHA-256 (FIPS 180-4).
Digest sha256(ByteView bytes);

/// SHA-256 over a stream: any number of add(), then finish() once.
/// Threads: one.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();
  void add(ByteView bytes);
  /// The digest of all that was added. To be called once, at the end.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// HMAC-SHA-256 (RFC 2104) under one key.
/// Threads:  digest() any, at the same time.
/// Lifetime: keeps what follows from the key, and wipes it.
/// Cost:     the key's two blocks are hashed once, so a short message costs two compressions.
class Hmac {
 public:
  /// Shape: `key` has any length.
  explicit Hmac(ByteView key);
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;
  ~Hmac();

  Digest digest(ByteView message) const;
  /// The digest of `head` followed by `tail`.
  Digest digest(ByteView head, ByteView tail) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Compares secrets. How long it takes does not tell where they differ; only whether their sizes
/// do.
bool equal_in_constant_time(ByteView a, ByteView b);

/// XXH3-128 in its canonical (big-endian) form: fast, finds damage, proves nothing against an
/// attacker.
using Checksum = std::array<std::byte, 16>;
Checksum checksum(ByteView bytes);

/// The same over a stream: finish() may be called at any time, and the stream goes on.
/// Threads: one.
class ChecksumStream {
 public:
  ChecksumStream();
  ChecksumStream(ChecksumStream&&) noexcept;
  ChecksumStream& operator=(ChecksumStream&&) noexcept;
  ~ChecksumStream();
  void add(ByteView bytes);
  Checksum finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace salvor::codec
