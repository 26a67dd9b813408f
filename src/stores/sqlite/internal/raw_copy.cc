#include "stores/sqlite/internal/raw_copy.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/exchange.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/file_locks.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRawBlockBytes = 256 << 10;
constexpr std::uint64_t kRawFlushBytes = 16 << 20;

/// Yields nothing where the locks are held by this process already, or are not to be had by this
/// user.
std::shared_ptr<FileLocks> lock_out_writers(const CopyOptions& options) {
  const fs::path real = disk::real_place(options.database);
  const auto held = held_locks(real);
  if (held && held->locks) return nullptr;
  LockWait wait(options.clock, options.lock_wait_ms_max);
  try {
    return acquire_writers(real, wait);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::failed) throw;
    return nullptr;
  }
}

/// `read` fills a buffer from an offset on, and says how much it had.
template <class Read>
void copy_content(std::uint64_t bytes, Spool& spool, const Read& read) {
  spool.require_free(bytes);
  Bytes buffer(kRawBlockBytes);
  std::uint64_t unflushed = 0;
  for (std::uint64_t offset = 0;;) {
    const std::size_t count = read(MutableByteView(buffer), offset);
    if (count == 0) break;
    pwrite_all(spool.fd(), ByteView(buffer).first(count), offset, spool.directory().native());
    offset += count;
    if ((unflushed += count) < kRawFlushBytes) continue;
    spool.flush();
    unflushed = 0;
  }
}

/// Through SQLite's descriptor: see wreck_at().
void copy_database_file(const fs::path& database, Spool& spool) {
  Connection source(database);
  const std::uint64_t bytes = source.file_bytes();
  copy_content(bytes, spool, [&](MutableByteView buffer, std::uint64_t offset) {
    const std::uint64_t left = bytes - std::min(bytes, offset);
    const std::size_t count = std::min<std::uint64_t>(left, buffer.size());
    if (count > 0) source.read_file(buffer.first(count), offset);
    return count;
  });
}

void copy_beside(const fs::path& path, std::uint64_t bytes, Spool& spool) {
  const Fd fd = open_file(path, O_RDONLY | O_NOFOLLOW);
  copy_content(bytes, spool, [&](MutableByteView buffer, std::uint64_t offset) {
    return pread_some(fd.get(), buffer, offset, path.native());
  });
}

}  // namespace

std::vector<RawFile> copy_raw(const CopyOptions& options, const fs::path& spool) {
  const std::shared_ptr<FileLocks> locks = lock_out_writers(options);
  std::vector<RawFile> files;
  for (const char* suffix : {"", "-journal", "-wal"}) {
    const fs::path path = disk::real_place(options.database).native() + suffix;
    struct stat status {};
    if (*suffix != '\0' && (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))) {
      continue;
    }
    RawFile file{suffix, entry_of(path), std::make_unique<Spool>(spool)};
    file.content->close_database();
    if (*suffix == '\0') {
      copy_database_file(path, *file.content);
    } else {
      copy_beside(path, file.entry.size, *file.content);
    }
    file.content->flush();
    // Somebody may write to it in his own way: what was read is what counts.
    file.entry.racy = true;
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace salvor::stores::sqlite
