#include "stores/disk/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <fstream>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace salvor::stores::disk {
namespace {

/// Whether what is open counts. `link`: the path as /proc says it; `place`: where it can be looked
/// at.
using Matches = std::function<bool(const std::string& link, const std::string& place)>;

/// Calls `visit` for every name in a directory that is a number.
void for_each_number(const std::string& path, const std::function<void(std::int64_t)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), &closedir);
  if (!directory) return;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) visit(number);
  }
}

std::string link_target(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

struct Opened {
  FileId id;
  bool is_directory = false;
};

/// What is open, as this machine knows it: a file server that does not answer is not asked.
std::optional<Opened> opened_at(const std::string& place) {
  struct statx status {};
  if (statx(AT_FDCWD, place.c_str(), AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) != 0) {
    return std::nullopt;
  }
  return Opened{{makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino},
                S_ISDIR(status.stx_mode)};
}

bool is_writable(const std::string& process, std::int64_t fd) {
  std::ifstream info(process + "/fdinfo/" + std::to_string(fd));
  for (std::string word; info >> word;) {
    if (word != "flags:") continue;
    unsigned flags = 0;
    info >> std::oct >> flags;
    return (flags & O_ACCMODE) != O_RDONLY;
  }
  return false;
}

std::string command_of(const std::string& process) {
  std::ifstream file(process + "/comm");
  std::string command;
  std::getline(file, command);
  return command;
}

class Scan {
 public:
  explicit Scan(Matches matches) : matches_(std::move(matches)) {}

  std::vector<Holder> run() {
    const auto own = static_cast<std::int64_t>(getpid());
    for_each_number("/proc", [&](std::int64_t pid) {
      if (pid != own) look_at(pid);
    });
    return std::move(found_);
  }

 private:
  void look_at(std::int64_t pid) {
    const std::string process = "/proc/" + std::to_string(pid);
    for_each_number(process + "/fd", [&](std::int64_t fd) {
      const std::string place = process + "/fd/" + std::to_string(fd);
      const std::string link = link_target(place);
      if (link.starts_with('/') && matches_(link, place)) {
        add(pid, process, link, is_writable(process, fd));
      }
    });
    // A mapping outlives the descriptor that it was made with.
    std::ifstream maps(process + "/maps");
    for (std::string line; std::getline(maps, line);) {
      const std::size_t mode = line.find(' ');
      const std::size_t path = line.find('/');
      const bool shared_writable = mode != std::string::npos && line.size() > mode + 4 &&
                                   line[mode + 2] == 'w' && line[mode + 4] == 's';
      if (!shared_writable || path == std::string::npos) continue;
      const std::string place = process + "/map_files/" + line.substr(0, mode);
      if (matches_(line.substr(path), place)) add(pid, process, line.substr(path), true);
    }
  }

  void add(std::int64_t pid, const std::string& process, const std::string& path, bool writes) {
    const auto same = std::find_if(found_.begin(), found_.end(), [&](const Holder& holder) {
      return holder.pid == pid && holder.path == path;
    });
    if (same != found_.end()) {
      same->writes = same->writes || writes;
    } else {
      found_.push_back({pid, command_of(process), writes, path});
    }
  }

  const Matches matches_;
  std::vector<Holder> found_;
};

/// The path beneath `root` of what is called `link` by who has mounted it elsewhere.
std::optional<std::string> path_elsewhere(const std::string& root, const std::string& link,
                                          const std::string& place) {
  for (std::size_t at = 0; at != std::string::npos; at = link.find('/', at + 1)) {
    struct stat ours {};
    if (lstat((root + link.substr(at)).c_str(), &ours) != 0 || !S_ISREG(ours.st_mode)) continue;
    const auto theirs = opened_at(place);
    if (theirs && theirs->id == FileId{ours.st_dev, ours.st_ino}) return link.substr(at + 1);
  }
  return std::nullopt;
}

}  // namespace

std::vector<Holder> holders_beneath(const std::string& root,
                                    const std::function<bool(const std::string& path)>& ignored) {
  const std::string prefix = root + '/';
  return Scan([&](const std::string& link, const std::string& place) {
           if (link.ends_with(" (deleted)")) return false;
           if (!link.starts_with(prefix)) {
             const auto path = path_elsewhere(root, link, place);
             return path && (!ignored || !ignored(*path));
           }
           const auto opened = opened_at(place);
           if (opened && opened->is_directory) return false;
           return !ignored || !ignored(link.substr(prefix.size()));
         })
      .run();
}

std::vector<Holder> holders_of(const std::vector<FileId>& files) {
  return Scan([&](const std::string&, const std::string& place) {
           const auto opened = opened_at(place);
           return opened && std::find(files.begin(), files.end(), opened->id) != files.end();
         })
      .run();
}

std::string describe(const std::vector<Holder>& holders) {
  constexpr std::size_t kNamedMax = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(holders.size(), kNamedMax); ++i) {
    const Holder& holder = holders[i];
    if (i > 0) text += ", ";
    text += printable(holder.command) + " (pid " + std::to_string(holder.pid) + ") " +
            (holder.writes ? "writes " : "reads ") + printable(holder.path);
  }
  if (holders.size() > kNamedMax) {
    text += ", and " + std::to_string(holders.size() - kNamedMax) + " more";
  }
  return text;
}

}  // namespace salvor::stores::disk
