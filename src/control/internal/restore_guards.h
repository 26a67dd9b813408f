#pragma once

#include <filesystem>
#include <vector>

#include "config/config.h"
#include "repo/point.h"

/// What is refused before a restore touches anything.
namespace salvor::control::internal {

struct RestoreTarget {
  const repo::Snapshot* snapshot = nullptr;
  std::filesystem::path path;  ///< absolute
};

/// Errors: configuration: a type of store that this version does not know; refused: a target that
/// has content (without delta), that is, holds or lies in live data, that lies in the repository or
/// around it, or whose file system has too little space (without delta).
void guard_restore(const config::Config& config, const std::vector<RestoreTarget>& targets,
                   bool delta);

}  // namespace salvor::control::internal
