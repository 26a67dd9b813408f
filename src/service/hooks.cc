#include "service/hooks.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/error.h"
#include "base/subprocess.h"
#include "codec/hash.h"
#include "service/internal/hook_shell.h"

namespace salvor::service {
namespace {

constexpr std::size_t kOutputBytesMax = std::size_t{64} << 10U;
constexpr std::size_t kLineBytesMax = 500;
/// A migration that is told to end needs a moment to roll back.
constexpr std::int64_t kKillGrace_ms = 10'000;
/// Longer limits would not fit into the timers.
constexpr std::int64_t kTimeoutMax_s = std::int64_t{366} * 24 * 3600;

}  // namespace

std::string store_variable(std::string_view store) {
  std::string variable = "SALVOR_STORE_";
  for (const char letter : store) {
    const bool lower = letter >= 'a' && letter <= 'z';
    variable += lower ? static_cast<char>(letter - 'a' + 'A') : letter == '-' ? '_' : letter;
  }
  return variable;
}

bool mentions_copy(std::string_view command) {
  return command.find("SALVOR_STORE_") != std::string_view::npos ||
         command.find("SALVOR_MODE") != std::string_view::npos;
}

std::string_view name_of(Mode mode) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 3> kNames{"restore", "drill", "backup"};
  return kNames[static_cast<std::size_t>(mode)];
}

std::vector<std::pair<std::string, std::string>> HookContext::environment() const {
  std::vector<std::pair<std::string, std::string>> variables{
      {"SALVOR_MODE", std::string(name_of(mode))},
      {"SALVOR_RUN", run},
      {"SALVOR_SERVICE", service},
      {"SALVOR_POINT", point},
      {"SALVOR_POINT_TIME", point_time}};
  std::map<std::string, std::string> stores;  // variable → store
  for (const auto& [store, path] : store_paths) {
    const auto [other, added] = stores.emplace(store_variable(store), store);
    if (!added) {
      // A command that is led to the wrong store could write into it.
      throw Error(ErrorCode::configuration,
                  "stores " + other->second + " and " + store + " of service " + service +
                      " would both be " + other->first + " to its commands",
                  "rename one of them");
    }
    variables.emplace_back(other->first, path);
  }
  return variables;
}

std::string HookOutcome::describe() const {
  SubprocessResult result;
  result.exit_status = exit_status;
  result.signal = signal;
  result.timed_out = timed_out;
  return result.describe() + (timed_out ? " of " + std::to_string(timeout_s) + " s" : "");
}

std::string HookOutcome::last_lines(std::size_t lines_max) const {
  std::string lines;
  std::string_view rest = output;
  for (std::size_t count = 0; count < lines_max && !rest.empty();) {
    if (rest.back() == '\n') rest.remove_suffix(1);
    const std::size_t start = rest.rfind('\n') + 1;  // without any: 0
    const std::string_view line = rest.substr(start, kLineBytesMax);
    rest = rest.substr(0, start);
    if (line.empty()) continue;
    lines.insert(0, "\n  " + printable(line));
    ++count;
  }
  return lines;
}

HookOutcome run_hook(const std::string& command, const HookContext& context, std::int64_t timeout_s,
                     std::stop_token stop, const std::string& what) {
  require_no_running_hook(context.run);
  SubprocessOptions options;
  options.argv = shell_arguments(command);
  options.name = what + " of service " + context.service + ": `" + command + "`";
  options.environment = context.environment();
  // Of another run, or somebody's own: a command must not take them for this run's.
  options.environment_without = "SALVOR_STORE_";
  options.directory = context.directory;
  options.time_limit_ms = std::clamp<std::int64_t>(timeout_s, 0, kTimeoutMax_s) * 1000;
  options.kill_grace_ms = kKillGrace_ms;
  options.output_bytes_max = kOutputBytesMax;
  options.error_output_bytes_max = kOutputBytesMax;
  options.keep_ends = true;
  options.stop = std::move(stop);
  const Time begin = Clock::system().monotonic();
  const SubprocessResult result = salvor::run(options);
  HookOutcome outcome;
  outcome.exit_status = result.exit_status;
  outcome.signal = result.signal;
  outcome.timed_out = result.timed_out;
  outcome.timeout_s = timeout_s;
  outcome.seconds = Clock::system().monotonic().seconds_since(begin);
  outcome.output = std::string(as_text(result.output)) + std::string(as_text(result.error_output));
  outcome.output_truncated = result.output_truncated || result.error_output_truncated;
  outcome.output_sha256 = to_hex(codec::sha256(as_bytes(outcome.output)));
  return outcome;
}

bool answer_of(const HookOutcome& outcome, const std::string& what) {
  // Not found, not executable, killed by a signal.
  constexpr int kShellStatusMin = 126;
  const bool answered =
      !outcome.timed_out && outcome.signal == 0 && outcome.exit_status < kShellStatusMin;
  if (answered) return outcome.exit_status == 0;
  throw Error(ErrorCode::failed,
              what + " gave no answer: " + outcome.describe() + outcome.last_lines(),
              "correct the command, and try again: it must end by itself, with exit status 0 for "
              "yes and 1 to 125 for no");
}

void require_success(const HookOutcome& outcome, const std::string& what, const std::string& hint) {
  if (outcome.succeeded()) return;
  const std::string lines = outcome.last_lines();
  throw Error(ErrorCode::failed,
              what + " failed: " + outcome.describe() +
                  (lines.empty() ? ", without any output" : "; the end of its output:" + lines),
              hint);
}

}  // namespace salvor::service
