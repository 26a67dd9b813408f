#include "cli/progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/counted.h"
#include "cli/output.h"

namespace salvor::cli {
namespace {

constexpr std::int64_t kPlainLineEvery_ns = 10'000'000'000;
constexpr int kBarColumns = 20;
constexpr double kRateAfter_s = 0.5;

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

/// What part is done, from 0 to 1: by bytes where the sum is known, else by entries.
std::optional<double> done_of(const control::PhaseProgress& progress) {
  const auto part = [](std::uint64_t done, std::uint64_t all) {
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  };
  if (progress.bytes_expected > 0) return part(progress.bytes, progress.bytes_expected);
  if (progress.entries_expected > 0) return part(progress.entries, progress.entries_expected);
  return std::nullopt;
}

}  // namespace

std::string describe(const control::PhaseProgress& progress, double elapsed_s, bool bar) {
  std::string text = progress.phase;
  const auto done = done_of(progress);
  if (done && bar) {
    const auto filled = static_cast<std::size_t>(*done * kBarColumns);
    text += fmt::format("  [{:<{}}]", std::string(filled, '#'), kBarColumns);
  }
  if (done) text += fmt::format("  {:.0f} %", *done * 100);
  const bool counts = progress.bytes > 0 || progress.bytes_expected > 0 || progress.entries > 0;
  if (!counts) return text;
  text += "  " + human_bytes(progress.bytes);
  if (progress.bytes_expected > 0) text += " of " + human_bytes(progress.bytes_expected);
  if (progress.entries > 0) {
    text += fmt::format("  {} {}", with_commas(progress.entries),
                        noun(progress.entries, "entry", "entries"));
  }
  if (elapsed_s < kRateAfter_s) return text;
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(progress.bytes) / elapsed_s);
  text += fmt::format("  {}/s", human_bytes(rate));
  // In the first moments, and at the end, an estimate is worth nothing.
  if (done && *done > 0.02 && *done < 1) {
    text += fmt::format("  {} left", human_duration(elapsed_s / *done * (1 - *done)));
  }
  return text;
}

std::string fitting(const std::string& description, std::size_t columns) {
  if (description.size() <= columns) return description;
  // Two blanks divide the parts.
  const std::size_t end = description.rfind("  ", columns);
  return description.substr(0, end == std::string::npos ? columns : end);
}

void ProgressLine::begin(const control::PhaseProgress& progress, Time now) {
  phase_ = progress.phase;
  start_ = now;
  shown_ = now;
}

void ProgressLine::show(const control::PhaseProgress& progress) {
  const std::lock_guard lock(mutex_);
  const Time now = Clock::system().monotonic();
  if (phase_ != progress.phase) begin(progress, now);
  const double elapsed_s = now.seconds_since(start_);
  if (terminal_) {
    const std::string text = describe(progress, elapsed_s, true);
    tell(fmt::format("\r{}\x1b[K", fitting(text, terminal_columns() - 1)));
    visible_ = true;
  } else if (now.ns - shown_.ns >= kPlainLineEvery_ns) {
    shown_ = now;
    tell(describe(progress, elapsed_s, false) + '\n');
  }
}

void ProgressLine::clear() {
  const std::lock_guard lock(mutex_);
  clear_locked();
}

void ProgressLine::say(std::string_view line) {
  const std::lock_guard lock(mutex_);
  clear_locked();
  tell_line(line);
}

void ProgressLine::clear_locked() {
  if (visible_) tell("\r\x1b[K");
  visible_ = false;
}

}  // namespace salvor::cli
