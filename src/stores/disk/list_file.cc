#include "stores/disk/list_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10U;
/// An entry has at most 65,536 attributes; more than this in one item is damage.
constexpr std::uint32_t kItemBytesMax = 256U << 20U;

}  // namespace

ListFileWriter::ListFileWriter(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.native() + ".new") {
  fd_ = open_file(temporary_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
}

ListFileWriter::~ListFileWriter() {
  if (fd_) unlink(temporary_.c_str());
}

void ListFileWriter::add(ByteView item) {
  const auto size = static_cast<std::uint32_t>(item.size());
  const ByteView head = std::as_bytes(std::span(&size, 1));
  buffer_.insert(buffer_.end(), head.begin(), head.end());
  buffer_.insert(buffer_.end(), item.begin(), item.end());
  if (buffer_.size() >= kBufferBytes) flush();
}

void ListFileWriter::flush() {
  write_all(fd_.get(), buffer_, temporary_.native());
  buffer_.clear();
}

void ListFileWriter::commit() {
  flush();
  sync_file(fd_.get(), temporary_.native());
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw_system_error("cannot rename to", path_.native(), errno);
  }
  fd_.close();
  sync_directory(path_.parent_path());
}

ListFileReader::ListFileReader(std::filesystem::path path)
    : path_(std::move(path)), fd_(open_file(path_, O_RDONLY)) {}

std::size_t ListFileReader::read(MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (at_ == buffer_.size()) {
      buffer_.resize(kBufferBytes);
      buffer_.resize(read_some(fd_.get(), buffer_, path_.native()));
      at_ = 0;
      if (buffer_.empty()) break;
    }
    const std::size_t size = std::min(out.size() - done, buffer_.size() - at_);
    std::memcpy(out.data() + done, buffer_.data() + at_, size);
    at_ += size;
    done += size;
  }
  return done;
}

std::optional<Bytes> ListFileReader::next() {
  std::uint32_t size = 0;
  const std::size_t head = read(std::as_writable_bytes(std::span(&size, 1)));
  if (head == 0) return std::nullopt;
  Bytes item;
  if (head == sizeof size && size <= kItemBytesMax) {
    item.resize(size);
    if (read(item) == size) return item;
  }
  throw Error(ErrorCode::corruption, printable(path_.native()) + " ends too early");
}

}  // namespace salvor::stores::disk
