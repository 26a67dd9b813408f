#include "stores/files/mounts.h"

#include <fstream>
#include <sstream>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::stores::files {
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

}  // namespace

std::vector<std::filesystem::path> mounts_within(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> found;
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) {
    // None would be a guess: a mount point can be neither moved nor exchanged.
    throw Error(
        ErrorCode::refused,
        "cannot read /proc/self/mountinfo, so that nothing is known of what is mounted in " +
            printable(path.native()),
        "mount /proc, as on every system, and run the command again");
  }
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;
    std::string point = unescape(field);
    if (point == path.native() || point.starts_with(path.native() + '/')) {
      found.emplace_back(std::move(point));
    }
  }
  return found;
}

}  // namespace salvor::stores::files
