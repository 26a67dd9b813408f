#include "base/error.h"

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

std::string hint_of_errno(int error) {
  switch (error) {
    case ENOSPC:
      return "free some space on that file system, and run the command again";
    case EDQUOT:
      return "raise the quota, and run the command again";
    case EACCES:
    case EPERM:
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
              hint_of_errno(error));
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "salvor: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace salvor
