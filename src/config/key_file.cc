#include "config/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "codec/sealed_box.h"
#include "config/internal/read_in_time.h"

namespace salvor::config {
namespace {

constexpr std::string_view kHead = "salvor-private-1:";
constexpr std::size_t kHexDigits = 2 * codec::kBoxKeyBytes;
constexpr std::size_t kFileBytesMax = kHead.size() + kHexDigits + 2;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::configuration,
              fmt::format("cannot use the key file {}: {}", printable(path.native()), what),
              "correct key_file in [repository], or make one with `salvor keys generate`");
}

void warn_when_open_to_others(const Fd& fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_system_error("cannot read", path.native(), errno);
  if (S_ISREG(status.st_mode) && (status.st_mode & 077U) != 0) {
    log::warning("the key file {} can be read or changed by others (mode {:04o}, expected 0600)",
                 printable(path.native()), status.st_mode & 07777U);
  }
}

}  // namespace

Secret read_key_file(const std::filesystem::path& path, const std::stop_token& stop) {
  const Fd fd = internal::open_to_wait(path);
  if (!fd) fail(path, errno_text(errno));
  warn_when_open_to_others(fd, path);
  Secret raw(kFileBytesMax + 1);
  const std::size_t size =
      internal::read_in_time(fd.get(), raw.mutable_view(), path.native(), stop);
  std::string_view text = as_text(raw.view().first(size));
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  Secret key(codec::kBoxKeyBytes);
  if (!text.starts_with(kHead) || !from_hex(text.substr(kHead.size()), key.mutable_view())) {
    fail(path, fmt::format("expected one line: {} and {} hexadecimal digits", kHead, kHexDigits));
  }
  return key;
}

Bytes make_key_file(const std::filesystem::path& path) {
  const codec::BoxKeyPair pair = codec::make_box_key_pair();
  Secret line(kHead.size() + kHexDigits + 1);
  std::string_view digits = "0123456789abcdef";
  std::size_t at = 0;
  const auto put = [&](char c) { line.mutable_view()[at++] = static_cast<std::byte>(c); };
  for (const char c : kHead) put(c);
  for (const std::byte byte : pair.private_key.view()) {
    put(digits[std::to_integer<unsigned>(byte) >> 4U]);
    put(digits[std::to_integer<unsigned>(byte) & 15U]);
  }
  put('\n');
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) {
    throw Error(ErrorCode::refused, printable(path.native()) + " exists already",
                "name a file that does not; a key file is never overwritten");
  }
  if (!fd) throw_system_error("cannot create", path.native(), errno);
  write_all(fd.get(), line.view(), path.native());
  sync_file(fd.get(), path.native());
  const std::filesystem::path parent = path.parent_path();
  sync_directory(parent.empty() ? "." : parent);
  return pair.public_key;
}

}  // namespace salvor::config
