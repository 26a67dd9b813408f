#pragma once

#include <string>

namespace salvor::stores {

/// What a backup writes into a live store, so that who restores it can tell that it is the right
/// one, and of the right moment. To a store it means nothing.   Shape: no member has a line break,
/// or more than kMarkerBytesMax bytes. A value.
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
