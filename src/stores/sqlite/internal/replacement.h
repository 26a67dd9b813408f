#pragma once

#include <memory>

#include "stores/sqlite/sqlite.h"

namespace salvor::stores::sqlite {

/// Target::replacement() of the sqlite store.
std::unique_ptr<Replacement> make_replacement(const SqliteTargetOptions& options,
                                              const std::string& run, const std::string& tag);

}  // namespace salvor::stores::sqlite
