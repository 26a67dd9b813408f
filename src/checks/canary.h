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

/// Canaries: what a backup says of each store, signed, so that a drill can tell that what it
/// restored is this store of this service, as it was then. It catches the wrong source, and the
/// stale copy.
namespace salvor::checks {

/// The statement about one store; it is fact "canary.<store>" of the point. With `planted` the same
/// nonce lies in the store itself, as a stores::Marker.   A value.
struct Canary {
  enum class Planted { no, yes, failed };

  std::string service;
  std::string store;
  std::string root;  ///< of the snapshot's tree, in hexadecimal digits
  std::string nonce;
  std::string time;
  Planted planted = Planted::no;
};

/// What signs and verifies; of a repository: derive_secret(repository, kCanaryPurpose).
inline constexpr std::string_view kCanaryPurpose = "salvor canary 1";

/// The name of the fact of a store.
std::string canary_fact(std::string_view store);

/// 32 hexadecimal digits that never come again.
std::string canary_nonce(Rng& rng);

/// What is to be planted.
stores::Marker make_marker(const Secret& key, const std::string& service, const std::string& store,
                           const std::string& nonce, Time time);

/// Whether a backup of this repository has made the marker, for that store of that service.
bool is_marker_of(const Secret& key, const stores::Marker& marker, std::string_view service,
                  std::string_view store);

/// The statement as text of one line: "nonce=… time=… planted=yes signature=…".
std::string make_canary(const Secret& key, const Canary& canary);

/// Whether the point says of this store what only a backup can have said, and whether `found`, the
/// copy's marker, is the one that this backup planted. The verdict says which of all that can be
/// wrong is. `skipped`: the point is of a version without canaries, or planting has failed then.
/// `found` is called only when a marker was planted.   Errors: those of `found`.
CheckOutcome check_canary(const Secret& key, const repo::Point& point,
                          const repo::Snapshot& snapshot,
                          const std::function<std::optional<stores::Marker>()>& found);

}  // namespace salvor::checks
