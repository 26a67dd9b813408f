#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "checks/checks.h"

/// What all kinds of checks share.
namespace salvor::checks {

/// How many missing or differing things a verdict names.
inline constexpr std::size_t kNamedMax = 20;

/// Throws (cancelled) when it is time to end.
void require_time(const Deadline& deadline);

/// Calls `ask`, which fills in the outcome, and measures it. Every error becomes the verdict
/// `impossible`, but for the stop's, which is thrown.
void judge(CheckOutcome& outcome, const std::stop_token& stop, std::int64_t timeout_s,
           const std::function<void(const Deadline&)>& ask);

/// A path relative to a store without "." and doubled slashes; empty for one that leads out of the
/// store, is absolute, is the store itself, or has a name that no file can have.
std::optional<std::string> path_within(std::string_view path);

/// Foreign text for messages: printable, and cut where it is long.
std::string shown(std::string_view text);

std::string sha256_of(std::string_view text);

}  // namespace salvor::checks
