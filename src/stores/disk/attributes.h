#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stores/entry.h"

/// Extended attributes; POSIX ACLs and file capabilities are among them.
/// Threads: any.
namespace salvor::stores::disk {

/// How to reach one thing: `fd`, opened for real or with O_PATH (symlinks, devices, and all else
/// that must not be opened for real).
struct Handle {
  int fd = -1;
  bool is_path = false;
};

/// All attributes, sorted by name; empty where the file system has none.
/// Errors: failed.
std::vector<Attribute> read_attributes(Handle handle, std::string_view path);

/// The same for what a path leads to in the end; needs no /proc.
std::vector<Attribute> read_attributes(const std::string& path);

/// Makes the attributes those of `wanted`: sets what differs, removes what is not in it. What the
/// kernel's security modules maintain themselves is never removed.
/// `refused` is called with the name and the errno of each that could not be set.
/// Errors: none.
using RefusedAttribute = std::function<void(const std::string& name, int error)>;
void write_attributes(Handle handle, const std::vector<Attribute>& wanted,
                      const RefusedAttribute& refused);

}  // namespace salvor::stores::disk
