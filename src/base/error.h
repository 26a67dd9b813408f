#pragma once

#include <exception>
#include <string>
#include <string_view>

/// Errors: what they say, when to throw one, and when to catch one.
///
/// Throw an Error when an operation can't do its task. An outcome that is expected is a value
/// instead (an optional, an enum, a report). For instance:
///     throw Error(ErrorCode::not_found,
///                 "no service \"" + printable(name) + "\" in " + printable(file),
///                 suggest(name, names));
///
/// Catch an Error to turn it into a value, a verdict or a warning. Never catch one to hide it:
/// rethrow what you do not expect, by its code. Two places catch all: the boundary of a run, which
/// records how the run ended, and main, which prints the error and exits.
///
/// There is one class and no hierarchy. Callers ask for properties (may I retry? what is the exit
/// status? can the repository be written to?), and these cut across any order of classes.
namespace salvor {

/// What kind of failure it is: a row of base/error_codes.def, from which exit status, HTTP status
/// and metric label follow. Choose by what the user can do about it.
enum class ErrorCode {
#define X(name, exit, http, label) name,
#include "base/error_codes.def"
#undef X
};

/// What a code means outside of the program: the exit status of the process, the status of an HTTP
/// answer, the label in metrics. These are a contract.
int exit_status(ErrorCode code);
int http_status(ErrorCode code);
std::string_view label(ErrorCode code);

/// The one exception type. A value: it may be copied, and may cross threads in an exception_ptr.
class Error : public std::exception {
 public:
  /// Shape: `message` says what failed, on what, and found against expected, in lower case and
  ///        without a full stop; `hint` says what the user can do next, or is empty. Both go to
  ///        terminals: names that come from outside go through printable() first.
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }

  /// Whether the same call may succeed when it is simply made again.
  bool retryable() const { return retryable_; }

  /// The same error, marked as retryable().
  Error as_retryable() &&;

  /// Whether a medium that can still be read takes nothing new from this process: it is read-only
  /// or full, or this user may not write to it. A caller that only wants to leave a record there
  /// can do without it.
  bool unwritable() const { return unwritable_; }

  /// The same error, marked as unwritable().
  Error as_unwritable() &&;

  /// The same error with "context: " before its message. All other properties stay.
  Error with_context(std::string_view context) const;

  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  bool retryable_ = false;
  bool unwritable_ = false;
  std::string message_;
  std::string hint_;
};

/// Throws an Error for a system call that failed: no_space for ENOSPC and EDQUOT, not_found for
/// ENOENT, failed for all else, with a hint where errno allows one (an immutable file, a quota).
/// Shape: the message is "ACTION PATH: TEXT OF ERRNO"; `action` is for instance "cannot open".
///        `path` may be raw: it is made printable here.
[[noreturn]] void throw_system_error(std::string_view action, std::string_view path, int error);

/// The text of an errno, in the C library's words.
std::string errno_text(int error);

}  // namespace salvor

/// Ends the process when `condition` does not hold; in all builds. For errors of the programmer
/// only: bytes from a disk or a network are never asserted, they raise `corruption`.
#define SALVOR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::salvor::assertion_failed(#condition, __FILE__, __LINE__))

namespace salvor {
/// Prints the condition and its place to stderr, and aborts. Called by SALVOR_ASSERT only.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace salvor
