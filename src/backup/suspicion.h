#pragma once

#include <optional>

#include "repo/point.h"

/// Whether a snapshot can be what its store was: a backup of ruins is not a good backup.
namespace salvor::backup {

/// What a snapshot is measured by.
struct SuspicionLimits {
  std::optional<int> shrink_percent;  ///< a fall of bytes or entries beyond it; empty: off
};

/// Measures `now` against `before`, the same store in the last point that was good (null: there is
/// none), and adds what it finds to the suspicions of `now`. What `before` had too, as a suspicion
/// or as a remark, becomes a remark.
/// Shape:   before->store == now.store.   Errors: none.
void judge(repo::Snapshot& now, const repo::Snapshot* before, const SuspicionLimits& limits);

}  // namespace salvor::backup
