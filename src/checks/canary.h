#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "checks/checks.h"
#include "repo/point.h"
#include "stores/marker.h"

/// Canaries: what a backup says of each store, signed, so that a drill can tell that the data it
/// has restored is this store of this service, as it was then. A canary catches the wrong source
/// and the stale copy, which every other check may pass.
///     // A backup, when it begins, and when it knows the root of the store's tree:
///     plant(make_marker(key, service, store, nonce, time));
///     point.facts[canary_fact(store)] = make_canary(key, canary);
///     // A drill:
///     check_canary(key, point, snapshot, [&] { return target.marker(stop); });
namespace salvor::checks {

/// The statement about one store. It is the fact canary_fact(store) of the point. When it is
/// `planted`, the same nonce lies in the store itself, in a stores::Marker. A value.
struct Canary {
  /// Whether the nonce lies in the store: `no` when the configuration did not ask for it, `failed`
  /// when the backup could not write there.
  enum class Planted { no, yes, failed };

  std::string service;
  std::string store;
  std::string root;  ///< of the snapshot's tree, in hexadecimal digits
  std::string nonce;
  std::string time;
  Planted planted = Planted::no;
};

/// The key that signs and verifies is derive_secret(repository, kCanaryPurpose): whoever holds the
/// repository's key has it.
inline constexpr std::string_view kCanaryPurpose = "salvor canary 1";

/// The name of a store's fact in a point: "canary.STORE".
std::string canary_fact(std::string_view store);

/// What ties a marker to its statement: 32 hexadecimal digits that never come again.
std::string canary_nonce(Rng& rng);

/// The signed marker that is to be planted in a store.
stores::Marker make_marker(const Secret& key, const std::string& service, const std::string& store,
                           const std::string& nonce, Time time);

/// Whether a backup of this repository has made the marker, for that store of that service.
bool is_marker_of(const Secret& key, const stores::Marker& marker, std::string_view service,
                  std::string_view store);

/// The signed statement as text of one line: "nonce=… time=… planted=yes signature=…".
std::string make_canary(const Secret& key, const Canary& canary);

/// Judges two things: whether the point says of this store what only a backup can have said, and
/// whether the copy's marker is the one that this backup planted. `actual` of the verdict says what
/// is wrong: missing, forged, of another service or store, older, newer. It is `skipped` when the
/// point has no canary (an older version made it), or when none was planted. `found` reads the
/// copy's marker; it is called only when one was planted.
/// Errors: those of `found`.
CheckOutcome check_canary(const Secret& key, const repo::Point& point,
                          const repo::Snapshot& snapshot,
                          const std::function<std::optional<stores::Marker>()>& found);

}  // namespace salvor::checks
