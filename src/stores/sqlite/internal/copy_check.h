#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

namespace salvor::stores::sqlite {

/// What SQLite says of a copy.
struct CopyVerdict {
  std::string quick_check;  ///< "ok", the first problem, or "not run: " and why it can't be asked
  bool damaged = false;     ///< it is the first problem
  /// How many rows break a foreign key, counted up to kForeignKeyRowsMax; -1: can't be asked.
  std::int64_t foreign_key_rows = -1;
};

inline constexpr std::int64_t kForeignKeyRowsMax = 10'000;

/// Asks the database that an open file is, which need not have a name. Nothing is written, and
/// nothing beside it is looked at.   Errors: cancelled; else none: what can't be asked is told.
CopyVerdict check_copy(int fd, const std::stop_token& stop);

}  // namespace salvor::stores::sqlite
