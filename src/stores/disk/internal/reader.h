#pragma once

#include <memory>

#include "base/fd.h"
#include "stores/disk/problems.h"

namespace salvor::stores::disk {

/// What the readers of one source share.   Lifetime: longer than the readers.
struct ReaderContext {
  int root = -1;  ///< the store's root directory
  Clock* clock = nullptr;
  Problems* problems = nullptr;
};

/// Source::open() of the files store.
std::unique_ptr<ContentReader> open_reader(const ReaderContext& context, const Item& item);

}  // namespace salvor::stores::disk
