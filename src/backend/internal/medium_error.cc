#include "backend/internal/medium_error.h"

#include <cerrno>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::backend {
namespace {

bool takes_nothing_new(int error) {
  return error == EROFS || error == ENOSPC || error == EDQUOT || error == EACCES || error == EPERM;
}

}  // namespace

void throw_medium_error(std::string_view action, std::string_view path, int error) {
  switch (error) {
    case EIO:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENODEV:
    case ENXIO:
      throw Error(ErrorCode::unreachable,
                  std::string(action) + " " + printable(path) + ": " + errno_text(error),
                  "check that the medium is connected, mounted and sound (dmesg shows its errors)")
          .as_retryable();
    default:
      throw_system_error(action, path, error);
  }
}

void throw_write_error(std::string_view action, std::string_view path, int error) {
  try {
    throw_medium_error(action, path, error);
  } catch (const Error& failure) {
    if (!takes_nothing_new(error)) throw;
    const char* read_only =
        "mount its file system for writing, or name another repository in [repository] url";
    throw Error(failure.code(), failure.message(), error == EROFS ? read_only : failure.hint())
        .as_unwritable();
  }
}

}  // namespace salvor::backend
