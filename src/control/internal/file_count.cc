#include "control/internal/file_count.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/bytes.h"

namespace salvor::control::internal {

namespace fs = std::filesystem;

FileCount::FileCount(Time since, std::int64_t look_ms)
    : since_(since), limit_{Clock::system().monotonic().ns + look_ms * 1'000'000} {}

void FileCount::add(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const std::int64_t written = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (written <= since_.ns) return;
  if (status.st_nlink > 1 && !linked_.insert({status.st_dev, status.st_ino}).second) return;
  ++files_;
  bytes_ += static_cast<std::uint64_t>(status.st_size);
}

void FileCount::add_below(const fs::path& root) {
  std::error_code error;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    add(at->path());
    if (Clock::system().monotonic() < limit_) continue;
    is_whole_ = false;
    return;
  }
  if (error) is_whole_ = false;
}

void FileCount::add_data_of(const fs::path& workplace) {
  for (const char* data : {"old", "new"}) {
    std::error_code error;
    if (fs::exists(workplace / data, error)) add_below(workplace / data);
    if (error) is_whole_ = false;
  }
}

std::string FileCount::text() const {
  return fmt::format("{}{} file{} ({})", is_whole_ ? "" : "at least ", files_,
                     files_ == 1 ? "" : "s", human_bytes(bytes_));
}

}  // namespace salvor::control::internal
