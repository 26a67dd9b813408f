#include "testing/tree_compare.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::testing {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::uint64_t kFnvStart = 14695981039346656037ULL;

std::uint64_t add_to_hash(std::uint64_t hash, ByteView bytes) {
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211ULL;
  }
  return hash;
}

std::vector<std::string> names_in(int directory, const std::string& path) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : fdopendir(copy), &closedir);
  if (!stream) throw_system_error("cannot list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Goes through a tree with one or two open directories, however deep it is.
class Describer {
 public:
  std::map<std::string, std::string> run(const std::filesystem::path& root) {
    at_ = open_file(root, O_RDONLY | O_DIRECTORY);
    struct stat status {};
    if (fstat(at_.get(), &status) != 0) throw_system_error("cannot read", root.native(), errno);
    lines_["."] = describe(".", ".", status);
    walk({});
    return std::move(lines_);
  }

 private:
  void walk(const std::string& prefix) {
    for (const std::string& name : names_in(at_.get(), prefix)) {
      const std::string path = prefix + name;
      struct stat status {};
      if (fstatat(at_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        throw_system_error("cannot read", path, errno);
      }
      lines_[path] = describe(name, path, status);
      if (!S_ISDIR(status.st_mode)) continue;
      go_to(name, path);
      walk(path + '/');
      go_to("..", path);
    }
  }

  void go_to(const std::string& name, const std::string& path) {
    Fd next(openat(at_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) throw_system_error("cannot open", path, errno);
    at_ = std::move(next);
  }

  std::string describe(const std::string& name, const std::string& path,
                       const struct stat& status) {
    std::string line = fmt::format("{:06o} {}:{} {}.{:09}", status.st_mode, status.st_uid,
                                   status.st_gid, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
      line += fmt::format(" device {}:{}", major(status.st_rdev), minor(status.st_rdev));
    }
    if (S_ISLNK(status.st_mode)) line += " -> " + target_of(name);
    if (!S_ISDIR(status.st_mode)) {
      line += fmt::format(" links {}", status.st_nlink);
      const auto [first, is_new] =
          first_names_.try_emplace(std::make_pair(status.st_dev, status.st_ino), path);
      if (!is_new) return line + " same as " + first->second;
    }
    if (S_ISREG(status.st_mode)) line += describe_content(name, path, status);
    return line + describe_attributes(name, path);
  }

  std::string target_of(const std::string& name) const {
    std::string target(8192, '\0');
    const ssize_t size = readlinkat(at_.get(), name.c_str(), target.data(), target.size());
    target.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return target;
  }

  std::string describe_content(const std::string& name, const std::string& path,
                               const struct stat& status) const {
    const Fd fd(openat(at_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) throw_system_error("cannot open", path, errno);
    std::uint64_t hash = kFnvStart;
    std::string layout;
    Bytes buffer(1 << 18U);
    for (off_t at = 0; at < status.st_size;) {
      const off_t data = lseek(fd.get(), at, SEEK_DATA);
      if (data < 0) break;
      const off_t end = lseek(fd.get(), data, SEEK_HOLE);
      layout += fmt::format(" {}-{}", data, end);
      for (at = data; at < end;) {
        const auto wanted = std::min(buffer.size(), static_cast<std::size_t>(end - at));
        const auto offset = static_cast<std::uint64_t>(at);
        const std::size_t count =
            pread_some(fd.get(), MutableByteView(buffer).first(wanted), offset, path);
        if (count == 0) break;
        hash = add_blocks(hash, ByteView(buffer).first(count), offset);
        at += static_cast<off_t>(count);
      }
    }
    return fmt::format(" size {} hash {:016x} data{}", status.st_size, hash, layout);
  }

  /// Blocks of zeros leave the hash as it is, so that it does not depend on where holes are.
  static std::uint64_t add_blocks(std::uint64_t hash, ByteView data, std::uint64_t offset) {
    while (!data.empty()) {
      const std::size_t count = std::min(data.size(), kBlockBytes - offset % kBlockBytes);
      const ByteView block = data.first(count);
      const bool zeros = std::all_of(block.begin(), block.end(),
                                     [](std::byte byte) { return byte == std::byte{}; });
      if (!zeros) hash = add_to_hash(add_to_hash(hash, as_bytes(std::to_string(offset))), block);
      data = data.subspan(count);
      offset += count;
    }
    return hash;
  }

  std::string describe_attributes(const std::string& name, const std::string& path) const {
    const std::string place = fmt::format("/proc/self/fd/{}/{}", at_.get(), name);
    std::string names(65536, '\0');
    const ssize_t size = llistxattr(place.c_str(), names.data(), names.size());
    if (size < 0 && errno == ENOTSUP) return {};
    if (size < 0) throw_system_error("cannot list the attributes of", path, errno);
    names.resize(static_cast<std::size_t>(size));
    std::set<std::string> sorted;
    for (std::size_t at = 0; at < names.size();) {
      sorted.insert(names.c_str() + at);
      at = names.find('\0', at) + 1;
    }
    std::string text;
    Bytes value(65536);
    for (const std::string& attribute : sorted) {
      const ssize_t length =
          lgetxattr(place.c_str(), attribute.c_str(), value.data(), value.size());
      if (length < 0) throw_system_error("cannot read an attribute of", path, errno);
      text +=
          " " + attribute + "=" + to_hex(ByteView(value).first(static_cast<std::size_t>(length)));
    }
    return text;
  }

  Fd at_;
  std::map<std::string, std::string> lines_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

void empty_directory(Fd& at) {
  for (const std::string& name : names_in(at.get(), "a directory to be emptied")) {
    if (unlinkat(at.get(), name.c_str(), 0) == 0) continue;
    fchmodat(at.get(), name.c_str(), 0700, 0);
    Fd next(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) throw_system_error("cannot remove", name, errno);
    at = std::move(next);
    empty_directory(at);
    next = Fd(openat(at.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!next || unlinkat(next.get(), name.c_str(), AT_REMOVEDIR) != 0) {
      throw_system_error("cannot remove", name, errno);
    }
    at = std::move(next);
  }
}

}  // namespace

std::map<std::string, std::string> describe_tree(const std::filesystem::path& root) {
  return Describer().run(root);
}

std::string tree_difference(const std::map<std::string, std::string>& expected,
                            const std::map<std::string, std::string>& found) {
  std::string text;
  for (const auto& [path, line] : expected) {
    const auto other = found.find(path);
    if (other == found.end()) {
      text += "missing " + printable(path) + ": " + printable(line) + "\n";
    } else if (other->second != line) {
      text += "differs " + printable(path) + ":\n  expected " + printable(line) + "\n  found    " +
              printable(other->second) + "\n";
    }
  }
  for (const auto& [path, line] : found) {
    if (!expected.contains(path)) {
      text += "surplus " + printable(path) + ": " + printable(line) + "\n";
    }
  }
  return text;
}

void empty_tree(const std::filesystem::path& root) {
  Fd at = open_file(root, O_RDONLY | O_DIRECTORY);
  empty_directory(at);
}

}  // namespace salvor::testing
