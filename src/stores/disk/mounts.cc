#include "stores/disk/mounts.h"

#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::stores::disk {
namespace {

/// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// Visits every mount point that this process sees, in the order of mounting. False when they can't
/// be seen.
bool for_each_mount(const std::function<void(std::string point)>& visit) {
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) return false;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;
    visit(unescape(field));
  }
  return true;
}

bool is_at_or_beneath(const std::string& path, const std::string& top) {
  return path == top || top == "/" || path.starts_with(top + '/');
}

}  // namespace

std::vector<std::filesystem::path> mounts_within(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> found;
  const bool seen = for_each_mount([&](std::string point) {
    if (is_at_or_beneath(point, path.native())) found.emplace_back(std::move(point));
  });
  if (!seen) {
    // None would be a guess: a mount point can be neither moved nor exchanged.
    throw Error(
        ErrorCode::refused,
        "cannot read /proc/self/mountinfo, so that nothing is known of what is mounted in " +
            printable(path.native()),
        "mount /proc, as on every system, and run the command again");
  }
  return found;
}

std::filesystem::path mount_of(const std::filesystem::path& path) {
  std::string found;
  for_each_mount([&](std::string point) {
    if (is_at_or_beneath(path.native(), point) && point.size() >= found.size()) {
      found = std::move(point);
    }
  });
  return found;
}

}  // namespace salvor::stores::disk
