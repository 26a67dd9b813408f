#include "stores/disk/links.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace salvor::stores::disk {

bool link_descriptor(int fd, int parent, const std::string& name) {
  const std::string place = "/proc/self/fd/" + std::to_string(fd);
  if (linkat(AT_FDCWD, place.c_str(), parent, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  return errno == ENOENT && linkat(fd, "", parent, name.c_str(), AT_EMPTY_PATH) == 0;
}

bool means_no_link(int error) {
  return error == EPERM || error == EACCES || error == EMLINK || error == EXDEV ||
         error == EOPNOTSUPP || error == ENOSYS;
}

bool means_impossible(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == ENAMETOOLONG ||
         error == EILSEQ || error == EINVAL;
}

}  // namespace salvor::stores::disk
