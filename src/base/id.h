#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace salvor {

/// A fixed-size identifier whose `Tag` makes it a type of its own, so that a pack's id can't be
/// passed for a chunk's. An id that nobody has set is all zeros. A value; ordered by its bytes.
///     using PackId = Id<struct PackTag, 16>;
/// Shape: kSize bytes; as text 2 * kSize lower-case hexadecimal digits.
template <class Tag, std::size_t Size>
class Id {
 public:
  static constexpr std::size_t kSize = Size;

  Id() = default;
  explicit Id(std::span<const std::byte, Size> bytes) {
    std::memcpy(bytes_.data(), bytes.data(), Size);
  }

  /// Reads the text form. Empty for any other text, also for upper-case digits.
  static std::optional<Id> parse(std::string_view hex) {
    Id id;
    if (!from_hex(hex, id.bytes_)) return std::nullopt;
    return id;
  }

  std::span<const std::byte, Size> bytes() const { return bytes_; }
  std::span<std::byte, Size> mutable_bytes() { return bytes_; }
  std::string hex() const { return to_hex(bytes_); }
  /// Whether nobody has set it. No random id is zero.
  bool is_zero() const { return *this == Id{}; }

  auto operator<=>(const Id&) const = default;
  bool operator==(const Id&) const = default;

 private:
  std::array<std::byte, Size> bytes_{};
};

/// The hash of an id for unordered containers: its first bytes. Ids are random, or keyed hashes, so
/// these bytes are as good as any hash of them.
struct IdHash {
  template <class Tag, std::size_t Size>
  std::size_t operator()(const Id<Tag, Size>& id) const {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes().data(), sizeof value);
    return value;
  }
};

}  // namespace salvor
