#pragma once

#include <atomic>
#include <vector>

#include "repo/tree.h"
#include "stores/source.h"

namespace salvor::backup {

/// One announced item on its way into the tree. The thread that works on it owns it until `done`.
struct PendingItem {
  stores::Item item;
  std::uint64_t announced_inode = 0;
  std::vector<repo::Record> records;  ///< taken over from the previous snapshot; else empty
  std::vector<repo::Ref> refs;        ///< complete when done
  bool dropped = false;               ///< vanished, or can't be read: not part of the snapshot
  std::atomic<bool> done{false};
};

}  // namespace salvor::backup
