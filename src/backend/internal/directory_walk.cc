#include "backend/internal/directory_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/internal/medium_error.h"
#include "backend/internal/name.h"
#include "backend/internal/object_writer.h"

namespace salvor::backend {
namespace {

class Walk {
 public:
  Walk(const DirectoryCache& directories, const std::string& prefix, const std::string& after,
       const Backend::Visit& visit)
      : directories_(directories), prefix_(prefix), after_(after), visit_(visit) {}

  /// `path` is opened as `leaf`, in `parent`.
  void directory(int parent, const std::string& leaf, const std::string& path);

 private:
  using Names = std::vector<std::string>;

  Names read_names(const DirectoryCache::Directory& directory, const std::string& path);
  bool may_be_directory(int directory, const dirent& entry, const std::string& name);
  bool wants_file(std::string_view name) const;
  bool wants_directory(std::string_view name_and_slash) const;

  const DirectoryCache& directories_;
  const std::string& prefix_;
  const std::string& after_;
  const Backend::Visit& visit_;
};

void Walk::directory(int parent, const std::string& leaf, const std::string& path) {
  DirectoryCache::Directory directory;
  directory.fd = Fd(openat(parent, leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.fd) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    throw_medium_error("cannot open", directories_.full_path(path), errno);
  }
  for (std::string& name : read_names(directory, path)) {
    if (name.ends_with('/')) {
      name.pop_back();
      this->directory(directory.fd.get(), leaf_of(name), name);
    } else if (const auto size =
                   object_size(directory, leaf_of(name), directories_.full_path(name))) {
      visit_({name, *size});
    }
  }
}

/// Full names in the order of visits. Directories end in '/': sorted with it, the names below them
/// come in the order of memcmp among those beside them ("a-b" < "a/b" < "a0").
Walk::Names Walk::read_names(const DirectoryCache::Directory& directory, const std::string& path) {
  Fd fd(openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd ? fdopendir(fd.get()) : nullptr, closedir);
  if (!entries) {
    if (errno == ENOENT) return {};
    throw_medium_error("cannot open", directories_.full_path(path), errno);
  }
  fd.release();

  Names names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(entries.get());
    if (entry == nullptr) break;
    std::string name = path.empty() ? entry->d_name : path + "/" + entry->d_name;
    if (!is_valid_name(name)) continue;
    if (may_be_directory(directory.fd.get(), *entry, name)) {
      name += '/';
      if (wants_directory(name)) names.push_back(std::move(name));
    } else if (wants_file(name)) {
      names.push_back(std::move(name));
    }
  }
  if (errno != 0) throw_medium_error("cannot list", directories_.full_path(path), errno);
  std::sort(names.begin(), names.end());
  return names;
}

bool Walk::may_be_directory(int directory, const dirent& entry, const std::string& name) {
  if (entry.d_type == DT_DIR) return true;
  if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return false;
  struct stat status {};
  if (fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISLNK(status.st_mode)) return S_ISDIR(status.st_mode);
  // A linked directory that is skipped silently would look like the loss of all its objects.
  if (fstatat(directory, entry.d_name, &status, 0) == 0 && S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::failed,
                "cannot list " + printable(directories_.full_path(name)) +
                    ": found a symbolic link, expected a directory",
                "salvor follows no links inside a repository: use a bind mount instead");
  }
  return false;
}

bool Walk::wants_file(std::string_view name) const {
  return name.starts_with(prefix_) && name > after_;
}

bool Walk::wants_directory(std::string_view name_and_slash) const {
  const bool in_prefix =
      name_and_slash.starts_with(prefix_) || std::string_view(prefix_).starts_with(name_and_slash);
  const bool ends_before =
      after_ > name_and_slash && !std::string_view(after_).starts_with(name_and_slash);
  return in_prefix && !ends_before;
}

}  // namespace

void walk(DirectoryCache& directories, const std::string& prefix, const std::string& after,
          const Backend::Visit& visit) {
  const std::string start = parent_of(prefix);
  DirectoryCache::Handle directory;
  do {
    directory = directories.find(start);
  } while (directories.drop_if_stale(start, directory));
  if (directory) Walk(directories, prefix, after, visit).directory(directory->fd.get(), ".", start);
}

}  // namespace salvor::backend
