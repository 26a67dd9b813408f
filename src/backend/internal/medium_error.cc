#include "backend/internal/medium_error.h"

#include <cerrno>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::backend {

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

}  // namespace salvor::backend
