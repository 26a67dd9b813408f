#pragma once

#include <filesystem>
#include <string_view>

namespace salvor::stores::sqlite {

/// What poison() puts at the head of a file.
inline constexpr std::string_view kPoison = "replaced: salvor";

/// Brings all that the log and the journal hold into the database file, so that it stands alone:
/// commits that are only in the -wal file, and the way back that a killed writer left. To be called
/// only while FileLocks::claim() holds: SQLite takes no locks here.
/// False when it is no database, or too damaged for that.
/// Errors: no_space; failed.
bool make_stand_alone(const std::filesystem::path& database);

/// Makes a database that was replaced useless for connections that still have it open, after a
/// claim: they get SQLITE_NOTADB in place of writing to a file that nobody will look at again.
/// What is overwritten is kept in `<workplace>/header-<inode>`, durably before.   Errors: failed.
void poison(const std::filesystem::path& database, const std::filesystem::path& workplace);

/// The reverse, to the byte, with its modification time; nothing when it was not poisoned.
void unpoison(const std::filesystem::path& database, const std::filesystem::path& workplace);

}  // namespace salvor::stores::sqlite
