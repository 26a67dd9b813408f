#include "checks/internal/judge.h"

#include <algorithm>
#include <climits>

#include "base/clock.h"
#include "base/error.h"
#include "codec/hash.h"

namespace salvor::checks {
namespace {

constexpr std::size_t kShownBytesMax = 200;

}  // namespace

void require_time(const Deadline& deadline) {
  if (deadline.token().stop_requested()) throw Error(ErrorCode::cancelled, "the check was ended");
}

void judge(CheckOutcome& outcome, const std::stop_token& stop, std::int64_t timeout_s,
           const std::function<void(const Deadline&)>& ask) {
  const Time begin = Clock::system().monotonic();
  const Deadline deadline(stop, timeout_s);
  try {
    ask(deadline);
  } catch (const Error& error) {
    if (stop.stop_requested()) throw Error(ErrorCode::cancelled, "stopped in " + outcome.name);
    outcome.verdict = Verdict::impossible;
    outcome.actual = deadline.passed()
                         ? "no answer within its time limit of " + std::to_string(timeout_s) + " s"
                         : error.message();
  }
  outcome.seconds = Clock::system().monotonic().seconds_since(begin);
}

std::optional<std::string> path_within(std::string_view path) {
  // For the system a path ends at a zero byte, so it would look at another file.
  if (path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
  std::string within;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name == ".." || name.size() > NAME_MAX) return std::nullopt;
    if (name.empty() || name == ".") continue;
    if (!within.empty()) within += '/';
    within += name;
  }
  if (within.empty()) return std::nullopt;
  return within;
}

std::string shown(std::string_view text) {
  if (text.size() <= kShownBytesMax) return printable(text);
  return printable(text.substr(0, kShownBytesMax)) + "...";
}

std::string sha256_of(std::string_view text) {
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::checks
