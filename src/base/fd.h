#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/secret.h"

/// Files by descriptor. Each function here either does the whole of its task or throws an Error
/// that names `path`; base/io.h has the same calls with errno, for callers that decide by errno.
/// `path` is for the message only, where a descriptor is given.
/// Errors:  no_space, not_found, failed, as throw_system_error() chooses.
/// Threads: any.
namespace salvor {

/// Owns an open file descriptor. Move only.
/// Lifetime: the destructor closes the descriptor, and leaves errno alone. It can't report that a
///           close failed: what must be kept is made durable by sync_file(), or closed by
///           close_written().
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  /// Gives the descriptor away: the caller closes it.
  int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// Opens a file with O_CLOEXEC added, so that no command inherits it.
Fd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// Fills `out`, from the descriptor's position or from `offset`.
/// Shape: the number of bytes; it is less than out.size() only at the end of the file.
std::size_t read_some(int fd, MutableByteView out, std::string_view path);
std::size_t pread_some(int fd, MutableByteView out, std::uint64_t offset, std::string_view path);

/// Writes every byte. After an error some of them may have been written.
void write_all(int fd, ByteView bytes, std::string_view path);
void pwrite_all(int fd, ByteView bytes, std::uint64_t offset, std::string_view path);

/// Gives a file its size: cuts it off, or extends it by a hole.
void set_size(int fd, std::uint64_t bytes, std::string_view path);

/// Makes the content of an open file durable; sync_directory() the names in a directory;
/// sync_file_system() all that is on the file system of `fd`. A new file survives a loss of power
/// only when both it and its directory were made durable.
void sync_file(int fd, std::string_view path);
void sync_directory(const std::filesystem::path& path);
void sync_file_system(int fd, std::string_view path);

/// The whole content of a small regular file. Its size is asked first, so a pipe and a file of
/// /proc seem to be empty: read those with read_some().
/// Errors: failed, when it has more than `bytes_max` bytes, or is a directory.
Bytes read_file(const std::filesystem::path& path, std::uint64_t bytes_max);

/// The same as read_file() for a secret: its bytes never lie in memory that is not wiped.
Secret read_secret_file(const std::filesystem::path& path, std::uint64_t bytes_max);

/// Replaces the content of `path`. After a crash the file holds either the old or the new content,
/// and the new one is durable when this returns. The file gets the mode `mode`, and the owner of
/// this process.
void write_file_atomically(const std::filesystem::path& path, ByteView bytes, mode_t mode = 0600);

/// Creates the directories that are missing on the way to `path`, with mode 0700. Those that are
/// there stay as they are. It makes nothing durable.
void make_private_directories(const std::filesystem::path& path);

/// A new directory of mode 0700 under `parent`.
/// Lifetime: the destructor removes it with all in it; it says nothing when it can't.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& parent,
                              std::string_view prefix = "salvor-");
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace salvor
