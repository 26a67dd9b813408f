#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace salvor {

enum class ErrorCode {
#define X(name, exit, http, label) name,
#include "base/error_codes.def"
#undef X
};

/// The process's exit status for a code; the other columns of base/error_codes.def likewise.
int exit_status(ErrorCode code);
int http_status(ErrorCode code);
std::string_view label(ErrorCode code);

/// The one exception type. `message` says what failed, on what, found against expected, in lower
/// case and without a full stop; `hint` says what to do next, or is empty.
/// Catch it in three places only: the retry decorator, the boundary of a run, main.
/// Threads: a value; may be copied across threads in a std::exception_ptr.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }

  /// Whether the same call may succeed when it is simply made again.
  bool retryable() const { return retryable_; }

  /// The same error, marked as worth trying again.
  Error as_retryable() &&;

  /// Whether a medium that can be read takes nothing new from this process: it is read-only or
  /// full, or this user may not write to it. Who only wants to leave a record there can go on
  /// without.
  bool unwritable() const { return unwritable_; }

  /// The same error, marked so.
  Error as_unwritable() &&;

  /// The same error with "context: " put before the message.
  Error with_context(std::string_view context) const;

  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  bool retryable_ = false;
  bool unwritable_ = false;
  std::string message_;
  std::string hint_;
};

/// Throws an Error for a failed system call. ENOSPC and EDQUOT become no_space, ENOENT not_found,
/// everything else failed.   `action` and `path`: "cannot open" and what was to be opened.
[[noreturn]] void throw_system_error(std::string_view action, std::string_view path, int error);

/// The message of errno, in the field's own words.
std::string errno_text(int error);

}  // namespace salvor

/// A programmer's error ends the process, always. Never for bytes from a disk or a network.
#define SALVOR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::salvor::assertion_failed(#condition, __FILE__, __LINE__))

namespace salvor {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}
