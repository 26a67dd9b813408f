#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/io.h"
#include "base/random.h"

namespace salvor {
namespace {

/// Fills `out` from the start of the file; the count is less only at its end.
std::size_t read_whole(const std::filesystem::path& path, MutableByteView out) {
  const Fd fd = open_file(path, O_RDONLY);
  return read_some(fd.get(), out, path.native());
}

std::uint64_t file_size(const std::filesystem::path& path, std::uint64_t bytes_max) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw_system_error("cannot open", path.native(), errno);
  if (S_ISDIR(status.st_mode)) throw_system_error("cannot read", path.native(), EISDIR);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > bytes_max) {
    throw Error(ErrorCode::failed, "cannot read " + printable(path.native()) + ": " +
                                       std::to_string(size) + " bytes, expected at most " +
                                       std::to_string(bytes_max));
  }
  return size;
}

}  // namespace

void Fd::close() {
  if (fd_ < 0) return;
  // The caller may report errno of an earlier call: keep it.
  const int error = errno;
  ::close(std::exchange(fd_, -1));
  errno = error;
}

Fd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  const int fd = retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) throw_system_error("cannot open", path.native(), errno);
  return Fd(fd);
}

std::size_t read_some(int fd, MutableByteView out, std::string_view path) {
  const ssize_t count = read_whole(fd, out);
  if (count < 0) throw_system_error("cannot read", path, errno);
  return static_cast<std::size_t>(count);
}

std::size_t pread_some(int fd, MutableByteView out, std::uint64_t offset, std::string_view path) {
  const ssize_t count = pread_whole(fd, out, offset);
  if (count < 0) throw_system_error("cannot read", path, errno);
  return static_cast<std::size_t>(count);
}

void write_all(int fd, ByteView bytes, std::string_view path) {
  if (!write_whole(fd, bytes)) throw_system_error("cannot write", path, errno);
}

void pwrite_all(int fd, ByteView bytes, std::uint64_t offset, std::string_view path) {
  if (!pwrite_whole(fd, bytes, offset)) throw_system_error("cannot write", path, errno);
}

void set_size(int fd, std::uint64_t bytes, std::string_view path) {
  if (retried([&] { return ::ftruncate(fd, static_cast<off_t>(bytes)); }) != 0) {
    throw_system_error("cannot set the size of", path, errno);
  }
}

void sync_file(int fd, std::string_view path) {
  if (retried([&] { return ::fsync(fd); }) != 0) {
    throw_system_error("cannot make durable", path, errno);
  }
}

void sync_file_system(int fd, std::string_view path) {
  if (retried([&] { return ::syncfs(fd); }) != 0) {
    throw_system_error("cannot make durable", path, errno);
  }
}

void sync_directory(const std::filesystem::path& path) {
  const Fd fd = open_file(path, O_RDONLY | O_DIRECTORY);
  sync_file(fd.get(), path.native());
}

Bytes read_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
  Bytes bytes(file_size(path, bytes_max));
  bytes.resize(read_whole(path, bytes));
  return bytes;
}

Secret read_secret_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
  Secret bytes(file_size(path, bytes_max));
  const std::size_t count = read_whole(path, bytes.mutable_view());
  if (count < bytes.size()) return Secret(bytes.view().first(count));
  return bytes;
}

void write_file_atomically(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  const std::filesystem::path temporary =
      path.native() + ".tmp-" + std::to_string(Rng::system().next_u64());
  try {
    const Fd fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    write_all(fd.get(), bytes, temporary.native());
    sync_file(fd.get(), temporary.native());
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      throw_system_error("cannot rename to", path.native(), errno);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

void make_private_directories(const std::filesystem::path& path) {
  if (path.empty() || std::filesystem::is_directory(path)) return;
  make_private_directories(path.parent_path());
  if (::mkdir(path.c_str(), 0700) == 0) return;
  const int error = errno;
  // Another process may have made it meanwhile, or the name may be a file.
  if (error == EEXIST && std::filesystem::is_directory(path)) return;
  throw_system_error("cannot create directory", path.native(), error);
}

TemporaryDirectory::TemporaryDirectory(const std::filesystem::path& parent,
                                       std::string_view prefix) {
  std::string name = parent / (std::string(prefix) + "XXXXXX");
  if (::mkdtemp(name.data()) == nullptr) {
    throw_system_error("cannot create a directory in", parent.native(), errno);
  }
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace salvor
