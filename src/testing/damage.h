#pragma once

#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/seeded_rng.h"

/// What every reader of foreign bytes must stand.   Threads: plain functions.
namespace salvor::testing {

/// Whether damage must show, or may leave bytes that can be read as something else.
enum class Damage { always_found, may_pass };

/// One damaged input. `parse` is a callable that takes a ByteView, and throws Error for what it
/// can't read: corruption, or configuration for what looks like a newer version.
template <class Parse>
void expect_reads_or_refuses(const Bytes& damaged, const Parse& parse, Damage damage,
                             const std::string& what) {
  try {
    parse(ByteView(damaged));
    EXPECT_EQ(damage, Damage::may_pass) << what << " was not noticed";
  } catch (const Error& error) {
    const bool allowed = error.code() == ErrorCode::corruption ||
                         (damage == Damage::may_pass && error.code() == ErrorCode::configuration);
    EXPECT_TRUE(allowed) << what << ": " << error.message();
  }
}

/// Cuts `good` at every length (of long inputs at a sample), adds to it, flips each bit of a sample
/// of its bytes, and overwrites stretches at random.
template <class Parse>
void expect_survives_damage(const Bytes& good, const Parse& parse, Damage damage,
                            std::uint64_t seed) {
  parse(ByteView(good));
  SeededRng rng(seed);
  const std::size_t step = good.size() / 2000 + 1;
  for (std::size_t size = 0; size < good.size(); size += step) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    expect_reads_or_refuses(cut, parse, damage, "cut at byte " + std::to_string(size));
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  expect_reads_or_refuses(longer, parse, damage, "a byte after the end");
  for (std::size_t at = 0; at < good.size(); at += step) {
    Bytes flipped = good;
    flipped[at] ^= static_cast<std::byte>(1U << rng.below(8));
    expect_reads_or_refuses(flipped, parse, damage, "flipped byte " + std::to_string(at));
  }
  for (int i = 0; i < 300 && !good.empty(); ++i) {
    Bytes overwritten = good;
    const std::size_t start = rng.below(good.size());
    const std::size_t count = 1 + rng.below(std::min<std::size_t>(good.size() - start, 40));
    rng.fill(MutableByteView(overwritten).subspan(start, count));
    if (overwritten == good) continue;
    expect_reads_or_refuses(overwritten, parse, damage, "overwritten at " + std::to_string(start));
  }
}

}  // namespace salvor::testing
