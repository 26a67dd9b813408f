#include "base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace salvor {
namespace {

struct Row {
  int exit;
  int http;
  std::string_view label;
};

constexpr Row kRows[] = {
#define X(name, exit, http, label) {exit, http, label},
#include "base/error_codes.def"
#undef X
};

ErrorCode code_of_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case ENOENT:
      return ErrorCode::not_found;
    default:
      return ErrorCode::failed;
  }
}

/// Root may do anything but change what is immutable: then EPERM means that, as a rule.
std::string hint_of_eperm(std::string_view path) {
  const std::string place(path);
  struct statx status {};
  const bool known = statx(AT_FDCWD, place.c_str(), AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
                           STATX_TYPE, &status) == 0;
  if (known && (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0) {
    return "it is immutable: chattr -i " + printable(path) + ", and run the command again";
  }
  if (known && (status.stx_attributes & STATX_ATTR_APPEND) != 0) {
    return "it is append-only: chattr -a " + printable(path) + ", and run the command again";
  }
  if (geteuid() != 0) return "run as a user who may do that";
  return "it, its directory or something in it may be immutable or append-only (lsattr shows it): "
         "chattr -i -a, and run the command again";
}

std::string hint_of_errno(int error, std::string_view path) {
  switch (error) {
    case ENOSPC:
      return "free some space on that file system, and run the command again";
    case EDQUOT:
      return "raise the quota, and run the command again";
    case EPERM:
      return hint_of_eperm(path);
    case EACCES:
      return "run as a user who may do that";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return {};
  }
}

}  // namespace

int exit_status(ErrorCode code) {
  return kRows[static_cast<std::size_t>(code)].exit;
}
int http_status(ErrorCode code) {
  return kRows[static_cast<std::size_t>(code)].http;
}
std::string_view label(ErrorCode code) {
  return kRows[static_cast<std::size_t>(code)].label;
}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

Error Error::as_retryable() && {
  retryable_ = true;
  return std::move(*this);
}

Error Error::as_unwritable() && {
  unwritable_ = true;
  return std::move(*this);
}

Error Error::with_context(std::string_view context) const {
  Error copy = *this;
  copy.message_ = std::string(context) + ": " + message_;
  return copy;
}

std::string errno_text(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

void throw_system_error(std::string_view action, std::string_view path, int error) {
  throw Error(code_of_errno(error),
              std::string(action) + " " + printable(path) + ": " + errno_text(error),
              hint_of_errno(error, path));
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "salvor: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace salvor
