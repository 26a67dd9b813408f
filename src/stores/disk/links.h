#pragma once

#include <string>

namespace salvor::stores::disk {

/// Gives an open file one more name; false with errno.
/// Where there is no /proc this needs the right to search every directory.
bool link_descriptor(int fd, int parent, const std::string& name);

/// Whether an error of linkat() means that this file can have no such link, now or ever: the file
/// system has none, the file is immutable, it has too many already, or the kernel guards it. A copy
/// is then the next best.
bool means_no_link(int error);

/// Whether an error of a call that makes something means that nothing of that kind or name can be
/// made there, while other things can: the file system lacks it, or the user may not.
bool means_impossible(int error);

}  // namespace salvor::stores::disk
