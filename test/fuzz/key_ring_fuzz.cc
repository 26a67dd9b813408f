#include <algorithm>

#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/keys.h"

/// Any bytes as a key ring, as they come out of a slot: read, and good for keys, or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  repo::KeyRing ring;
  try {
    ring = repo::KeyRing::decode(fuzz::input(data, size));
  } catch (const Error&) {
    return 0;
  }
  const Secret once = ring.encode();
  const repo::KeyRing again = repo::KeyRing::decode(once.view());
  const Secret twice = again.encode();
  SALVOR_ASSERT(
      std::equal(once.view().begin(), once.view().end(), twice.view().begin(), twice.view().end()));
  const repo::Keys keys(std::move(ring));
  SALVOR_ASSERT(keys.epoch() + 1 == again.roots.size());
  return 0;
}
