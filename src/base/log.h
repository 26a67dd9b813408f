#pragma once

#include <fmt/core.h>

#include <functional>
#include <string_view>

/// What the operator should know while a command runs: lines on stderr. Never a secret.
/// Threads: any.
namespace salvor::log {

enum class Level { debug, info, warning, error, off };

/// Lines below `least` are dropped. The default is warning.
void set_level(Level least);
void write(Level level, std::string_view line);

/// Who writes lines instead of this: it gets each whole line, in any thread, without its end.
using Writer = std::function<void(std::string_view line)>;
/// An empty one: lines go to stderr as they are, as in the beginning.
void set_writer(Writer writer);

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
