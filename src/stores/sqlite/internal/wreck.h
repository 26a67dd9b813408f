#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::stores::sqlite {

/// What SQLite itself can't read: no database, or a damaged one. The sqlite store keeps it as
/// bytes.
class NotReadable : public Error {
 public:
  using Error::Error;
};

/// Whether there is a file with something in it.
bool has_content(const std::filesystem::path& path);

/// Why the file at `database` must not be given to SQLite to be read; empty, when it may be: it is
/// then a database by its first bytes, or empty with nothing beside it, which is a new database.
/// SQLite removes the log and the journal beside an empty file, and they may be all there is.
/// Reads through SQLite's own descriptor: to close any other one would drop all locks that this
/// process has on the file. Changes nothing.
/// Errors: not_found; failed.
std::string wreck_at(const std::filesystem::path& database);

/// The first 16 bytes of a file, or all of them when it is shorter; read as wreck_at() does.
/// Errors: not_found; failed.
Bytes head_of(const std::filesystem::path& database);

/// The same as wreck_at() for a file whose head is known.
std::string wreck_of(ByteView head, const std::filesystem::path& database);

/// Whether a file that is being replaced by a restore in place has its first bytes (poison()).
bool is_being_replaced(const std::filesystem::path& database);

/// Under another of its names a file is another database to SQLite, with a log of its own, and to
/// replace it would destroy it there too.   Errors: refused, when it has several names (hard
/// links).
void require_one_name(const std::filesystem::path& database);

/// Errors: NotReadable, with what wreck_at() says.
void require_readable(const std::filesystem::path& database);

}  // namespace salvor::stores::sqlite
