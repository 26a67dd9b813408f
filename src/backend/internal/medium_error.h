#pragma once

#include <string_view>

namespace salvor::backend {

/// Throws an Error for a system call that failed on a medium. Where the medium itself does not
/// answer (EIO, ESTALE, ENOTCONN, ETIMEDOUT and their like) it is unreachable and retryable;
/// everything else is what throw_system_error() makes of it.
[[noreturn]] void throw_medium_error(std::string_view action, std::string_view path, int error);

/// The same for a call that was to write. Where the medium takes nothing new (EROFS, ENOSPC,
/// EDQUOT, EACCES, EPERM) the error is unwritable().
[[noreturn]] void throw_write_error(std::string_view action, std::string_view path, int error);

}  // namespace salvor::backend
