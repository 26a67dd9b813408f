#pragma once

#include <sys/stat.h>

#include <string>

#include "stores/disk/metadata.h"

namespace salvor::stores::disk {

/// A name in an open directory; `path` is for messages.
struct NameAt {
  int parent = -1;
  std::string name;
  std::string path;
};

/// Makes at `to` what is at `from` (anything but a directory), with content, attributes and times:
/// for a hard link that can't be made. `status`: of `from`.
/// Errors: false with errno, when such a thing can't exist there; failed for all else.
bool copy_at(const NameAt& from, const NameAt& to, const struct stat& status, Warnings& warnings);

}  // namespace salvor::stores::disk
