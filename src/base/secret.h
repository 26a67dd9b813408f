#pragma once

#include <utility>

#include "base/bytes.h"

namespace salvor {

/// Bytes that are wiped when they go: keys and passphrases. Move only, so that no copy is left
/// behind by accident. Hand out view(), and never put it into a string or a message.
/// Threads:  a value.
/// Lifetime: the destructor, and a move into it, wipe what it held.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : bytes_(size) {}
  explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    wipe();
    bytes_ = std::exchange(other.bytes_, {});
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  /// A second one, where two owners are meant.
  Secret clone() const { return Secret(view()); }
  ByteView view() const { return bytes_; }
  MutableByteView mutable_view() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  /// Overwrites the bytes in a way that the compiler can't leave out.
  void wipe();

  Bytes bytes_;
};

}  // namespace salvor
