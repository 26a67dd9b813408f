#pragma once

#include <optional>

#include "repo/point.h"

/// Whether a snapshot can be what its store was: a backup of ruins is not a good backup. A suspect
/// point is kept, but it does not count as a good one.
namespace salvor::backup {

/// By what a snapshot is measured. A value.
struct SuspicionLimits {
  /// How far the number of entries or bytes may fall between two points, in percent; empty: any
  /// fall is right.
  std::optional<int> shrink_percent;
  /// The service has no recovery point yet, of any host: a store may have nothing in it.
  bool is_first_point = false;
};

/// Compares `now` with `before`, the same store in the last point that was good, and adds what it
/// finds to the suspicions of `now`: the store is empty, it shrank beyond the limit, or its file
/// system is not mounted. With no `before` (null) there is nothing to compare: then a store without
/// any content is suspect, unless the service has no point yet. The marker that a backup plants is
/// no content. A suspicion that
/// `before` had too, as a suspicion or as a remark, becomes a remark: a user who has seen it once
/// is not told again.
/// Shape:  before->store == now.store.
/// Errors: none.
void judge(repo::Snapshot& now, const repo::Snapshot* before, const SuspicionLimits& limits);

}  // namespace salvor::backup
