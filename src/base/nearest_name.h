#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace salvor {

/// The candidate that `word` was most likely meant to be: the one with the fewest letters inserted,
/// removed, replaced or swapped with their neighbour. Empty when each of them takes more changes
/// than a third of the word's letters (one change is always near enough), and for words of more
/// than 64 bytes.
std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> candidates);

/// A hint for a name that nobody knows: `did you mean "x"?`, or `expected one of: ` with all the
/// candidates where none is near.
std::string suggest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace salvor
