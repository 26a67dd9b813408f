#pragma once

#include <string>

namespace salvor::stores {

/// What a backup writes into a live store, so that a restore can be checked against it: is this the
/// right store, at the right moment? To the store itself it means nothing (checks/canary.h). A
/// value.
/// Shape: no member has a line break, or more than kMarkerBytesMax bytes.
struct Marker {
  std::string service;
  std::string store;
  std::string nonce;
  std::string time;
  std::string signature;

  bool operator==(const Marker&) const = default;
};

inline constexpr std::size_t kMarkerBytesMax = 256;

}  // namespace salvor::stores
