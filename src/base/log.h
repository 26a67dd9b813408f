#pragma once

#include <fmt/core.h>

#include <functional>
#include <memory>
#include <string_view>

/// What the operator should know while a command runs: lines on stderr, as "salvor: warning: …".
/// The result of a command never goes here, and never a secret. Names that come from outside go
/// through printable() first.
///     log::warning("the catalog {} can't be used: {}", printable(path), error.message());
/// Threads: any.
namespace salvor::log {

/// How important a line is, in ascending order; `off` is for set_level() only.
enum class Level { debug, info, warning, error, off };

/// Lines below `least` are dropped, for the whole process. It is `warning` at first.
void set_level(Level least);
/// Writes one line; the level and a newline are added here.
void write(Level level, std::string_view line);

/// Who writes lines instead of this: it gets each whole line, in any thread, without its end.
using Writer = std::function<void(std::string_view line)>;
/// An empty one: lines go to stderr as they are, as in the beginning.
void set_writer(Writer writer);

/// Hears the warnings of the process while it lives, whatever set_level() says and whoever writes
/// them: without "salvor: warning: ", in any thread, without a lock held.
/// Lifetime: a call under way may end after the object; it keeps what `hear` holds by value.
class Listener {
 public:
  explicit Listener(Writer hear);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  const std::shared_ptr<const Writer> hear_;  ///< shared with the calls under way
};

/// The three that code calls. An error is thrown, not logged; main prints it.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace salvor::log
