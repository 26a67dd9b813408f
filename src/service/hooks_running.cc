#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/umask.h"
#include "service/hooks.h"
#include "service/internal/hook_shell.h"

namespace salvor::service {
namespace {

/// With the umask as its $1 and the command as its $2, which the command itself does not see.
/// Without the `exit`, a shell is replaced by the last program that it runs.
constexpr std::string_view kScript = "umask \"$1\"\neval \"shift 2\n$2\"\nexit";
constexpr std::size_t kScriptAt = 2;
constexpr std::size_t kArguments = 6;

/// Empty, or the first part, when the process is another user's or goes meanwhile: then the read
/// fails, which this operator takes for the end, and iterators over the buffer would throw.
std::string read_all(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The strings of a file in which each ends with a zero byte.
std::vector<std::string> strings_of(const std::filesystem::path& path) {
  const std::string text = read_all(path);
  std::vector<std::string> strings;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    strings.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return strings;
}

/// Whether a process leads a session, as every command's shell does, and has another parent than
/// us: after a kill, the parent is the one that takes in orphans.
bool leads_a_session_of_others(const std::filesystem::path& process, std::int64_t pid) {
  const std::string stat = read_all(process / "stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(stat.substr(name_end + 1));
  char state = 0;
  std::int64_t parent = 0;
  std::int64_t group = 0;
  std::int64_t session = 0;
  fields >> state >> parent >> group >> session;
  return fields && state != 'Z' && session == pid && parent != ::getpid();
}

/// The command, when the process is the shell of one of this run.
std::optional<std::string> command_of(const std::filesystem::path& process,
                                      const std::string& run) {
  std::vector<std::string> arguments = strings_of(process / "cmdline");
  if (arguments.size() != kArguments || arguments[kScriptAt] != kScript) return std::nullopt;
  const std::vector<std::string> environment = strings_of(process / "environ");
  const bool same_run =
      std::find(environment.begin(), environment.end(), "SALVOR_RUN=" + run) != environment.end();
  return same_run ? std::optional(arguments.back()) : std::nullopt;
}

}  // namespace

std::vector<std::string> shell_arguments(const std::string& command) {
  // What a command makes is for the service's users, not for salvor's alone.
  return {
      "/bin/sh", "-c", std::string(kScript), "/bin/sh", fmt::format("{:04o}", inherited_umask()),
      command};
}

std::optional<RunningHook> running_hook(const std::string& run) {
  std::error_code error;
  for (std::filesystem::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const std::string name = process->path().filename();
    std::int64_t pid = 0;
    const auto number = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (number.ec != std::errc() || number.ptr != name.data() + name.size()) continue;
    if (!leads_a_session_of_others(process->path(), pid)) continue;
    const std::optional<std::string> command = command_of(process->path(), run);
    if (command) return RunningHook{pid, *command};
  }
  return std::nullopt;
}

void require_no_running_hook(const std::string& run) {
  if (run.empty()) return;
  const std::optional<RunningHook> hook = running_hook(run);
  if (!hook) return;
  throw Error(ErrorCode::conflict,
              "run " + run + " still runs a command, process " + std::to_string(hook->pid) + ": " +
                  printable(hook->command),
              "wait until that process has ended, or end it, and try again");
}

}  // namespace salvor::service
