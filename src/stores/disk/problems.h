#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "stores/source.h"

namespace salvor::stores::disk {

/// Where the threads of a source write down what they could not protect.
/// Threads: any.   Lifetime: longer than those who write.
class Problems {
 public:
  void add(Bytes key, std::string reason) {
    const std::lock_guard lock(mutex_);
    list_.push_back({std::move(key), std::move(reason)});
  }

  void add_changed_kind(Bytes key) {
    const std::lock_guard lock(mutex_);
    list_.push_back({std::move(key), "it became another kind of file while it was read", true});
  }

  std::vector<Problem> list() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Problem> list_;
};

}  // namespace salvor::stores::disk
