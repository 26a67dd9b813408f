#include "base/error.h"
#include "fixed_keys.h"
#include "repo/point.h"

/// Any bytes as the description of a recovery point: decoded to something that means the same when
/// it is encoded, or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  repo::Point point;
  try {
    point = repo::decode_point(fuzz::input(data, size));
  } catch (const Error&) {
    return 0;
  }
  SALVOR_ASSERT(repo::decode_point(repo::encode(point)) == point);
  return 0;
}
