#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "config/config.h"
#include "control/caller.h"

/// The verb `diff`: how two recovery points differ.
namespace salvor::control {

/// How a path differs between two points.
enum class Change { added, removed, modified, metadata };

/// One path that differs. A value.
/// Units: bytes of content.
struct DiffEntry {
  std::string store;
  Change change = Change::added;
  Bytes key;
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;
};

/// What differs, in order of stores and keys. Times of change and inode numbers do not count.
/// `service`: as of PointStore.
void diff_points(const config::Config& config, const std::string& before, const std::string& after,
                 const std::string& service, const Caller& caller,
                 const std::function<void(const DiffEntry&)>& visit);

/// One line, so that a list of any length can be written as it comes.
std::string to_json(const DiffEntry& entry);

}  // namespace salvor::control
