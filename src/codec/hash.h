#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "base/secret.h"

/// Hashes, keyed and not.
namespace salvor::codec {

using Digest = std::array<std::byte, 32>;

/// SHA-256 (FIPS 180-4).
Digest sha256(ByteView bytes);

/// The same over a stream. Threads: one.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();
  void add(ByteView bytes);
  /// Once, at the end.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// HMAC-SHA-256 (RFC 2104) under one key, prepared once.
/// Threads: digest() any, at the same time.   Cost: the key's two blocks are hashed only once, so a
/// short message costs two compressions.
class Hmac {
 public:
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

/// Compares without telling by its duration where they differ.
bool equal_in_constant_time(ByteView a, ByteView b);

/// XXH3-128 in its canonical (big-endian) form: finds damage, proves nothing against an attacker.
using Checksum = std::array<std::byte, 16>;
Checksum checksum(ByteView bytes);

/// The same over a stream. Threads: one.
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
