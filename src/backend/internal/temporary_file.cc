#include "backend/internal/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "backend/internal/medium_error.h"
#include "base/error.h"
#include "base/random.h"

namespace salvor::backend {
namespace {

constexpr const char* kDirectory = "tmp";
constexpr std::string_view kNamePrefix = "put-";
constexpr int kNamesTriedMax = 8;

std::uint64_t links_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_nlink : 0;
}

void remove_if_left_over(int directory, const char* name) {
  const Fd file(openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file && flock(file.get(), LOCK_EX | LOCK_NB) == 0) unlinkat(directory, name, 0);
}

}  // namespace

TemporaryFile::TemporaryFile(DirectoryCache& directories) : directories_(directories) {
  for (int i = 0; i < kNamesTriedMax; ++i) {
    if (try_create()) return;
  }
  throw Error(ErrorCode::unreachable, "cannot create a file in " +
                                          printable(directories.full_path(kDirectory)) +
                                          ": it is removed again and again")
      .as_retryable();
}

/// False when somebody removed the file, or its directory, before it was locked.
bool TemporaryFile::try_create() {
  directory_ = directories_.make(kDirectory);
  if (!directory_) return false;
  name_ = std::string(kNamePrefix) + std::to_string(Rng::system().next_u64());
  file_ = Fd(openat(directory(), name_.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_) {
    const int error = errno;
    if (error == ENOENT) directories_.drop_if_stale(kDirectory, directory_);
    if (error == ENOENT || error == EEXIST) return false;
    throw_write_error("cannot create", directories_.full_path(kDirectory) + "/" + name_, error);
  }
  // On a file system without locks no process takes it for a left-over either.
  while (flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  return links() > 0;
}

TemporaryFile::~TemporaryFile() {
  if (!name_.empty() && file_) unlinkat(directory(), name_.c_str(), 0);
}

std::uint64_t TemporaryFile::links() const {
  return links_of(file_.get());
}

void TemporaryFile::remove_leftovers(DirectoryCache& directories) {
  const DirectoryCache::Handle directory = directories.find(kDirectory);
  if (!directory) return;
  Fd fd(openat(directory->fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(fd.get()), closedir);
  if (!entries) return;
  fd.release();
  while (const dirent* entry = readdir(entries.get())) {
    if (std::string_view(entry->d_name).starts_with(kNamePrefix)) {
      remove_if_left_over(directory->fd.get(), entry->d_name);
    }
  }
}

}  // namespace salvor::backend
