#include "manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "codec/hash.h"

namespace salvor::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytesMax = 1U << 24U;

std::string line_of(const fs::path& path, const std::string& name,
                    std::map<ino_t, std::string>& first_names) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) throw_system_error("cannot read", path.native(), errno);
  const std::string common = fmt::format("{:04o} {}.{:09}", status.st_mode & 07777U,
                                         status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (S_ISLNK(status.st_mode)) {
    return fmt::format("link {} {} -> {}", common, printable(name),
                       printable(fs::read_symlink(path).native()));
  }
  if (S_ISDIR(status.st_mode)) return fmt::format("directory {} {}", common, printable(name));
  const auto first = first_names.emplace(status.st_ino, name).first->second;
  if (first != name) return fmt::format("name {} of {}", printable(name), printable(first));
  const Bytes content = read_file(path, kFileBytesMax);
  return fmt::format("file {} {} {} {}", common, content.size(), to_hex(codec::sha256(content)),
                     printable(name));
}

}  // namespace

std::string manifest_of(const fs::path& root) {
  std::vector<std::string> names{"."};
  for (const auto& found : fs::recursive_directory_iterator(root)) {
    names.push_back(found.path().lexically_relative(root).native());
  }
  std::sort(names.begin(), names.end());
  std::map<ino_t, std::string> first_names;
  std::string text;
  for (const std::string& name : names) text += line_of(root / name, name, first_names) + "\n";
  return text;
}

}  // namespace salvor::golden
