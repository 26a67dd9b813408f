#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "stores/files/files.h"

namespace salvor::stores {
namespace {

constexpr std::string_view kHead =
    "# Written by each backup of salvor; drills look for it in what they restore.\n";
constexpr std::size_t kFileBytesMax = 4096;

/// The value of line "NAME VALUE", taken from the front of `text`; empty when it is another one.
std::string take_line(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end < name.size() + 1) return {};
  const std::string_view line = text.substr(0, end);
  if (!line.starts_with(name) || line[name.size()] != ' ') return {};
  text.remove_prefix(end + 1);
  return std::string(line.substr(name.size() + 1));
}

}  // namespace

void plant_files_marker(const std::filesystem::path& root, const Marker& marker) {
  const std::string text =
      fmt::format("{}service {}\nstore {}\nnonce {}\ntime {}\nsignature {}\n", kHead,
                  marker.service, marker.store, marker.nonce, marker.time, marker.signature);
  constexpr mode_t kReadableByAll = 0644;
  write_file_atomically(root / kFilesMarker, as_bytes(text), kReadableByAll);
}

std::optional<Marker> read_files_marker(const std::filesystem::path& root) {
  const std::filesystem::path path = root / kFilesMarker;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  // Whatever else lies there was not written by a backup.
  if (!fd) return Marker();
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Marker();
  std::array<std::byte, kFileBytesMax> bytes{};
  std::string_view text = as_text(ByteView(bytes).first(read_some(fd.get(), bytes, path.native())));
  if (text.starts_with(kHead)) text.remove_prefix(kHead.size());
  Marker marker;
  marker.service = take_line(text, "service");
  marker.store = take_line(text, "store");
  marker.nonce = take_line(text, "nonce");
  marker.time = take_line(text, "time");
  marker.signature = take_line(text, "signature");
  return marker;
}

}  // namespace salvor::stores
