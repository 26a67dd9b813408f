#include "codec/chunker.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "codec/kdf.h"

namespace salvor::codec {
namespace {

/// After this many steps the gear hash has shifted a byte out of its 64 bits.
constexpr std::size_t kWindow_bytes = 64;

/// The top `bits` bits: those that the most bytes of the window have reached.
constexpr std::uint64_t top_bits(int bits) {
  return ~0ULL << (64 - bits);
}

/// Rolls from `at` until a cut or `end`.
std::size_t roll(const std::uint64_t* gear, const std::byte* data, std::size_t at, std::size_t end,
                 std::uint64_t mask, std::uint64_t& hash, bool& found) {
  std::uint64_t h = hash;
  while (at < end) {
    h = (h << 1U) + gear[std::to_integer<std::size_t>(data[at])];
    ++at;
    if ((h & mask) == 0) {
      found = true;
      break;
    }
  }
  hash = h;
  return at;
}

}  // namespace

Chunker::Chunker(ByteView key, const ChunkerLimits& limits) : limits_(limits) {
  SALVOR_ASSERT(key.size() == kKeyBytes);
  SALVOR_ASSERT(kWindow_bytes < limits.min_bytes && limits.min_bytes < limits.normal_bytes &&
                limits.normal_bytes < limits.max_bytes && std::has_single_bit(limits.normal_bytes));
  const Secret table = hkdf(key, {}, "salvor gear table", sizeof gear_);
  for (std::size_t i = 0; i < gear_.size(); ++i) {
    std::uint64_t value = 0;
    for (std::size_t byte = 8; byte-- > 0;) {
      value = value << 8U | std::to_integer<unsigned>(table.view()[8 * i + byte]);
    }
    gear_[i] = value;
  }
}

std::size_t Chunker::first_chunk(ByteView data) const {
  if (data.size() <= limits_.min_bytes) return data.size();
  const std::size_t end = std::min(data.size(), limits_.max_bytes);
  const std::size_t normal = std::min(end, limits_.normal_bytes);
  const int normal_bits = std::countr_zero(limits_.normal_bytes);
  const std::uint64_t* gear = gear_.data();
  std::uint64_t hash = 0;
  std::size_t at = limits_.min_bytes - kWindow_bytes;
  for (; at < limits_.min_bytes; ++at) {
    hash = (hash << 1U) + gear[std::to_integer<std::size_t>(data[at])];
  }
  bool found = false;
  at = roll(gear, data.data(), at, normal, top_bits(normal_bits + 1), hash, found);
  if (found) return at;
  return roll(gear, data.data(), at, end, top_bits(normal_bits - 1), hash, found);
}

}  // namespace salvor::codec
