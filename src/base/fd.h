#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/secret.h"

namespace salvor {

/// An open file descriptor, closed when it goes. Move only.
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
  int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// Opens with O_CLOEXEC, or throws.
Fd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// Reads up to out.size() bytes, less only at the end of the file; EINTR is retried.
std::size_t read_some(int fd, MutableByteView out, std::string_view path);
std::size_t pread_some(int fd, MutableByteView out, std::uint64_t offset, std::string_view path);

/// Writes every byte, or throws.
void write_all(int fd, ByteView bytes, std::string_view path);
void pwrite_all(int fd, ByteView bytes, std::uint64_t offset, std::string_view path);

/// Gives a file its size: cut off, or extended by a hole.
void set_size(int fd, std::uint64_t bytes, std::string_view path);

/// Makes a file's content, or a directory's entries, durable; the last one all of its file system.
void sync_file(int fd, std::string_view path);
void sync_directory(const std::filesystem::path& path);
void sync_file_system(int fd, std::string_view path);

/// The whole content of a small file; refuses more than `bytes_max`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t bytes_max);

/// The same for a secret: never lies in memory that is not wiped.
Secret read_secret_file(const std::filesystem::path& path, std::uint64_t bytes_max);

/// Replaces `path` so that after a crash it holds either the old or the new content.
void write_file_atomically(const std::filesystem::path& path, ByteView bytes, mode_t mode = 0600);

/// Creates directories with 0700 where they are missing.
void make_private_directories(const std::filesystem::path& path);

/// A directory that is removed, with all in it, when the object goes. Made 0700 under `parent`.
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
